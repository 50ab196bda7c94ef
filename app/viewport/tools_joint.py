from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import Qt

from app.document.posing import label
from app.viewport.desk import Desk
from app.viewport.picking import ray
from app.viewport.rings import AXES, Rings, across
from app.viewport.tool import Tool
from qnerf_core.body.pose import SMPL_JOINTS
from qnerf_core.scene.camera import Camera

_AXIS_KEYS = {Qt.Key.Key_X: 0, Qt.Key.Key_Y: 1, Qt.Key.Key_Z: 2}
# Nearer to edge-on than this, a ring is turned along its tangent on the screen.
_LEAST_FACING = 0.3
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

    def key(self, key: Qt.Key) -> bool:
        axis = _AXIS_KEYS.get(key)
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
            self.wanted = _nearest_on_line(self.place, direction, camera, pixel)
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
        camera = desk.camera
        view = camera.position - self.place
        self._facing = float(self.direction @ view) / float(np.linalg.norm(view))
        self._last = self._angle_on_plane(camera, at)
        self._turned = 0.0
        self._tangent = _tangent(rings.pixels[axis], at)

    @property
    def hint(self) -> str:
        return f"{AXES[self.axis]}  {math.degrees(self._turned):+.0f}°  ·  Esc cancel"

    def move(self, at: np.ndarray) -> None:
        if abs(self._facing) >= _LEAST_FACING:
            angle = self._angle_on_plane(self.desk.camera, at)
            self._turned += _wrapped(angle - self._last)
            self._last = angle
        else:
            self._turned = float((at - self.start) @ self._tangent) / float(self._tangent @ self._tangent)
        self.desk.document.rotate_joint(self.name, self._turned * self.direction)

    def _angle_on_plane(self, camera: Camera, at: np.ndarray) -> float:
        direction = ray(camera, at)
        along = float(direction @ self.direction)
        if abs(along) < _EPSILON:
            return 0.0
        distance = float((self.place - camera.position) @ self.direction) / along
        point = camera.position + distance * direction - self.place
        first, second = across(self.direction)
        return math.atan2(float(point @ second), float(point @ first))


class TurnFreely(AxisTool):
    """Turns about the line of sight, or about an axis, as the pointer goes around the joint."""

    def __init__(self, desk: Desk, joint: int, at: np.ndarray) -> None:
        super().__init__(desk, joint, at)
        self._last = self._angle(at)
        self._turned = 0.0

    def move(self, at: np.ndarray) -> None:
        self.at = at
        angle = self._angle(at)
        self._turned += _wrapped(angle - self._last)
        self._last = angle
        to_camera = self.desk.camera.position - self.place
        direction = self.direction
        if direction is None:
            direction = to_camera / np.linalg.norm(to_camera)
        sign = 1.0 if float(direction @ to_camera) >= 0.0 else -1.0
        self.desk.document.rotate_joint(self.name, sign * self._turned * direction)

    def _angle(self, at: np.ndarray) -> float:
        pixel, _ = self.desk.camera.project(self.place)
        x, y = (at - pixel).tolist()
        return math.atan2(-y, x)


def _wrapped(angle: float) -> float:
    return (angle + math.pi) % (2 * math.pi) - math.pi


def _nearest_on_line(place: np.ndarray, direction: np.ndarray, camera: Camera, pixel: np.ndarray) -> np.ndarray:
    """The point of a line in the world that is nearest to the ray through a pixel."""
    sight = ray(camera, pixel)
    between = place - camera.position
    slope = float(direction @ sight)
    spread = 1.0 - slope * slope
    if spread < 1e-4:
        return place
    return place + direction * ((slope * float(between @ sight) - float(between @ direction)) / spread)


def _between(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(3,) the shortest rotation vector from one direction to another."""
    axis = np.cross(first, second)
    sine, cosine = float(np.linalg.norm(axis)), float(first @ second)
    return np.zeros(3) if sine < _EPSILON else axis / sine * math.atan2(sine, cosine)


def _tangent(pixels: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Pixels (2,) that the ring's nearest point moves when the ring turns by a radian."""
    points = pixels[:-1]
    nearest = int(np.nanargmin(np.linalg.norm(points - at, axis=1)))
    step = points[(nearest + 1) % len(points)] - points[nearest - 1]
    tangent = step * len(points) / (4.0 * math.pi)
    return tangent if float(tangent @ tangent) > _EPSILON else np.array([1.0, 0.0])
