from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtWidgets import QApplication
from scipy.spatial.transform import Rotation

from app.viewport.rings import RADIUS, Rings
from app.viewport.viewport import Viewport
from qnerf_core.body.pose import SMPL_JOINTS, BodyPose
from tests.window.conftest import wait_until
from tests.window.viewport_hands import (
    LEFT,
    RIGHT,
    SHIFT,
    click,
    drag,
    joint_pixel,
    key,
    look,
    move,
    opened,
    press,
    release,
)


@pytest.fixture
def viewport(qapp: QApplication) -> Iterator[Viewport]:
    with opened() as result:
        yield result


def turned_joints(before: BodyPose, after: BodyPose) -> set[str]:
    different = np.abs(after.rotations - before.rotations).max(axis=(1, 2)) > 1e-6
    return {name for name, changed in zip(SMPL_JOINTS, different, strict=True) if changed}


def drawn_vertices(viewport: Viewport) -> np.ndarray:
    assert viewport._stage is not None
    return np.array(viewport._stage.body._mesh.points)


def test_a_dragged_joint_follows_the_mouse_and_the_body_the_joint(viewport: Viewport) -> None:
    document = viewport.document
    before, start = document.target_pose, joint_pixel(viewport, "left_wrist")
    picture = viewport.grab().toImage()
    end = start + (-30.0, -90.0)
    drag(viewport, start, end)
    assert np.linalg.norm(joint_pixel(viewport, "left_wrist") - end) < 2.0
    assert np.allclose(drawn_vertices(viewport), document.body.vertices(document.target_pose), atol=1e-6)
    assert viewport.grab().toImage() != picture
    assert document.selected_joint == "left_wrist"
    assert document.undo_stack.count() == 1
    assert document.undo_stack.undoText() == "Move left wrist"
    document.undo_stack.undo()
    look(viewport)
    assert turned_joints(before, document.target_pose) == set()
    assert np.allclose(drawn_vertices(viewport), document.body.vertices(before), atol=1e-6)


def test_shift_turns_only_the_joint_and_its_bone_follows(viewport: Viewport) -> None:
    before = viewport.document.target_pose
    elbow, wrist = joint_pixel(viewport, "left_elbow"), joint_pixel(viewport, "left_wrist")
    drag(viewport, elbow, elbow + (25.0, -20.0), keys=SHIFT)
    assert turned_joints(before, viewport.document.target_pose) == {"left_elbow"}
    moved = joint_pixel(viewport, "left_wrist") - wrist
    assert moved @ (25.0, -20.0) > 0.5 * np.linalg.norm(moved) * np.linalg.norm((25.0, -20.0))
    assert viewport.document.undo_stack.undoText() == "Turn left elbow"


def test_escape_gives_the_pose_back(viewport: Viewport) -> None:
    before, start = viewport.document.target_pose, joint_pixel(viewport, "right_wrist")
    press(viewport, start)
    move(viewport, start, start + (-60.0, -80.0))
    assert turned_joints(before, viewport.document.target_pose)
    key(viewport, Qt.Key.Key_Escape)
    assert turned_joints(before, viewport.document.target_pose) == set()
    move(viewport, start, start + (10.0, 10.0))
    release(viewport, start)
    assert turned_joints(before, viewport.document.target_pose) == set()
    assert viewport.document.undo_stack.count() == 0


def test_a_pinned_foot_stays_while_the_body_goes_down(viewport: Viewport) -> None:
    document = viewport.document
    document.plant_feet = False
    click(viewport, joint_pixel(viewport, "left_ankle"))
    key(viewport, Qt.Key.Key_P)
    assert document.pinned == {"left_ankle"}
    feet = [SMPL_JOINTS.index(name) for name in ("left_ankle", "right_ankle")]
    before = document.body.joints(document.target_pose)[feet]
    pelvis = joint_pixel(viewport, "pelvis")
    drag(viewport, pelvis, pelvis + (0.0, 50.0))
    moved = np.linalg.norm(document.body.joints(document.target_pose)[feet] - before, axis=1)
    assert moved[0] < 5e-3
    assert moved[1] > 5e-2


