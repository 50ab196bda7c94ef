from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QWheelEvent
from PySide6.QtWidgets import QApplication

from app.viewport import gizmo
from app.viewport.viewport import Viewport
from qnerf_core import files
from qnerf_core.body.pose import SMPL_JOINTS, BodyPose
from qnerf_core.body.surface import BodySurface
from qnerf_core.control.raster import rasterise_depth
from qnerf_core.scene.camera import Camera
from tests.window.conftest import wait_until
from tests.window.viewport_hands import MIDDLE, NOTHING, SHIFT, at, click, drag, joint_pixel, key, look, opened

KEYPAD = Qt.KeyboardModifier.KeypadModifier


@pytest.fixture
def viewport(qapp: QApplication) -> Iterator[Viewport]:
    with opened() as result:
        yield result


def test_a_click_on_a_frustum_looks_through_it(viewport: Viewport) -> None:
    scene = viewport.document.scene
    assert scene is not None
    viewport.look_from("front")
    look(viewport)
    middles = viewport.current_camera().project(viewport.desk.shapes.points[:, 1:5].mean(axis=1))[0]
    free = [
        index
        for index, pixel in enumerate(middles)
        if viewport.rect().adjusted(20, 20, -20, -20).contains(at(pixel)) and viewport.desk.frustum_at(pixel) == index
    ]
    index = free[0]
    click(viewport, middles[index])
    assert viewport.document.looking_through
    assert viewport.document.current_view == scene.views[index].name
    assert np.array_equal(viewport.current_camera().camera_to_world, scene.views[index].camera.camera_to_world)
    assert viewport.bar.isVisible()
    assert viewport.bar.title.text() == scene.views[index].name


def test_the_body_hides_the_frusta_behind_it(viewport: Viewport) -> None:
    viewport.look_from("front")
    camera = viewport.current_camera()
    pixels, depths = camera.project(viewport.desk.shapes.points[:, 1:5].mean(axis=1))
    chest = camera.project(viewport.document.body.joints(viewport.document.pose)[9])[0]
    # A frustum brought behind the chest is not clicked through it.
    behind = int(np.argmax(depths))
    viewport.desk.shapes.points[behind] += camera.unproject(chest, depths[behind]) - camera.unproject(
        pixels[behind], depths[behind]
    )
    assert viewport.desk.shapes.at(camera, chest, viewport.desk.focus_depth) is not None
    assert viewport.desk.frustum_at(chest) is None


def test_arrows_space_and_escape_go_through_the_views(viewport: Viewport) -> None:
    document = viewport.document
    assert document.scene is not None
    names = [view.name for view in document.scene.views]
    key(viewport, Qt.Key.Key_Right)
    assert (document.current_view, document.looking_through) == (names[0], True)
    key(viewport, Qt.Key.Key_Right)
    key(viewport, Qt.Key.Key_Right)
    assert document.current_view == names[2]
    key(viewport, Qt.Key.Key_Left)
    assert document.current_view == names[1]
    key(viewport, Qt.Key.Key_Space)
    assert (document.current_view, document.looking_through) == (names[1], False)
    assert not viewport.bar.isVisible()
    key(viewport, Qt.Key.Key_Space)
    assert (document.current_view, document.looking_through) == (names[1], True)
    key(viewport, Qt.Key.Key_Escape)
    assert not document.looking_through


def test_orbiting_leaves_a_photo_without_a_jump(viewport: Viewport) -> None:
    viewport.look_through("004")
    look(viewport)
    through = viewport.current_camera()
    middle = np.array([450.0, 320.0])
    drag(viewport, middle, middle, MIDDLE)
    assert viewport.document.looking_through
    drag(viewport, middle, middle + (2.0, 0.0), MIDDLE)
    assert not viewport.document.looking_through
    assert viewport.document.current_view == "004"
    now = viewport.current_camera()
    assert (now.fx, now.fy, now.cx, now.cy) == pytest.approx((through.fx, through.fy, through.cx, through.cy))
    assert np.abs(now.camera_to_world - through.camera_to_world).max() < 0.1
    before = np.linalg.norm(now.position - viewport.desk.eye.focus)
    drag(viewport, middle, middle + (150.0, 60.0), MIDDLE)
    after = viewport.current_camera()
    assert np.linalg.norm(after.position - viewport.desk.eye.focus) == pytest.approx(before)
    assert after.camera_to_world[2, 0] == pytest.approx(now.camera_to_world[2, 0], abs=0.05)
    assert after.position[2] > now.position[2]


