"""Where a subject is, on a grid: the visual hull of its masks, or the density of a field."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
from scipy import ndimage

from qnerf_core.errors import ProxyError
from qnerf_core.scene.camera import Camera

Tell = Callable[[float], None]
"""Told the share of a work that is done; it ends the work by an error."""

_COARSE = 32
_CHUNK = 1 << 18
# Shares of a hull's time at which its steps end, measured with 24 views of 256 pixels.
_EDGES, _ROUGHLY, _ROUND = 0.25, 0.3, 0.65


@dataclass(frozen=True, eq=False)
class SolidField:
    """A number at every node of a grid, positive inside the subject.

    Attributes:
        values: (X, Y, Z) float32, about metres to its surface.
        lower: (3,) world position of the first node, metres.
        cell: Distance between nodes, metres.
    """

    values: np.ndarray
    lower: np.ndarray
    cell: float

    @property
    def inside(self) -> np.ndarray:
        """(X, Y, Z) bool: the largest connected piece of what is positive."""
        labels, count = ndimage.label(self.values > 0)
        if count < 2:
            return np.asarray(labels > 0)
        sizes = np.bincount(labels.ravel())
        sizes[0] = 0
        return np.asarray(labels == sizes.argmax())

    def points(self) -> np.ndarray:
        """World positions (N, 3) of the nodes inside, metres."""
        return np.argwhere(self.inside) * self.cell + self.lower


def visual_hull(
    cameras: Sequence[Camera],
    masks: Sequence[np.ndarray],
    bounds: np.ndarray,
    depths: Sequence[np.ndarray] | None = None,
    *,
    resolution: int = 64,
    misses: int = 0,
    tell: Tell | None = None,
) -> SolidField:
    """Find the space that every silhouette covers, less what is seen through.

    Args:
        cameras: V views.
        masks: V of (H, W) bool, the subject.
        bounds: (2, 3) box to look in, metres.
        depths: V of (H, W) depth along the axis, metres, 0 = unknown: space before the subject's surface is empty,
            which hollows out what no silhouette shows. None if there are none.
        resolution: Nodes along the longest side of the subject.
        misses: So many views may disagree, for masks with errors.
        tell: Told after every view.

    Returns:
        Nodes over the subject with a little room around it.

    Raises:
        ProxyError: No place is covered by all silhouettes.
    """
    given: Sequence[np.ndarray | None] = [None] * len(cameras) if depths is None else depths
    views = list(zip(cameras, masks, given, strict=True))
    tell = tell or _to_nobody
    signed = []
    for number, mask in enumerate(masks, 1):
        signed.append(_signed_pixels(mask))
        tell(_EDGES * number / len(masks))
    carve = partial(_hull, views, signed, misses=misses)
    coarse_cell = float(np.ptp(bounds, axis=0).max()) / _COARSE
    coarse = carve(bounds, coarse_cell, tell=part_of(tell, _EDGES, _ROUGHLY))
    # A node stands for its cell, however thin what it holds.
    found = np.argwhere(coarse.values > -coarse_cell)
    if not len(found):
        raise ProxyError(
            "The subject cannot be located", "no place is covered by the masks of all views", "Check masks and cameras."
        )
    low, high = (coarse.lower + index * coarse_cell for index in (found.min(axis=0) - 1, found.max(axis=0) + 1))
    low, high = np.maximum(low, bounds[0]), np.minimum(high, bounds[1])
    for start, end in pairwise((_ROUGHLY, _ROUND, 1.0)):
        cell = float((high - low).max()) / resolution
        field = carve(np.stack([low, high]), cell, tell=part_of(tell, start, end))
        covered = np.argwhere(field.values > 0)
        if not len(covered):
            raise ProxyError(
                "The subject cannot be located", "the masks of the views hardly meet", "Check masks and cameras."
            )
        # Once more, around what was found.
        low, high = (
            np.clip(field.lower + index * cell, *bounds) for index in (covered.min(axis=0) - 2, covered.max(axis=0) + 2)
        )
    return field


def part_of(tell: Tell, start: float, end: float) -> Tell:
    """Return what a part of a work tells its own share to.

    Args:
        tell: Told the share of the whole.
        start: Share of the whole at which the part begins.
        end: Share at which it ends.
    """
    return lambda share: tell(start + (end - start) * share)


def density_field(
    density: Callable[[np.ndarray], np.ndarray], box: np.ndarray, *, resolution: int = 64, level: float | None = None
) -> SolidField:
    """Find where a field is dense.

    Args:
        density: Maps world points (N, 3) to densities (N,), per metre.
        box: (2, 3) around the subject alone, metres.
        resolution: Nodes along the longest side.
        level: Density of the surface; None for the one at which a cell lets half of the light through.

    Raises:
        ProxyError: It is nowhere that dense.
    """
    cell = float(np.ptp(box, axis=0).max()) / resolution
    points, shape = _nodes(box, cell)
    parts = [density(points[start : start + _CHUNK]) for start in range(0, len(points), _CHUNK)]
    surface = float(np.log(2.0)) / cell if level is None else level
    # As if the density rose from nothing to the surface's within a cell.
    values = (np.concatenate(parts) / surface - 1.0).astype(np.float32).reshape(shape) * np.float32(cell)
    if not (values > 0).any():
        raise ProxyError("The field is empty here", "it is nowhere dense enough in the box", "Choose a larger box.")
    return SolidField(values, points[0], cell)


def looked_at(cameras: Sequence[Camera]) -> np.ndarray:
    """Return a box (2, 3) around what all cameras look at, metres, where nobody knows the bounds.

    Args:
        cameras: At least two that look different ways.
    """
    total, offset = np.zeros((3, 3)), np.zeros(3)
    for camera in cameras:
        across = np.eye(3) - np.outer(camera.forward, camera.forward)
        total += across
        offset += across @ camera.position
    middle = np.linalg.lstsq(total, offset, rcond=None)[0]
    reach = 0.7 * float(np.median([np.linalg.norm(camera.position - middle) for camera in cameras]))
    return np.stack([middle - reach, middle + reach])


def _to_nobody(_share: float) -> None:
    pass


def _nodes(box: np.ndarray, cell: float) -> tuple[np.ndarray, tuple[int, int, int]]:
    counts = np.maximum(np.ceil((box[1] - box[0]) / cell).astype(int), 1)
    lower = box.mean(axis=0) - 0.5 * (counts - 1) * cell
    shape = (int(counts[0]), int(counts[1]), int(counts[2]))
    return np.indices(shape).reshape(3, -1).T * cell + lower, shape


def _signed_pixels(mask: np.ndarray) -> np.ndarray:
    """Distance to the silhouette's edge in pixels, positive inside."""
    inside = ndimage.distance_transform_edt(mask)
    outside = ndimage.distance_transform_edt(~mask) if mask.any() else np.full(mask.shape, np.inf)
    return np.asarray(inside - outside, dtype=np.float32)


