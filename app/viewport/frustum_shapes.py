from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.viewport.picking import triangles_at
from qnerf_core.scene.camera import Camera
from qnerf_core.scene.scene import View

TILE = 96
"""Pixels of a thumbnail."""

EDGES = ((0, 1), (0, 2), (0, 3), (0, 4), (1, 2), (2, 3), (3, 4), (4, 1), (5, 6), (6, 7), (7, 5))
_SIDES = ((1, 2, 3), (1, 3, 4), (0, 1, 2), (0, 2, 3), (0, 3, 4), (0, 4, 1))
_LENGTH = 0.11
_TOO_NEAR = 0.42


@dataclass(frozen=True, eq=False)
class FrustumShapes:
    """Of each view: apex, the four corners of the picture (upper left first, clockwise) and the roof's three points."""

    points: np.ndarray
    """(V, 8, 3) metres."""

    @classmethod
    def of(cls, views: Sequence[View], centre: np.ndarray) -> FrustumShapes:
        distances = [float(np.linalg.norm(view.camera.position - centre)) for view in views]
        length = _LENGTH * float(np.median(distances)) if distances else 1.0
        shapes = [_shape(view.camera, length) for view in views]
        return cls(np.array(shapes).reshape(-1, 8, 3))

    def in_the_way(self, camera: Camera, depth: float) -> np.ndarray:
        """Which are so near that they would hide what is at `depth`, (V,) bool."""
        middle = self.points[:, 1:5].mean(axis=1)
        _, depths = camera.project(middle)
        return depths < _TOO_NEAR * depth

    def at(self, camera: Camera, at: np.ndarray, focus_depth: float) -> tuple[int, float] | None:
        """Which frustum is under a pixel and its depth, the nearest first."""
        if not len(self.points):
            return None
        pixels, depth = camera.project(self.points)
        met = triangles_at(pixels[:, np.array(_SIDES)], at).any(axis=1)
        met &= ~self.in_the_way(camera, focus_depth)
        if not met.any():
            return None
        depths = np.where(met, depth[:, :5].min(axis=1), np.inf)
        nearest = int(depths.argmin())
        return nearest, float(depths[nearest])


def _shape(camera: Camera, length: float) -> np.ndarray:
    width, height = camera.width, camera.height
    middle, peak = 0.5 * width, -0.22 * height
    pixels = np.array(
        [(0, 0), (width, 0), (width, height), (0, height)]
        + [(middle - 0.16 * width, -0.04 * height), (middle + 0.16 * width, -0.04 * height), (middle, peak)]
    )
    return np.vstack([camera.position, camera.unproject(pixels, np.full(len(pixels), length))])
