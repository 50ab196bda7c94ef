"""Depth of triangle meshes by a z-buffer, vectorised over all triangles of a mesh."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from qnerf_core.scene.camera import Camera

# Metres; what is nearer to the camera's plane is cut off.
_NEAR = 1e-3
# Pixels handled at once; bounds the memory (about 60 bytes each).
_CHUNK = 1 << 21


def rasterise_depth(vertices: np.ndarray, faces: np.ndarray, camera: Camera) -> np.ndarray:
    """Render a mesh's depth. A pixel is covered if its centre is; triangles are seen from both sides.

    Args:
        vertices: (N, 3) world positions, metres.
        faces: (F, 3) indices.
        camera: The view; gives the size.

    Returns:
        (H, W) float32, distance along the viewing axis in metres, 0 where nothing is.
    """
    nearest = np.zeros(camera.height * camera.width)
    corners = _triangles_in_picture(np.asarray(vertices, dtype=np.float64), np.asarray(faces), camera)
    for pixels, inverse in _covered_pixels(corners, camera.width, camera.height):
        np.maximum.at(nearest, pixels, inverse)
    depth = np.divide(1.0, nearest, out=np.zeros_like(nearest), where=nearest > 0)
    return depth.reshape(camera.height, camera.width).astype(np.float32)


def _triangles_in_picture(vertices: np.ndarray, faces: np.ndarray, camera: Camera) -> np.ndarray:
    """Corners (T, 3, 3) of the triangles before the camera: column and row in pixels, inverse depth (1 / metres)."""
    matrix = camera.world_to_camera
    local = vertices @ matrix[:3, :3].T + matrix[:3, 3]
    in_front = (-local[:, 2] > _NEAR)[faces]
    triangles = local[faces[in_front.all(axis=1)]]
    cut = in_front.any(axis=1) & ~in_front.all(axis=1)
    if cut.any():
        triangles = np.concatenate([triangles, *_clipped(local[faces[cut]], in_front[cut])])
    inverse = 1.0 / -triangles[..., 2]
    columns = camera.cx + camera.fx * triangles[..., 0] * inverse
    rows = camera.cy - camera.fy * triangles[..., 1] * inverse
    return np.stack([columns, rows, inverse], axis=-1)


def _clipped(triangles: np.ndarray, in_front: np.ndarray) -> Iterator[np.ndarray]:
    """The parts before the near plane of triangles (T, 3, 3) that cross it."""
    for lonely in (True, False):
        chosen = (in_front.sum(axis=1) == 1) == lonely
        # The corner that is alone on its side of the plane comes first.
        first = np.argmax(in_front[chosen] == lonely, axis=1)
        order = (first[:, None] + np.arange(3)) % 3
        alone, second, third = np.moveaxis(np.take_along_axis(triangles[chosen], order[..., None], axis=1), 1, 0)
        cuts = []
        for other in (second, third):
            share = (-_NEAR - alone[:, 2]) / (other[:, 2] - alone[:, 2])
            cuts.append(alone + share[:, None] * (other - alone))
        if lonely:
            yield np.stack([alone, cuts[0], cuts[1]], axis=1)
        else:
            yield np.stack([cuts[0], second, third], axis=1)
            yield np.stack([cuts[0], third, cuts[1]], axis=1)


def _covered_pixels(corners: np.ndarray, width: int, height: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Chunks of flat pixel indices and the inverse depth there; a pixel comes once per triangle that covers it."""
    # From the upper corner to the lower, so that triangles that share an edge compute the very same crossings.
    corners = np.take_along_axis(corners, np.argsort(corners[..., 1], axis=1)[..., None], axis=1)
    first_row = np.maximum(np.ceil(corners[:, 0, 1] - 0.5), 0)
    rows = np.minimum(np.floor(corners[:, 2, 1] - 0.5), height - 1) - first_row + 1
    (x0, y0, w0), (x1, y1, w1), (x2, y2, w2) = np.moveaxis(corners, 0, -1)
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    beside = (corners[..., 0].max(axis=1) < 0) | (corners[..., 0].min(axis=1) > width)
    useful = (rows > 0) & (np.abs(area) > 1e-12) & ~beside
    x0, y0, w0, x1, y1, w1, x2, y2, w2, area, first_row = (
        part[useful] for part in (x0, y0, w0, x1, y1, w1, x2, y2, w2, area, first_row)
    )
    counts = rows[useful].astype(np.int64)
    # The inverse of depth is linear in the picture.
    across = ((w1 - w0) * (y2 - y0) - (w2 - w0) * (y1 - y0)) / area
    down = ((w2 - w0) * (x1 - x0) - (w1 - w0) * (x2 - x0)) / area
    with np.errstate(divide="ignore", invalid="ignore"):
        long_slope, upper_slope, lower_slope = (x2 - x0) / (y2 - y0), (x1 - x0) / (y1 - y0), (x2 - x1) / (y2 - y1)
    owner, offset = _enumerate(counts)
    y = first_row[owner] + offset + 0.5
    upper = (y <= y1[owner]) & (y1 > y0)[owner]
    one_side = x0[owner] + (y - y0[owner]) * long_slope[owner]
    with np.errstate(invalid="ignore"):
        other_side = np.where(
            upper,
            x0[owner] + (y - y0[owner]) * upper_slope[owner],
            x1[owner] + (y - y1[owner]) * lower_slope[owner],
        )
    left = np.clip(np.ceil(np.minimum(one_side, other_side) - 0.5), 0, width)
    right = np.clip(np.floor(np.maximum(one_side, other_side) - 0.5), -1, width - 1)
    lengths = np.maximum(right - left + 1, 0).astype(np.int64)
    inverse = w0[owner] + across[owner] * (left + 0.5 - x0[owner]) + down[owner] * (y - y0[owner])
    start = ((y - 0.5) * width + left).astype(np.int64)
    slope = across[owner]
    ends = np.searchsorted(np.cumsum(lengths), np.arange(_CHUNK, lengths.sum() + _CHUNK, _CHUNK), side="right")
    for first, last in pairwise((0, *ends)):
        span, step = _enumerate(lengths[first:last])
        span += first
        yield start[span] + step, inverse[span] + slope[span] * step


def _enumerate(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For counts (N,): which of the N every item belongs to, and its number there."""
    owner = np.repeat(np.arange(len(counts)), counts)
    ends = np.cumsum(counts)
    return owner, np.arange(len(owner)) - (ends - counts)[owner]
