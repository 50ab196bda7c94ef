"""The viewport as a place for pictures: previews of an edit, renderings of a NeRF, statistics."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication

from app.viewport.viewport import Viewport
from qnerf_core.scene.camera import Camera
from tests.window.conftest import wait_until
from tests.window.viewport_hands import MIDDLE, at, drag, joint_pixel, look, opened

GREEN = np.broadcast_to(np.array([20, 200, 60], dtype=np.uint8), (64, 64, 3))


@pytest.fixture
def viewport(qapp: QApplication) -> Iterator[Viewport]:
    with opened() as result:
        yield result


def shown(viewport: Viewport) -> QImage:
    look(viewport)
    return viewport.grab().toImage()


def share_of_green(image: QImage) -> float:
    pixels = [image.pixelColor(x, y) for x in range(0, image.width(), 9) for y in range(0, image.height(), 9)]
    return sum(_is_green(pixel) for pixel in pixels) / len(pixels)


def _is_green(colour: QColor) -> bool:
    return colour.green() > 2 * max(colour.red(), colour.blue())


def test_a_preview_takes_the_place_of_photo_and_body_until_the_pose_changes(viewport: Viewport) -> None:
    viewport.set_shown("skeleton", False)
    viewport.look_through("001")
    viewport.show_preview("002", GREEN)
    assert share_of_green(shown(viewport)) == 0.0
    viewport.show_preview("001", GREEN)
    width, height = viewport.desk.eye.photo_rectangle[2:]
    area = width * height / (viewport.width() * viewport.height())
    assert share_of_green(shown(viewport)) > 0.9 * area
    assert _is_green(shown(viewport).pixelColor(at(joint_pixel(viewport, "spine2"))))
    viewport.set_shown("skeleton", True)
    wrist = joint_pixel(viewport, "left_wrist")
    drag(viewport, wrist, wrist + (0.0, -40.0))
    assert share_of_green(shown(viewport)) == 0.0


def test_in_the_result_mode_a_rendering_fills_the_view_and_moves_with_the_camera(viewport: Viewport) -> None:
    settled: list[Camera] = []
    viewport.cameraSettled.connect(settled.append)
    viewport.set_mode("result")
    assert wait_until(lambda: bool(settled), 5)
    camera = settled[-1]
    assert (camera.width, camera.height) == (viewport.width(), viewport.height())
    viewport.show_rendering(GREEN, camera)
    image = shown(viewport)
    assert share_of_green(image) > 0.97
    settled.clear()
    middle = np.array([450.0, 320.0])
    drag(viewport, middle, middle + (160.0, 0.0), MIDDLE)
    warped = share_of_green(shown(viewport))
    assert 0.1 < warped < 0.95
    now = viewport.current_camera().camera_to_world
    assert wait_until(lambda: bool(settled) and np.array_equal(settled[-1].camera_to_world, now), 5)
    viewport.set_mode("edit")
    assert share_of_green(shown(viewport)) == 0.0


def test_no_joint_is_taken_in_the_result_mode(viewport: Viewport) -> None:
    viewport.set_mode("result")
    wrist = joint_pixel(viewport, "left_wrist")
    drag(viewport, wrist, wrist + (0.0, -40.0))
    assert viewport.document.undo_stack.count() == 0
    assert viewport.document.selected_joint is None


def test_a_picture_at_rest_becomes_smooth(viewport: Viewport) -> None:
    for name in ("skeleton", "cameras", "floor"):
        viewport.set_shown(name, False)
    look(viewport)
    edges = _partly_covered(viewport)
    assert edges == 0
    assert wait_until(lambda: _partly_covered(viewport) > 300, 10)


def _partly_covered(viewport: Viewport) -> int:
    alpha = viewport._pixels[..., 3]
    return int(((alpha > 0) & (alpha < 255)).sum())


def test_nothing_is_uploaded_that_did_not_change(viewport: Viewport) -> None:
    stage = viewport._stage
    assert stage is not None
    mesh, actors = stage.body._mesh, stage._plotter.renderer.GetActors().GetNumberOfItems()
    before = (mesh.GetPoints().GetMTime(), mesh.GetPolys().GetMTime(), stage.frusta._image.GetMTime())
    middle = np.array([120.0, 500.0])
    drag(viewport, middle, middle + (30.0, 10.0), MIDDLE)
    assert (mesh.GetPoints().GetMTime(), mesh.GetPolys().GetMTime(), stage.frusta._image.GetMTime()) == before
    frames: list[float] = []
    viewport.frameDrawn.connect(frames.append)
    assert not wait_until(lambda: bool(frames), 0.5)
    wrist = joint_pixel(viewport, "left_wrist")
    drag(viewport, wrist, wrist + (0.0, -40.0))
    assert stage.body._mesh is mesh
    assert mesh.GetPoints().GetMTime() > before[0]
    assert mesh.GetPolys().GetMTime() == before[1]
    assert stage._plotter.renderer.GetActors().GetNumberOfItems() == actors


def test_statistics_say_frames_triangles_and_camera(viewport: Viewport) -> None:
    assert viewport._lines() == []
    viewport.toggle_shown("statistics")
    middle = np.array([120.0, 500.0])
    drag(viewport, middle, middle + (60.0, 10.0), MIDDLE)
    lines = viewport._lines()
    assert f"{len(viewport.document.body.faces):,} triangles" in lines
    assert any("fps" in line for line in lines)
    assert any("free camera" in line for line in lines)