def wheel(viewport: Viewport, pixel: np.ndarray, angle: int) -> None:
    where, none = QPointF(*pixel.tolist()), QPoint()
    button, phase = Qt.MouseButton.NoButton, Qt.ScrollPhase.NoScrollPhase
    event = QWheelEvent(where, where, none, QPoint(0, angle), button, NOTHING, phase, False)
    QCoreApplication.sendEvent(viewport, event)


def test_pan_and_wheel_keep_what_is_under_the_pointer(viewport: Viewport) -> None:
    viewport.look_from("front")
    focus = viewport.desk.eye.focus
    start = viewport.current_camera().project(focus)[0]
    drag(viewport, start, start + (70.0, -40.0), MIDDLE, SHIFT)
    assert viewport.current_camera().project(focus)[0] == pytest.approx(start + (70.0, -40.0), abs=1.5)
    pixel = np.array([300.0, 200.0])
    depth = viewport.desk.focus_depth
    held = viewport.current_camera().unproject(pixel, np.array(depth))
    wheel(viewport, pixel, 360)
    assert viewport.desk.focus_depth < 0.75 * depth
    assert viewport.current_camera().project(held)[0] == pytest.approx(pixel, abs=1e-6)


def test_named_views_come_from_keys_and_from_the_axes_in_the_corner(viewport: Viewport) -> None:
    for which, keys, direction in (
        (Qt.Key.Key_1, KEYPAD, (0, 1, 0)),
        (Qt.Key.Key_3, KEYPAD, (-1, 0, 0)),
        (Qt.Key.Key_7, KEYPAD, (0, 0, -1)),
        (Qt.Key.Key_1, KEYPAD | Qt.KeyboardModifier.ControlModifier, (0, -1, 0)),
    ):
        key(viewport, which, keys)
        assert viewport.current_camera().forward == pytest.approx(np.array(direction, float), abs=1e-9)
    viewport.look_from("corner")
    look(viewport)
    camera = viewport.current_camera()
    area = gizmo.place(camera.width)
    upper = [np.array([x, area.center().y() - 30.0]) for x in range(area.left(), area.right())]
    ends = [pixel for pixel in upper if gizmo.view_at(camera, area, pixel) == "top"]
    click(viewport, ends[len(ends) // 2])
    assert viewport.current_camera().forward == pytest.approx(np.array([0.0, 0.0, -1.0]), abs=1e-9)


def test_the_view_travels_to_where_it_goes(viewport: Viewport) -> None:
    viewport.look_from("front")
    look(viewport)
    start = viewport.current_camera()
    places: list[np.ndarray] = []
    viewport.frameDrawn.connect(lambda _spent: places.append(viewport._drawn_camera.position))
    viewport.look_from("right")
    assert viewport.is_travelling
    look(viewport)
    end = viewport.current_camera()
    assert viewport._drawn_camera is not None
    assert np.array_equal(places[-1], end.position)
    centre = viewport.desk.eye.focus
    for place in places:
        assert np.linalg.norm(place - centre) == pytest.approx(np.linalg.norm(end.position - centre), abs=1e-6)
        assert (place - centre) @ (start.position - centre) > -1e-6


def test_home_shows_the_whole_body(viewport: Viewport) -> None:
    viewport.desk.zoom(6.0, np.array([100.0, 100.0]))
    key(viewport, Qt.Key.Key_Home)
    pixels, _ = viewport.current_camera().project(viewport.desk.vertices.astype(float))
    assert pixels.min() > 0
    assert (pixels.max(axis=0) < (viewport.width(), viewport.height())).all()
    assert np.ptp(pixels[:, 1]) > 0.5 * viewport.height()


def write_capture(folder: Path, camera: Camera, picture: np.ndarray) -> None:
    files.write_image(folder / "images" / "one.png", picture)
    content = {
        "camera_model": "OPENCV",
        "fl_x": camera.fx,
        "fl_y": camera.fy,
        "cx": camera.cx,
        "cy": camera.cy,
        "w": camera.width,
        "h": camera.height,
        "frames": [{"file_path": "images/one.png", "transform_matrix": camera.camera_to_world.tolist()}],
    }
    (folder / "transforms.json").write_text(json.dumps(content))


def test_joints_and_body_lie_on_the_photo_to_the_pixel(qapp: QApplication, tmp_path: Path) -> None:
    pose = BodyPose.rest()
    body = BodySurface.load()
    turn = math.radians(25.0)
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(
        [[math.cos(turn), 0.0, math.sin(turn)], [math.sin(turn), 0.0, -math.cos(turn)], [0.0, 1.0, 0.0]]
    )
    matrix[:3, 3] = body.joints(pose)[0] + 3.2 * matrix[:3, 2]
    # Neither square nor centred, nor are its pixels: nothing may be lost on the way.
    camera = Camera(matrix, 330.0, 360.0, 178.0, 131.0, 384, 288)
    marked = ("left_wrist", "right_wrist", "left_ankle", "head")
    pixels = camera.project(body.joints(pose)[[SMPL_JOINTS.index(name) for name in marked]])[0]
    rows, columns = np.mgrid[: camera.height, : camera.width]
    picture = np.zeros((camera.height, camera.width, 3), dtype=np.uint8)
    for x, y in pixels:
        spot = np.exp(-((columns + 0.5 - x) ** 2 + (rows + 0.5 - y) ** 2) / (2 * 2.5**2))
        picture[..., 1] = np.maximum(picture[..., 1], np.rint(255 * spot)).astype(np.uint8)
    write_capture(tmp_path, camera, picture)
    with opened(str(tmp_path), (860, 500)) as viewport:
        document = viewport.document
        document.set_source_pose(pose)
        document.set_target_pose(pose)
        viewport.look_through("one")
        for name in ("body", "skeleton"):
            viewport.set_shown(name, False)
        assert wait_until(lambda: viewport.photos.photo(document.scene.views[0]) is not None)
        look(viewport)
        shown = _pixels(viewport.grab().toImage())[..., 1].astype(float)
        ours = viewport.current_camera()
        for name in marked:
            expected = ours.project(body.joints(pose)[SMPL_JOINTS.index(name)])[0]
            left, top = np.rint(expected).astype(int) - 12
            patch = np.clip(shown[top : top + 24, left : left + 24] - 20, 0, None)
            y, x = np.mgrid[top : top + 24, left : left + 24] + 0.5
            found = np.array([(patch * x).sum(), (patch * y).sum()]) / patch.sum()
            assert np.linalg.norm(found - expected) < 0.5, name
        viewport.set_shown("body", True)
        look(viewport)
        covered = viewport._render_from(ours)[..., 3] > 127
        expected_cover = rasterise_depth(body.vertices(pose), body.faces, ours) > 0
        union = (covered | expected_cover).sum()
        assert (covered & expected_cover).sum() > 0.985 * union


def _pixels(image: QImage) -> np.ndarray:
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    rows = np.frombuffer(image.constBits(), dtype=np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 4 * image.width()].reshape(image.height(), image.width(), 4)[..., 2::-1]


def test_the_photo_lies_behind_the_body_as_strong_as_asked(viewport: Viewport) -> None:
    view = viewport.document.scene.views[0]  # type: ignore[union-attr]
    viewport.look_through(view.name)
    viewport.set_shown("skeleton", False)
    assert wait_until(lambda: viewport.photos.photo(view) is not None)
    look(viewport)
    corner = (300, 60)
    chest = at(joint_pixel(viewport, "spine2"))
    both = viewport.grab().toImage()
    viewport.set_body_opacity(0.0)
    look(viewport)
    photo = viewport.grab().toImage()
    assert photo.pixel(chest) != both.pixel(chest)
    assert photo.pixel(*corner) == both.pixel(*corner)
    viewport.bar.photo.setValue(0)
    look(viewport)
    assert viewport.photo_opacity == 0.0
    bare = viewport.grab().toImage()
    assert bare.pixel(*corner) != photo.pixel(*corner)
