"""Soft bodies as unions of ellipsoids and round cones that flow together, with skinning weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from skimage.measure import marching_cubes

_CELL = 0.018
_BLEND = 0.022
"""Distance over which parts flow together, metres."""
_REACH = 4 * _BLEND
_WEIGHT_SPREAD = 0.035


@dataclass(frozen=True, eq=False)
class SoftPart:
    """A round cone from one point to another, squeezed along an axis if `flat` says so.

    Attributes:
        start, end: (3,) metres; the same for a ball.
        radii: At both ends, metres.
        joint: Number of the joint that it follows.
        scale: (3,) stretches it about the start along the world's axes.
        side: 1 left, -1 right, 0 neither; left and right do not flow together.
    """

    start: np.ndarray
    end: np.ndarray
    radii: tuple[float, float]
    joint: int
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    side: int = 0

    def distance(self, points: np.ndarray) -> np.ndarray:
        """(N,) about the distance from its surface, negative inside, metres."""
        scale = np.array(self.scale)
        local = (points - self.start) / scale
        axis = (self.end - self.start) / scale
        length = float(axis @ axis)
        share = np.clip(local @ axis / length, 0, 1) if length > 0 else np.zeros(len(points))
        radius = self.radii[0] + (self.radii[1] - self.radii[0]) * share
        gap = np.linalg.norm(local - share[:, None] * axis, axis=1) - radius
        return gap * float(scale.min() ** 0.5)

    def box(self) -> np.ndarray:
        """(2, 3) box within which it counts."""
        reach = max(self.radii) * np.array(self.scale) + _REACH
        ends = np.stack([self.start, self.end])
        return np.stack([ends.min(0) - reach, ends.max(0) + reach])


def soft_surface(parts: list[SoftPart]) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (V, 3) and faces (F, 3) of the union."""
    boxes = np.stack([part.box() for part in parts])
    low = boxes[:, 0].min(0)
    size = np.ceil((boxes[:, 1].max(0) - low) / _CELL).astype(int) + 2
    sums = {side: np.zeros(size, dtype=np.float32) for side in (0, 1, -1)}
    for part, box in zip(parts, boxes, strict=True):
        first = np.floor((box[0] - low) / _CELL).astype(int)
        last = np.minimum(np.ceil((box[1] - low) / _CELL).astype(int) + 1, size)
        grid = np.stack(np.meshgrid(*[np.arange(a, b) for a, b in zip(first, last, strict=True)], indexing="ij"), -1)
        points = grid.reshape(-1, 3) * _CELL + low
        distance = part.distance(points)
        # A gap of a cell keeps left and right from touching where they come near each other.
        distance[points[:, 0] * part.side < 0.7 * _CELL * abs(part.side)] = _REACH
        distance = distance.reshape(grid.shape[:3])
        sums[part.side][first[0] : last[0], first[1] : last[1], first[2] : last[2]] += np.exp(
            -np.clip(distance / _BLEND, -8, 30)
        )
    total = sums[0] + np.maximum(sums[1], sums[-1])
    field = -_BLEND * np.log(np.maximum(total, 1e-4))
    vertices, faces, _, _ = marching_cubes(field, 0.0, gradient_direction="descent")
    return vertices.astype(np.float64) * _CELL + low, faces.astype(np.int64)


def soft_weights(vertices: np.ndarray, parts: list[SoftPart], joints: int) -> np.ndarray:
    """(V, joints) skinning weights: nearer parts count more."""
    distances = np.stack([part.distance(vertices) for part in parts], axis=1)
    sides = np.array([part.side for part in parts])
    distances += 10.0 * (np.sign(vertices[:, :1]) * sides < 0)
    share = np.exp(-(distances - distances.min(1, keepdims=True)) / _WEIGHT_SPREAD)
    share[share < 0.02] = 0
    weights = np.zeros((len(vertices), joints))
    for index, part in enumerate(parts):
        weights[:, part.joint] += share[:, index]
    return weights / weights.sum(1, keepdims=True)
