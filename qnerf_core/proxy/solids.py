"""Meshes of the primitive solids, closed, faces outward, with shared vertices."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

# Sides of everything round: a silhouette that deviates by less than 0.2 % of its radius.
_SEGMENTS = 48
_RINGS = 24

Mesh = tuple[np.ndarray, np.ndarray]
"""Vertices (V, 3) float64 and faces (F, 3) int64, counter-clockwise seen from outside."""


def box() -> Mesh:
    """Return the cube from -0.5 to 0.5."""
    vertices = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
    quads = np.array([[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]])
    return vertices, np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


def ellipsoid() -> Mesh:
    """Return the ball of diameter one."""
    angles = np.linspace(0, np.pi, _RINGS + 1)
    return _turned(0.5 * np.sin(angles), -0.5 * np.cos(angles))


def cylinder() -> Mesh:
    """Return the cylinder of diameter and height one along z."""
    return _turned(np.array([0.0, 0.5, 0.5, 0.0]), np.array([-0.5, -0.5, 0.5, 0.5]))


def capsule(size: np.ndarray) -> Mesh:
    """Return a capsule along z in a unit frame that `size` stretches, so that its caps come out round.

    Args:
        size: (3,) full extents; where x and y differ, the caps are half ellipsoids of their mean radius' height.
    """
    cap = min(0.25 * (size[0] + size[1]) / size[2], 0.5)
    return _capsule(float(cap))


@lru_cache(maxsize=64)
def _capsule(cap: float) -> Mesh:
    quarter = np.linspace(0, np.pi / 2, _RINGS // 2 + 1)
    radii = 0.5 * np.concatenate([np.sin(quarter), np.sin(quarter)[::-1]])
    below = -0.5 + cap * (1 - np.cos(quarter))
    return _turned(radii, np.concatenate([below, -below[::-1]]))


def _turned(radii: np.ndarray, heights: np.ndarray) -> Mesh:
    """Turn an outline, from the lower pole to the upper, about z."""
    angles = np.arange(_SEGMENTS) * 2 * np.pi / _SEGMENTS
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    rings = [
        np.column_stack([r * circle, np.full(_SEGMENTS, h)]) for r, h in zip(radii[1:-1], heights[1:-1], strict=True)
    ]
    poles = np.array([[0, 0, heights[0]], [0, 0, heights[-1]]])
    count = len(rings)
    following = (np.arange(_SEGMENTS) + 1) % _SEGMENTS
    here = 2 + np.arange(count)[:, None] * _SEGMENTS + np.arange(_SEGMENTS)
    beside = here[:, following]
    a, b, c, d = here[:-1].ravel(), beside[:-1].ravel(), beside[1:].ravel(), here[1:].ravel()
    lower = np.stack([np.zeros(_SEGMENTS, int), beside[0], here[0]], axis=1)
    upper = np.stack([np.ones(_SEGMENTS, int), here[-1], beside[-1]], axis=1)
    sides = np.concatenate([np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)])
    return np.concatenate([poles, *rings]), np.concatenate([lower, sides, upper])
