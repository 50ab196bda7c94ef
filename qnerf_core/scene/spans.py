"""Which pixels triangles cover, vectorised over all triangles: row by row, a span at a time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

# Pixels handled at once; bounds the memory (about 60 bytes each).
_CHUNK = 1 << 21


def covered_pixels(
    corners: np.ndarray, width: int, height: int, *, closed: bool = True
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Find the pixels whose centres (at +0.5) lie in triangles, and interpolate a value linearly there.

    Args:
        corners: (T, 3, 3) column and row in pixels, and the value.
        width: Of the picture, pixels.
        height: Of the picture, pixels.
        closed: Count centres on edges to all triangles that meet there, so that no crack opens; else to exactly one
            of the two triangles that share an edge, so that nothing is counted twice.

    Yields:
        Flat indices (N,) of pixels and values (N,), in chunks; a pixel comes once per triangle that covers it.
    """
    # From the upper corner to the lower, so that triangles that share an edge compute the very same crossings.
    corners = np.take_along_axis(corners, np.argsort(corners[..., 1], axis=1)[..., None], axis=1)
    first_row = np.maximum(np.ceil(corners[:, 0, 1] - 0.5), 0)
    last_row = np.floor(corners[:, 2, 1] - 0.5) if closed else np.ceil(corners[:, 2, 1] - 0.5) - 1
    rows = np.minimum(last_row, height - 1) - first_row + 1
    (x0, y0, w0), (x1, y1, w1), (x2, y2, w2) = np.moveaxis(corners, 0, -1)
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    beside = (corners[..., 0].max(axis=1) < 0) | (corners[..., 0].min(axis=1) > width)
    useful = (rows > 0) & (np.abs(area) > 1e-12) & ~beside
    x0, y0, w0, x1, y1, w1, x2, y2, w2, area, first_row = (
        part[useful] for part in (x0, y0, w0, x1, y1, w1, x2, y2, w2, area, first_row)
    )
    counts = rows[useful].astype(np.int64)
    across = ((w1 - w0) * (y2 - y0) - (w2 - w0) * (y1 - y0)) / area
    down = ((w2 - w0) * (x1 - x0) - (w1 - w0) * (x2 - x0)) / area
    with np.errstate(divide="ignore", invalid="ignore"):
        long_slope, upper_slope, lower_slope = (x2 - x0) / (y2 - y0), (x1 - x0) / (y1 - y0), (x2 - x1) / (y2 - y1)
    owner, offset = enumerate_ranges(counts)
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
    right = np.maximum(one_side, other_side) - 0.5
    right = np.clip(np.floor(right) if closed else np.ceil(right) - 1, -1, width - 1)
    lengths = np.maximum(right - left + 1, 0).astype(np.int64)
    value = w0[owner] + across[owner] * (left + 0.5 - x0[owner]) + down[owner] * (y - y0[owner])
    start = ((y - 0.5) * width + left).astype(np.int64)
    slope = across[owner]
    ends = np.searchsorted(np.cumsum(lengths), np.arange(_CHUNK, lengths.sum() + _CHUNK, _CHUNK), side="right")
    for first, last in pairwise((0, *ends)):
        span, step = enumerate_ranges(lengths[first:last])
        span += first
        yield start[span] + step, value[span] + slope[span] * step


def enumerate_ranges(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number the items of ranges one after another.

    Args:
        counts: (N,) items in each range.

    Returns:
        For every item the index of its range, and its number within.
    """
    owner = np.repeat(np.arange(len(counts)), counts)
    ends = np.cumsum(counts)
    return owner, np.arange(len(owner)) - (ends - counts)[owner]
