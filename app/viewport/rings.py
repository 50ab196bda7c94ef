from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.viewport.picking import distance_to_line
from qnerf_core.scene.camera import Camera

RADIUS = 62.0
"""Pixels on the screen, wherever the joint is."""

AXES = "XYZ"
_POINTS = 73
_CIRCLE = np.stack([np.cos(np.linspace(0, 2 * np.pi, _POINTS)), np.sin(np.linspace(0, 2 * np.pi, _POINTS))], axis=1)


@dataclass(frozen=True, eq=False)
class Rings:
    """The three handles that turn a joint about its own axes."""

    centre: np.ndarray
    axes: np.ndarray
    """(3, 3), one axis a row, unit length."""
    pixels: np.ndarray
    """(3, n, 2) the rings on the screen, closed."""
    in_front: np.ndarray
    """(3, n) bool: the half that is nearer to the camera than the joint."""

    @classmethod
    def around(cls, centre: np.ndarray, rotation: np.ndarray, camera: Camera) -> Rings:
        _, depth = camera.project(centre)
        radius = RADIUS * float(depth) / camera.fy
        axes = rotation.T
        circles = np.stack([_circle(centre, axis, radius) for axis in axes])
        pixels, depths = camera.project(circles)
        return cls(centre, axes, pixels, depths <= depth + 1e-3 * radius)

    def at(self, at: np.ndarray, reach: float) -> int | None:
        distances = [distance_to_line(pixels, at) for pixels in self.pixels]
        nearest = int(np.argmin(distances))
        return nearest if distances[nearest] <= reach else None


def _circle(centre: np.ndarray, axis: np.ndarray, radius: float) -> np.ndarray:
    first, second = across(axis)
    return centre + radius * (_CIRCLE @ np.stack([first, second]))


def across(axis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two directions that make a right-handed frame with an axis of unit length."""
    helper = np.eye(3)[int(np.abs(axis).argmin())]
    first = np.cross(helper, axis)
    first /= np.linalg.norm(first)
    return first, np.cross(axis, first)
