"""Do the edited views show one and the same object? Reprojection of the views into each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from qnerf_core.evaluation.image_metrics import mean_squared_error_to_psnr
from qnerf_core.scene.camera import Camera

MAX_ANGLE_DEGREES = 35.0
# Two surfaces closer than this along the axis of the second view are the same: 1 % of the depth plus 5 mm.
RELATIVE_TOLERANCE = 0.01
ABSOLUTE_TOLERANCE = 0.005


@dataclass(frozen=True)
class Agreement:
    """How well views agree over all reprojected points.

    Attributes:
        psnr: dB.
        disagreement: Their squared difference as a share of that of points taken at random: 0 where they agree, 1
            where they have nothing to do with each other. Unlike the PSNR it does not reward faint pictures.
        points: Number of points.
        pairs: Number of ordered pairs of views.
    """

    psnr: float
    disagreement: float
    points: int
    pairs: int


def neighbouring_pairs(cameras: Sequence[Camera], max_angle: float = MAX_ANGLE_DEGREES) -> list[tuple[int, int]]:
    """Ordered pairs of different views whose viewing axes differ by at most ``max_angle`` degrees."""
    axes = np.stack([-camera.camera_to_world[:3, 2] for camera in cameras])
    cosines = np.clip(axes @ axes.T, -1.0, 1.0)
    close = np.degrees(np.arccos(cosines)) <= max_angle + 1e-6
    return [(int(a), int(b)) for a, b in zip(*np.nonzero(close), strict=True) if a != b]


def view_agreement(
    images: np.ndarray,
    cameras: Sequence[Camera],
    depths: np.ndarray,
    regions: np.ndarray,
    max_angle: float = MAX_ANGLE_DEGREES,
) -> Agreement | None:
    """Colour difference of points seen by two neighbouring views, the geometry being given.

    Every pixel of the region with a known depth is lifted into the world and looked up (bilinearly) in each
    neighbouring view, if that view sees the same surface there: all four depths around the look-up must agree with the
    point's, which keeps hidden points and silhouette edges out, and the look-up must lie inside that view's region.
    Shading that depends on the view and resampling count as disagreement, so the truth itself has a finite value.

    Args:
        images: (V, 3, H, W) in [0, 1].
        cameras: V cameras of that size.
        depths: (V, H, W) metres along the axis; 0 = unknown.
        regions: (V, H, W) bool, the pixels that count.
        max_angle: largest angle between the axes of two compared views, degrees.

    Returns:
        The agreement, or None when no point is seen by two neighbouring views.
    """
    error, points, pairs = 0.0, 0, neighbouring_pairs(cameras, max_angle)
    sums, squares = np.zeros(3), np.zeros(3)
    lifted = [_lift(cameras[view], depths[view], regions[view]) for view in range(len(cameras))]
    for first, second in pairs:
        rows, columns, world = lifted[first]
        pixels, depth = cameras[second].project(world)
        height, width = depths[second].shape
        safe = np.where((depth > 0)[:, None], pixels, -1.0)
        # Pixel centres lie at +0.5.
        x, y = safe[:, 0] - 0.5, safe[:, 1] - 0.5
        inside = (x >= 0) & (y >= 0) & (x < width - 1) & (y < height - 1)
        rows, columns, x, y, depth = rows[inside], columns[inside], x[inside], y[inside], depth[inside]
        left, top = x.astype(int), y.astype(int)
        around = np.stack([depths[second][top + dy, left + dx] for dy in (0, 1) for dx in (0, 1)])
        tolerance = ABSOLUTE_TOLERANCE + RELATIVE_TOLERANCE * depth
        seen = (around > 0).all(axis=0) & (np.abs(around - depth) <= tolerance).all(axis=0)
        seen &= regions[second][np.rint(y).astype(int), np.rint(x).astype(int)]
        if not seen.any():
            continue
        coordinates = np.stack([y[seen], x[seen]])
        for channel in range(3):
            there = ndimage.map_coordinates(images[second, channel].astype(np.float64), coordinates, order=1)
            here = images[first, channel, rows[seen], columns[seen]].astype(np.float64)
            error += float(np.square(there - here).sum())
            sums[channel] += (here + there).sum() / 2
            squares[channel] += (np.square(here) + np.square(there)).sum() / 2
        points += int(np.count_nonzero(seen))
    if points == 0:
        return None
    mean_error = error / (3 * points)
    # Two independent points differ by twice the variance.
    at_random = 2 * float((squares / points - np.square(sums / points)).mean())
    disagreement = mean_error / at_random if at_random > 0 else 0.0
    return Agreement(mean_squared_error_to_psnr(mean_error), disagreement, points, len(pairs))


def _lift(camera: Camera, depth: np.ndarray, region: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rows, columns = np.nonzero(region & (depth > 0))
    pixels = np.stack([columns + 0.5, rows + 0.5], axis=-1)
    return rows, columns, camera.unproject(pixels, depth[rows, columns].astype(np.float64))