def _hull(
    views: Sequence[tuple[Camera, np.ndarray, np.ndarray | None]],
    signed: Sequence[np.ndarray],
    box: np.ndarray,
    cell: float,
    *,
    misses: int,
    tell: Tell,
) -> SolidField:
    points, shape = _nodes(box, cell)
    lowest = np.full((misses + 1, len(points)), np.inf, dtype=np.float32)
    seen = np.zeros(len(points), dtype=np.int32)
    for number, ((camera, mask, depth), edge) in enumerate(zip(views, signed, strict=True), 1):
        pixels, distance = camera.project(points)
        inside = (distance > 0) & (np.nan_to_num(pixels, nan=-1.0) >= 0).all(axis=1)
        inside &= (pixels[:, 0] < camera.width) & (pixels[:, 1] < camera.height)
        place = np.flatnonzero(inside)
        columns, rows = pixels[place].astype(np.int64).T
        value = edge[rows, columns] * distance[place] / camera.fx
        if depth is not None:
            surface = depth[rows, columns]
            # Within a cell of the surface is the subject's own.
            behind = np.where(mask[rows, columns] & (surface > 0), distance[place] - surface + cell, np.inf)
            value = np.minimum(value, behind)
        seen[place] += 1
        column = np.full(len(points), np.inf, dtype=np.float32)
        column[place] = value
        lowest = np.sort(np.concatenate([lowest, column[None]]), axis=0)[: misses + 1]
        tell(number / len(views))
    # What a single view sees may be anywhere along its rays.
    values = np.where((seen >= min(2, len(views))) & np.isfinite(lowest[misses]), lowest[misses], -np.inf)
    return SolidField(values.reshape(shape), points[0], cell)