def test_a_ring_turns_the_joint_about_its_own_axis(viewport: Viewport) -> None:
    document = viewport.document
    click(viewport, joint_pixel(viewport, "left_hip"))
    joint = SMPL_JOINTS.index("left_hip")
    joints, camera = viewport.desk.joints, viewport.current_camera()
    rings = Rings.around(joints.positions[joint], joints.rotations[joint], camera)
    centre = joint_pixel(viewport, "left_hip")
    spread = np.linalg.norm(rings.pixels - centre, axis=-1)
    assert abs(spread.max() - RADIUS) < 8.0
    facing = np.abs(rings.axes @ (camera.position - joints.positions[joint]))
    axis = int(facing.argmax())
    others = [ring for ring in range(3) if ring != axis]
    clear = [min(np.linalg.norm(rings.pixels[others] - p, axis=-1).ravel()) for p in rings.pixels[axis]]
    grip = int(np.argmax(clear))
    before = document.target_pose.rotations[joint]
    drag(viewport, rings.pixels[axis][grip], rings.pixels[axis][(grip + 6) % 72])
    turn = Rotation.from_matrix(before.T @ document.target_pose.rotations[joint]).as_rotvec()
    # Limits may stop it; what it turns, it turns about the ring's axis.
    assert 0.1 < np.linalg.norm(turn) < 0.7
    assert abs(turn[axis]) > 0.8 * np.linalg.norm(turn)
    assert document.undo_stack.undoText() == "Turn left hip"


def test_keys_move_and_turn_along_an_axis_as_in_blender(viewport: Viewport) -> None:
    document = viewport.document
    wrist = SMPL_JOINTS.index("left_wrist")
    start = joint_pixel(viewport, "left_wrist")
    before = document.body.joints(document.target_pose)[wrist]
    click(viewport, start)
    key(viewport, Qt.Key.Key_G)
    key(viewport, Qt.Key.Key_Z)
    move(viewport, start, start + (40.0, -60.0))
    assert "Z axis" in viewport.tools.tool.hint  # type: ignore[union-attr]
    click(viewport, start + (40.0, -60.0))
    moved = document.body.joints(document.target_pose)[wrist] - before
    assert moved[2] > 0.1
    assert np.abs(moved[:2]).max() < 0.02
    pose = document.target_pose
    key(viewport, Qt.Key.Key_R)
    at = joint_pixel(viewport, "left_wrist")
    move(viewport, at + (80.0, 0.0), at + (0.0, -80.0))
    assert turned_joints(pose, document.target_pose) == {"left_wrist"}
    press(viewport, at, RIGHT)
    assert turned_joints(pose, document.target_pose) == set()
    assert document.undo_stack.count() == 1


def test_a_pause_in_a_drag_is_told_once(viewport: Viewport) -> None:
    pauses: list[None] = []
    viewport.dragPaused.connect(lambda: pauses.append(None))
    timer = viewport._pause_timer
    # However long a frame takes on a busy machine, this is no pause.
    timer.setInterval(600_000)
    start = joint_pixel(viewport, "left_wrist")
    press(viewport, start)
    move(viewport, start, start + (0.0, -60.0))
    assert timer.isActive()
    assert not pauses
    timer.start(50)
    assert wait_until(lambda: bool(pauses))
    release(viewport, start + (0.0, -60.0))
    assert not wait_until(lambda: len(pauses) > 1, 0.6)


def test_leaving_the_window_ends_a_drag_and_keeps_it(viewport: Viewport) -> None:
    start = joint_pixel(viewport, "left_wrist")
    press(viewport, start)
    move(viewport, start, start + (0.0, -60.0))
    QCoreApplication.sendEvent(viewport, QEvent(QEvent.Type.WindowDeactivate))
    assert viewport.document.undo_stack.count() == 1
    assert not viewport.document.is_dragging
    release(viewport, start, LEFT)


def test_hidden_joints_cannot_be_taken(viewport: Viewport) -> None:
    viewport.set_shown("skeleton", False)
    start = joint_pixel(viewport, "left_wrist")
    drag(viewport, start, start + (0.0, -60.0))
    assert viewport.document.undo_stack.count() == 0
    assert viewport.document.selected_joint is None
