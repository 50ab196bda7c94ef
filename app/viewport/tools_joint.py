from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import Qt

from app.document.posing import label
from app.viewport.desk import Desk
from app.viewport.motion import RingAngle, ScreenAngle, nearest_on_line
from app.viewport.rings import AXES, Rings
from app.viewport.tool import Tool
from qnerf_core.body.pose import SMPL_JOINTS

AXIS_KEYS = {Qt.Key.Key_X: 0, Qt.Key.Key_Y: 1, Qt.Key.Key_Z: 2}
_SHORTEST_LEVER = 0.25
_EPSILON = 1e-9


class JointTool(Tool):
    """Changes the pose by one joint; one command when it finishes, none when it is cancelled."""

    cursor = Qt.CursorShape.ClosedHandCursor
    verb = "Turn"

    def __init__(self, desk: Desk, joint: int, at: np.ndarray) -> None:
        self.desk, self.joint, self.start = desk, joint, at
        self.name = SMPL_JOINTS[joint]
        self.joints = desk.joints
        self.place = self.joints.positions[joint].copy()
        self.at = at
        desk.document.begin_drag(f"{self.verb} {label(self.name)}")

    def finish(self) -> None:
        self.desk.document.end_drag()

    def cancel(self) -> None:
        self.desk.document.cancel_drag()


class AxisTool(JointTool):
    """X, Y or Z keeps to an axis of the world, the same key again to the joint's own, once more frees it."""

    def __init__(self, desk: Desk, joint: int, at: np.ndarray) -> None:
        super().__init__(desk, joint, at)
        self.axis: int | None = None
        self.is_local = False

    @property
    def direction(self) -> np.ndarray | None:
        if self.axis is None:
            return None
        return self.joints.rotations[self.joint][:, self.axis] if self.is_local else np.eye(3)[self.axis]

    @property
    def hint(self) -> str:
        where = "" if self.axis is None else f" along {'its own' if self.is_local else 'the'} {AXES[self.axis]} axis"
        return f"{self.verb} {label(self.name)}{where}  ·  X Y Z axis  ·  Esc cancel"

    def key(self, key: Qt.Key, _modifiers: Qt.KeyboardModifier) -> bool:
        axis = AXIS_KEYS.get(key)
        if axis is None:
            return False
        if axis != self.axis:
            self.axis, self.is_local = axis, False
        elif not self.is_local:
            self.is_local = True
        else:
            self.axis, self.is_local = None, False
        self.move(self.at)
        return True


class MoveJoint(AxisTool):
    """Inverse kinematics on the plane through the joint that is parallel to the screen, or on an axis."""

    verb = "Move"

    def __init__(self, desk: Desk, joint: int, at: np.ndarray) -> None:
        super().__init__(desk, joint, at)
        pixel, _ = desk.camera.project(self.place)
        self._grip = at - pixel
        self.wanted = self.place

    def move(self, at: np.ndarray) -> None:
        self.at = at
        camera = self.desk.camera
        pixel = at - self._grip
        _, depth = camera.project(self.place)
        direction = self.direction
        if direction is None:
            self.wanted = camera.unproject(pixel, depth)
        else:
            self.wanted = nearest_on_line(self.place, direction, camera, pixel)
        self.desk.document.drag_joint(self.name, self.wanted)


class SwingJoint(JointTool):
    """Turns this joint only, so that the bone it carries follows the pointer."""

    @property
    def hint(self) -> str:
        return f"Turn {label(self.name)} only  ·  Esc cancel"

    def __init__(self, desk: Desk, joint: int, at: np.ndarray) -> None:
        super().__init__(desk, joint, at)
        along = self.joints.tip(joint) - self.place
        length = float(np.linalg.norm(along))
        self._along = along * max(1.0, _SHORTEST_LEVER / max(length, _EPSILON))

    def move(self, at: np.ndarray) -> None:
        camera = self.desk.camera
        pixel, depth = camera.project(self.place + self._along)
        wanted = camera.unproject(pixel + (at - self.start), depth) - self.place
        self.desk.document.rotate_joint(self.name, _between(self._along, wanted))


class TurnRing(JointTool):
    """Turns the joint about one of its own axes by its ring."""

    def __init__(self, desk: Desk, joint: int, at: np.ndarray, rings: Rings, axis: int) -> None:
        super().__init__(desk, joint, at)
        self.axis = axis
        self.direction = rings.axes[axis].copy()
        self._angle = RingAngle(desk.camera, self.place, self.direction, rings.pixels[axis], at)

    @property
    def hint(self) -> str:
        return f"{AXES[self.axis]}  {math.degrees(self._angle.turned):+.0f}°  ·  Esc cancel"

    def move(self, at: np.ndarray) -> None:
        self.desk.document.rotate_joint(self.name, self._angle.move(at) * self.direction)


class TurnFreely(AxisTool):
    """Turns about the line of sight, or about an axis, as the pointer goes around the joint."""

    def __init__(self, desk: Desk, joint: int, at: np.ndarray) -> None:
        super().__init__(desk, joint, at)
        self._angle = ScreenAngle(desk.camera, self.place, at)

    def move(self, at: np.ndarray) -> None:
        self.at = at
        turned = self._angle.move(at)
        to_camera = self.desk.camera.position - self.place
        direction = self.direction
        if direction is None:
            direction = to_camera / np.linalg.norm(to_camera)
        sign = 1.0 if float(direction @ to_camera) >= 0.0 else -1.0
        self.desk.document.rotate_joint(self.name, sign * turned * direction)


def _between(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(3,) the shortest rotation vector from one direction to another."""
    axis = np.cross(first, second)
    sine, cosine = float(np.linalg.norm(axis)), float(first @ second)
    return np.zeros(3) if sine < _EPSILON else axis / sine * math.atan2(sine, cosine)
