from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.viewport.tools_proxy_drag import handles_of
from app.viewport.viewport import Viewport
from qnerf_core.proxy.model import DepthProxy
from tests.window.conftest import wait_until
from tests.window.viewport_hands import LEFT, RIGHT, SHIFT, at, click, drag, key, look, move, opened, press, release


@pytest.fixture
def viewport(qapp: QApplication) -> Iterator[Viewport]:
    with opened("sofa") as found:
        found.set_shown("cameras", False)
        found.desk.look_from("front")
        look(found)
        yield found


def pixel_of(viewport: Viewport, part: str) -> np.ndarray:
    """On the side of a part that looks at the camera."""
    found = viewport.document.proxy.part(part)
    return viewport.current_camera().project(found.centre - np.array([0.0, 0.5 * found.size[1], 0.0]))[0]


def typed(viewport: Viewport, text: str) -> None:
    QTest.keyClicks(viewport, text)


def change(viewport: Viewport, before: DepthProxy, part: str) -> np.ndarray:
    return viewport.document.proxy.part(part).centre - before.part(part).centre


def test_parts_are_chosen_by_clicks_and_groups_as_one(viewport: Viewport) -> None:
    document = viewport.document
    click(viewport, pixel_of(viewport, "seat"))
    assert document.selected_parts == ("seat",)
    QTest.mouseClick(viewport, LEFT, SHIFT, at(pixel_of(viewport, "left arm")))
    assert document.selected_parts == ("seat", "left arm")
    document.group_parts()
    click(viewport, np.array([15.0, 300.0]))
    assert document.selected_parts == ()
    click(viewport, pixel_of(viewport, "left arm"))
    assert document.selected_parts == ("seat", "left arm")
    click(viewport, pixel_of(viewport, "left arm"))
    assert document.selected_parts == ("left arm",)
    key(viewport, Qt.Key.Key_Escape)
    assert document.selected_parts == ()


def test_a_drag_moves_a_part_with_the_pointer_in_one_command(viewport: Viewport) -> None:
    document, start = viewport.document, viewport.document.proxy
    document.set_snap_to_floor(False)
    depth = viewport.current_camera().project(start.part("left arm").centre)[1]
    here = pixel_of(viewport, "left arm")
    drag(viewport, here, here + [60.0, -40.0])
    metres = np.array([60.0, 0.0, 40.0]) * float(depth) / viewport.current_camera().fy
    np.testing.assert_allclose(change(viewport, start, "left arm"), metres, atol=0.01)
    assert document.undo_stack.count() == 1
    assert document.undo_stack.undoText() == "Move left arm"
    document.undo_stack.undo()
    assert document.proxy is start


def test_keys_move_turn_and_scale_by_typed_numbers(viewport: Viewport) -> None:
    document, start = viewport.document, viewport.document.proxy
    document.select_parts(["back"])
    viewport.setFocus()
    typed(viewport, "gx-0.25")
    key(viewport, Qt.Key.Key_Return)
    np.testing.assert_allclose(change(viewport, start, "back"), [-0.25, 0.0, 0.0])
    typed(viewport, "sz2")
    key(viewport, Qt.Key.Key_Return)
    np.testing.assert_allclose(document.proxy.part("back").size / start.part("back").size, [1.0, 1.0, 2.0])
    typed(viewport, "rz90")
    key(viewport, Qt.Key.Key_Return)
    np.testing.assert_allclose(document.proxy.part("back").axes[:, 0], [0.0, 1.0, 0.0], atol=1e-9)
    moved = document.proxy
    typed(viewport, "gxx0.5")
    key(viewport, Qt.Key.Key_Return)
    np.testing.assert_allclose(change(viewport, moved, "back"), [0.0, 0.5, 0.0], atol=1e-9)
    typed(viewport, "s")
    key(viewport, Qt.Key.Key_Z, SHIFT)
    typed(viewport, "3")
    key(viewport, Qt.Key.Key_Return)
    np.testing.assert_allclose(document.proxy.part("back").size / moved.part("back").size, [3.0, 3.0, 1.0])
    assert document.undo_stack.count() == 5
    document.undo_stack.setIndex(0)
    assert document.proxy is start


def test_several_parts_turn_and_scale_about_their_middle(viewport: Viewport) -> None:
    document, start = viewport.document, viewport.document.proxy
    arms = ["left arm", "right arm"]
    document.select_parts(arms)
    middle = start.box(arms).mean(axis=0)
    viewport.setFocus()
    typed(viewport, "sx1.5")
    key(viewport, Qt.Key.Key_Enter)
    away = (document.proxy.part("left arm").centre - middle)[0] / (start.part("left arm").centre - middle)[0]
    assert away == pytest.approx(1.5)
    assert document.undo_stack.undoText() == "Scale 2 parts"


def test_escape_and_the_right_button_cancel(viewport: Viewport) -> None:
    document, start = viewport.document, viewport.document.proxy
    document.select_parts(["seat"])
    viewport.setFocus()
    here = pixel_of(viewport, "seat")
    for which in (Qt.Key.Key_G, Qt.Key.Key_R, Qt.Key.Key_S):
        QTest.mouseMove(viewport, at(here + [80.0, 30.0]))
        look(viewport)
        key(viewport, which)
        move(viewport, here + [80.0, 30.0], here + [120.0, -60.0])
        assert document.proxy is not start
        key(viewport, Qt.Key.Key_Escape)
        assert document.proxy is start
    key(viewport, Qt.Key.Key_G)
    move(viewport, here, here + [50.0, 0.0])
    press(viewport, here, RIGHT)
    assert document.proxy is start
    assert viewport.tools.tool is None
    assert document.undo_stack.count() == 0


