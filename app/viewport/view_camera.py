from __future__ import annotations

import math

import numpy as np
from scipy.spatial.transform import Rotation

from qnerf_core.scene.camera import Camera

FOCAL = 1.6
"""Focal length of the free camera in heights of the picture."""

PHOTO_INSET = 56
"""Pixels under a looked-through photo, for the bar that belongs to it."""

RADIANS_PER_PIXEL = 0.0075
DIRECTIONS = {
    "front": (0.0, -1.0, 0.0),
    "back": (0.0, 1.0, 0.0),
    "left": (-1.0, 0.0, 0.0),
    "right": (1.0, 0.0, 0.0),
    "top": (0.0, 0.0, 1.0),
    "bottom": (0.0, 0.0, -1.0),
    "corner": (-0.55, -1.0, 0.3),
}
"""From the subject to the camera."""

_STEEPEST = math.radians(89.0)
_MARGIN = 1.08
_ZOOM_RANGE = 0.25, 24.0


class ViewCamera:
    """Where the 3D view looks from: a free camera, or one of the capture with its picture fitted into the widget.

    Whatever it does is a `qnerf_core` camera of the widget's size, which is all the drawing knows.
    """

    def __init__(self) -> None:
        self.focus = np.zeros(3)
        self._pose = looking_along(np.array(DIRECTIONS["corner"]), self.focus, 4.0)
        self._size = (640, 480)
        self._lens = (FOCAL, FOCAL, 0.0, 0.0)
        self._through: Camera | None = None
        self._magnified = 1.0
        self._shift = np.zeros(2)

    @property
    def camera(self) -> Camera:
        width, height = self._size
        if self._through is not None:
            scale, left, top = self._fit(self._through)
            of = self._through
            return Camera(
                of.camera_to_world,
                of.fx * scale,
                of.fy * scale,
                left + of.cx * scale,
                top + of.cy * scale,
                width,
                height,
            )
        fx, fy, x, y = (value * height for value in self._lens)
        return Camera(self._pose, fx, fy, 0.5 * width + x, 0.5 * height + y, width, height)

    @property
    def is_looking_through(self) -> bool:
        return self._through is not None

    @property
    def photo_rectangle(self) -> tuple[float, float, float, float]:
        """Left, top, width and height of the looked-through picture in the widget."""
        assert self._through is not None
        scale, left, top = self._fit(self._through)
        return left, top, self._through.width * scale, self._through.height * scale

    def resize(self, width: int, height: int) -> None:
        self._size = (max(width, 1), max(height, 1))

    def orbit(self, dx: float, dy: float) -> None:
        self.leave()
        up = Rotation.from_rotvec([0.0, 0.0, -RADIANS_PER_PIXEL * dx]).as_matrix()
        pitch = math.asin(float(np.clip(self._pose[2, 2], -1.0, 1.0)))
        wanted = float(np.clip(pitch + RADIANS_PER_PIXEL * dy, -_STEEPEST, _STEEPEST))
        side = Rotation.from_rotvec(self._pose[:3, 0] * (pitch - wanted)).as_matrix()
        self._turn_about_focus(up @ side)

    def pan(self, dx: float, dy: float) -> None:
        if self._through is not None:
            self._shift += (dx, dy)
            return
        camera = self.camera
        centre, depth = camera.project(self.focus)
        moved = camera.unproject(centre - (dx, dy), depth) - self.focus
        self._move(moved)

    def zoom(self, factor: float, at: np.ndarray) -> None:
        """Nearer by a factor over one; what is under the pixel `at` stays under it."""
        if self._through is not None:
            before = self._magnified
            self._magnified = float(np.clip(before * factor, *_ZOOM_RANGE))
            middle = 0.5 * self._room
            self._shift = at - middle - (at - middle - self._shift) * (self._magnified / before)
            return
        camera = self.camera
        _, depth = camera.project(self.focus)
        held = camera.unproject(at, depth)
        self._pose = self._pose.copy()
        self._pose[:3, 3] = held + (self._pose[:3, 3] - held) / factor
        self.focus = held + (self.focus - held) / factor

    def frame(self, centre: np.ndarray, radius: float) -> None:
        """Shows a ball whole, from where the camera looks; a looked-through picture is shown whole."""
        if self._through is not None:
            self._magnified, self._shift = 1.0, np.zeros(2)
            return
        self._lens = (FOCAL, FOCAL, 0.0, 0.0)
        self.focus = np.array(centre, dtype=np.float64)
        self._pose = self._pose.copy()
        self._pose[:3, 3] = self.focus + self._pose[:3, 2] * self._distance(radius)

    def look_from(self, name: str, centre: np.ndarray, radius: float) -> None:
        self._through = None
        self._lens = (FOCAL, FOCAL, 0.0, 0.0)
        self.focus = np.array(centre, dtype=np.float64)
        self._pose = looking_along(np.array(DIRECTIONS[name]), self.focus, self._distance(radius))

    def look_through(self, camera: Camera, centre: np.ndarray) -> None:
        self._through = camera
        self._magnified, self._shift = 1.0, np.zeros(2)
        _, depth = camera.project(centre)
        self.focus = camera.position + camera.forward * max(float(depth), 1e-3)

    def leave(self) -> None:
        """Stays where the looked-through camera is, as a free camera with its lens."""
        if self._through is None:
            return
        camera, height = self.camera, self._size[1]
        x, y = camera.cx - 0.5 * self._size[0], camera.cy - 0.5 * height
        self._lens = (camera.fx / height, camera.fy / height, x / height, y / height)
        self._pose = camera.camera_to_world.copy()
        self._through = None

    @property
    def _room(self) -> np.ndarray:
        """Width and height that a photo may fill."""
        width, height = self._size
        return np.array((width, height - PHOTO_INSET if height > 4 * PHOTO_INSET else height))

    def _fit(self, camera: Camera) -> tuple[float, float, float]:
        picture = np.array((camera.width, camera.height))
        scale = self._magnified * float((self._room / picture).min())
        left, top = 0.5 * (self._room - scale * picture) + self._shift
        return scale, float(left), float(top)

    def _distance(self, radius: float) -> float:
        width, height = self._size
        half = math.atan(0.5 * min(1.0, width / height) / FOCAL)
        return _MARGIN * max(radius, 1e-3) / math.sin(half)

    def _turn_about_focus(self, rotation: np.ndarray) -> None:
        self._pose = self._pose.copy()
        self._pose[:3, :3] = rotation @ self._pose[:3, :3]
        self._pose[:3, 3] = self.focus + rotation @ (self._pose[:3, 3] - self.focus)

    def _move(self, offset: np.ndarray) -> None:
        self._pose = self._pose.copy()
        self._pose[:3, 3] += offset
        self.focus = self.focus + offset


def looking_along(to_camera: np.ndarray, centre: np.ndarray, distance: float) -> np.ndarray:
    backward = to_camera / np.linalg.norm(to_camera)
    above = np.array([0.0, 0.0, 1.0]) if abs(backward[2]) < 0.999 else np.array([0.0, backward[2], 0.0])
    right = np.cross(above, backward)
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(backward, right), backward], axis=1)
    pose[:3, 3] = centre + backward * distance
    return pose


def projection_matrix(camera: Camera, near: float, far: float) -> np.ndarray:
    """OpenGL's clip matrix of a pinhole camera, (4, 4): pixel (0, 0) is the upper left corner of the picture."""
    return np.array(
        [
            [2 * camera.fx / camera.width, 0.0, 1 - 2 * camera.cx / camera.width, 0.0],
            [0.0, 2 * camera.fy / camera.height, 2 * camera.cy / camera.height - 1, 0.0],
            [0.0, 0.0, -(far + near) / (far - near), -2 * far * near / (far - near)],
            [0.0, 0.0, -1.0, 0.0],
        ]
    )
