"""Blobs: ellipsoids whose surfaces flow together where they are near each other, as one mesh."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qnerf_core.proxy.solids import Mesh

_TINY = 1e-9


def blob_distance(
    points: np.ndarray, centres: np.ndarray, axes: np.ndarray, sizes: np.ndarray, blend: float
) -> np.ndarray:
    """Return how far points are from the joined surface of blobs: about metres near it, exactly zero on it.

    One blob alone is its ellipsoid. Several are joined by the exponential smooth minimum, which knows no order: where
    two surfaces meet, the joined one stands out by ln(2) / 4 of `blend`; farther apart than `blend` it is under 1 %.

    Args:
        points: (N, 3) world, metres.
        centres: (B, 3) world, metres.
        axes: (B, 3, 3) rotations whose columns are the blobs' own axes in the world.
        sizes: (B, 3) full extents along these axes, metres.
        blend: Distance over which blobs flow together, metres; 0 for a plain union.

    Returns:
        (N,) negative inside.
    """
    total = np.zeros(len(points))
    lowest = np.full(len(points), np.inf)
    each = []
    for centre, turn, size in zip(centres, axes, sizes, strict=True):
        local = (points - centre) @ turn
        radii = 0.5 * size
        # First-order distance to an ellipsoid (I. Quilez): exact on the surface and for balls.
        scaled = np.linalg.norm(local / radii, axis=1)
        gradient = np.linalg.norm(local / radii**2, axis=1)
        distance = scaled * (scaled - 1) / np.maximum(gradient, _TINY)
        distance[scaled < 1e-6] = -radii.min()
        each.append(distance)
        np.minimum(lowest, distance, out=lowest)
    if blend <= 0 or len(each) == 1:
        return lowest
    sharpness = 4.0 / blend
    for distance in each:
        total += np.exp(-sharpness * (distance - lowest))
    return lowest - np.log(total) / sharpness


def blob_mesh(centres: np.ndarray, axes: np.ndarray, sizes: np.ndarray, blend: float, resolution: int = 64) -> Mesh:
    """Return the joined surface of blobs as one closed mesh, by marching cubes.

    Args:
        centres: (B, 3) world, metres; at least one.
        axes: (B, 3, 3) rotations whose columns are the blobs' own axes in the world.
        sizes: (B, 3) full extents along these axes, metres.
        blend: Distance over which they flow together, metres.
        resolution: Cells along the longest side of what holds them all.
    """
    # Slow to import, and most proxies hold no blobs.
    from skimage.measure import marching_cubes

    reach = np.linalg.norm(axes * (0.5 * sizes[:, None, :]), axis=2)
    lower, upper = (centres - reach).min(axis=0), (centres + reach).max(axis=0)
    # Joined surfaces stand out a little: n blobs in one place by ln(n) / 4 of the blend.
    spare = 0.25 * blend * np.log(max(len(centres), 1))
    spacing = float((upper - lower + 2 * spare).max()) / resolution
    lower, upper = lower - spare - 1.5 * spacing, upper + spare + 1.5 * spacing
    grid = [np.arange(low, high + spacing, spacing) for low, high in zip(lower, upper, strict=True)]
    points = np.stack(np.meshgrid(*grid, indexing="ij"), axis=-1)
    values = blob_distance(points.reshape(-1, 3), centres, axes, sizes, blend).reshape(points.shape[:3])
    vertices, faces, _, _ = marching_cubes(values.astype(np.float32), 0.0, spacing=(spacing,) * 3)
    return vertices + lower, faces.astype(np.int64)


def joined(meshes: Sequence[Mesh]) -> Mesh:
    """Return several meshes as one.

    Args:
        meshes: Any number of them.
    """
    if not meshes:
        return np.zeros((0, 3)), np.zeros((0, 3), np.int64)
    starts = np.cumsum([0] + [len(vertices) for vertices, _ in meshes[:-1]])
    return (
        np.concatenate([vertices for vertices, _ in meshes]),
        np.concatenate([faces + start for (_, faces), start in zip(meshes, starts, strict=True)]),
    )