def test_handles_move_scale_and_turn_along_one_axis(viewport: Viewport) -> None:
    document, start = viewport.document, viewport.document.proxy
    viewport.desk.look_from("corner")
    look(viewport)
    document.select_parts(["seat"])
    handles = handles_of(viewport.desk)
    assert handles is not None
    arrow, box = handles.along(2, 85.0), handles.along(0, 40.0)
    drag(viewport, arrow, arrow + [0.0, -50.0])
    moved = change(viewport, start, "seat")
    assert moved[2] > 0.1
    np.testing.assert_allclose(moved[:2], 0.0, atol=1e-9)
    document.undo_stack.undo()
    drag(viewport, box, handles.along(0, 80.0))
    assert document.proxy.part("seat").size[0] / start.part("seat").size[0] == pytest.approx(2.0, abs=0.1)
    np.testing.assert_array_equal(document.proxy.part("seat").size[1:], start.part("seat").size[1:])
    document.undo_stack.undo()
    ring = handles.rings.pixels[2]
    front = ring[handles.rings.in_front[2][: len(ring)]]
    drag(viewport, front[2], front[8])
    assert abs(document.proxy.part("seat").rotation[2]) > 0.2
    np.testing.assert_allclose(document.proxy.part("seat").rotation[:2], 0.0, atol=1e-9)


def test_a_part_near_the_floor_stands_on_it(viewport: Viewport) -> None:
    document = viewport.document
    document.add_part("box")
    document.set_proxy(document.proxy.without(["seat"]), "Delete seat")
    document.parts_to_floor()
    box = document.selected_parts
    height = viewport.current_camera().project(document.proxy.part("box").centre)[1] / viewport.current_camera().fy
    viewport.setFocus()
    for snap, expected in ((True, 0.0), (False, 4.0 * float(height))):
        document.set_snap_to_floor(snap)
        here = pixel_of(viewport, "box")
        press(viewport, here)
        move(viewport, here, here + [20.0, -4.0])
        release(viewport, here + [20.0, -4.0])
        assert document.proxy.box(box)[0, 2] - document.floor == pytest.approx(expected, abs=0.005)
        document.undo_stack.undo()


def test_moving_a_part_uploads_nothing(viewport: Viewport) -> None:
    assert viewport._stage is not None
    shapes = viewport._stage.proxy._shapes
    surface = shapes["seat"]._mesh
    before = surface.GetMTime()
    pictures = viewport._pixels.copy()
    document = viewport.document
    document.set_proxy(document.proxy.moved(["seat"], np.array([0.0, -0.4, 0.2])), "Move seat")
    look(viewport)
    assert not np.array_equal(pictures, viewport._pixels)
    assert shapes["seat"]._mesh is surface
    assert surface.GetMTime() == before


def test_a_drag_pauses_for_the_preview(viewport: Viewport) -> None:
    paused: list[int] = []
    viewport.dragPaused.connect(lambda: paused.append(1))
    here = pixel_of(viewport, "seat")
    press(viewport, here)
    move(viewport, here, here + [40.0, 0.0])
    assert wait_until(lambda: bool(paused))
    release(viewport, here + [40.0, 0.0])


def test_a_brush_shapes_the_surface_under_the_pointer(viewport: Viewport) -> None:
    document = viewport.document
    sculpting = document.sculpting
    sculpting.set_resolution(24)
    document.select_parts(["seat"])
    sculpting.toggle()
    assert wait_until(lambda: sculpting.is_active and not sculpting.is_busy)
    sculpting.set_brush(kind="inflate", radius=0.2, strength=1.0)
    here = pixel_of(viewport, "seat")
    front = document.proxy.box(["seat"])[0, 1]
    drag(viewport, here, here + [30.0, 0.0])
    assert document.undo_stack.undoText() == "Sculpt seat"
    assert document.proxy.box(["seat"])[0, 1] < front - 0.005
    swollen = document.proxy.box(["seat"])[0, 1]
    QTest.keyPress(viewport, Qt.Key.Key_Control)
    drag(viewport, here, here + [30.0, 0.0], keys=Qt.KeyboardModifier.ControlModifier)
    QTest.keyRelease(viewport, Qt.Key.Key_Control)
    assert document.proxy.box(["seat"])[0, 1] > swollen + 0.002
    viewport.setFocus()
    QTest.mouseMove(viewport, at(here))
    look(viewport)
    assert viewport.tools.parts.brush is not None
    key(viewport, Qt.Key.Key_F)
    move(viewport, here, here + [50.0, 0.0])
    press(viewport, here + [50.0, 0.0])
    assert sculpting.brush.radius > 0.25
    key(viewport, Qt.Key.Key_F, SHIFT)
    move(viewport, here + [50.0, 0.0], here)
    key(viewport, Qt.Key.Key_Escape)
    assert sculpting.brush.strength == 1.0
    key(viewport, Qt.Key.Key_Escape)
    assert not sculpting.is_active
