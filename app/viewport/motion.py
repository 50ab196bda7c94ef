"""From the pointer to the world: what a drag on the screen means along a line, on a plane, around an axis."""

from __future__ import annotations

import math

import numpy as np

from app.viewport.picking import ray
from app.viewport.rings import across
from qnerf_core.scene.camera import Camera

# Nearer to edge-on than this, a ring is turned along its tangent on the screen.
_LEAST_FACING = 0.3
_EDGE_ON = 0.05
_EPSILON = 1e-9


def wrapped(angle: float) -> float:
    return (angle + math.pi) % (2 * math.pi) - math.pi


def nearest_on_line(place: np.ndarray, direction: np.ndarray, camera: Camera, pixel: np.ndarray) -> np.ndarray:
    """The point of a line in the world that is nearest to the ray through a pixel."""
    sight = ray(camera, pixel)
    between = place - camera.position
    slope = float(direction @ sight)
    spread = 1.0 - slope * slope
    if spread < 1e-4:
        return place
    return place + direction * ((slope * float(between @ sight) - float(between @ direction)) / spread)


def on_plane(place: np.ndarray, normal: np.ndarray, camera: Camera, pixel: np.ndarray) -> np.ndarray | None:
    """Where the ray through a pixel meets a plane; None if it hardly does."""
    sight = ray(camera, pixel)
    along = float(sight @ normal)
    if abs(along) < _EDGE_ON:
        return None
    distance = float((place - camera.position) @ normal) / along
    return camera.position + distance * sight if distance > 0 else None


class ScreenAngle:
    """How far the pointer has gone around a place on the screen, counter-clockwise, over any number of turns."""

    def __init__(self, camera: Camera, place: np.ndarray, at: np.ndarray) -> None:
        self._camera, self._place = camera, place
        self._last = self._angle(at)
        self.turned = 0.0

    def move(self, at: np.ndarray) -> float:
        angle = self._angle(at)
        self.turned += wrapped(angle - self._last)
        self._last = angle
        return self.turned

    def _angle(self, at: np.ndarray) -> float:
        pixel, _ = self._camera.project(self._place)
        x, y = (at - pixel).tolist()
        return math.atan2(-y, x)


class RingAngle:
    """How far a ring around an axis has been turned by the pointer, which took it at a pixel."""

    def __init__(
        self, camera: Camera, place: np.ndarray, direction: np.ndarray, ring: np.ndarray, at: np.ndarray
    ) -> None:
        """`ring` (n, 2) is how it is drawn."""
        self._camera, self._place, self._direction, self._start = camera, place, direction, at
        view = camera.position - place
        self._facing = float(direction @ view) / float(np.linalg.norm(view))
        self._last = self._on_plane(at)
        self._tangent = _tangent(ring, at)
        self.turned = 0.0

    def move(self, at: np.ndarray) -> float:
        if abs(self._facing) >= _LEAST_FACING:
            angle = self._on_plane(at)
            self.turned += wrapped(angle - self._last)
            self._last = angle
        else:
            self.turned = float((at - self._start) @ self._tangent) / float(self._tangent @ self._tangent)
        return self.turned

    def _on_plane(self, at: np.ndarray) -> float:
        direction = ray(self._camera, at)
        along = float(direction @ self._direction)
        if abs(along) < _EPSILON:
            return 0.0
        distance = float((self._place - self._camera.position) @ self._direction) / along
        point = self._camera.position + distance * direction - self._place
        first, second = across(self._direction)
        return math.atan2(float(point @ second), float(point @ first))


def _tangent(pixels: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Pixels (2,) that the ring's nearest point moves when the ring turns by a radian."""
    points = pixels[:-1]
    nearest = int(np.nanargmin(np.linalg.norm(points - at, axis=1)))
    step = points[(nearest + 1) % len(points)] - points[nearest - 1]
    tangent = step * len(points) / (4.0 * math.pi)
    return tangent if float(tangent @ tangent) > _EPSILON else np.array([1.0, 0.0])
