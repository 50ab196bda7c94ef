"""Shadows that go with the subject.

Where the light comes from is read off the ground: all photos together show how bright it is, the subject's own points
tell what each direction's light would leave dark, and the least squares of non-negative weights say how much light
comes from which direction (illumination from shadows, Sato et al., PAMI 2003). The subject's points after the edit then
tell where its shadow falls. Old shadows are lifted and new ones cast by the ratio of the two, so the ground keeps its
texture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy import linalg, ndimage, optimize

from qnerf_core.editing.filters import above
from qnerf_core.scene.camera import Camera
from qnerf_core.scene.directions import evenly_spread

_GAMMA = 2.2
# Directions over the sphere, of which light comes from those higher than this (sine): others graze the ground.
_DIRECTIONS, _LOWEST = 1000, 0.2
# The ground is looked at on a grid of so many cells a side, as far around the subject as its height times this. The
# light is found on cells of so many of these a side: between the cells that points land on, there are gaps.
_CELLS, _REACH = 128, 1.0
_COARSE = 2
# Cells' sides between points of the subject that cast shadows: closer than the cells, so that these leave no gaps.
_THIN = 0.6
# Blur in cells, of shadows and of the brightness that is measured.
_SOFT, _EVEN = 0.8, 0.6
# Lowest share of its height with which the subject stands on the ground.
_FOOT = 0.1
# Share of the points at each end of every axis that may be strays, and of the rest's extent by which others reach on.
_STRAY, _BEYOND = 0.01, 0.2
# Makes one number of a cube's three.
_STRIDES = np.array([1, 1 << 20, 1 << 40])
# Share of the subject's size by which the ground may be uneven.
_LEVEL = 0.02
# Share of the ground that must be seen.
_FEWEST = 0.02
# Share of the mean square of what a direction explains that stands against its use: neighbours share what they see.
_RIDGE = 1e-3
# Change of a picture's values, as a logarithm, that may be the ground's pattern taken for shadows; twice that is not.
_UNSURE = 0.03
# Share of the light that is left in the deepest shadow, and the least light that counts as any.
_DARKEST, _BLACK = 0.15, 1e-6


@dataclass(frozen=True, eq=False)
class MovedShadow:
    """What an edit does to the light on the ground.

    Attributes:
        corner: (2,) x and y where the grid begins, metres.
        cell: Side of its cells, metres.
        level: Height of the ground, metres.
        uneven: What may lie so far above or below, metres.
        lights: (3, N, N), rows along y, by which a picture's values are multiplied: to bring the shadow from where it
            was to where it will be, to lift it only, and to cast it only.
    """

    corner: np.ndarray
    cell: float
    level: float
    uneven: float
    lights: np.ndarray

    @classmethod
    def found(
        cls,
        before: np.ndarray,
        after: np.ndarray,
        cameras: Sequence[Camera],
        images: Sequence[np.ndarray],
        covered: Sequence[np.ndarray],
        depths: Sequence[np.ndarray],
    ) -> MovedShadow | None:
        """Find it.

        Args:
            before: (N, 3) points on the subject, as dense as pictures show it, world, metres, z up.
            after: (M, 3) the same after the edit; what is not a number is gone.
            cameras: V cameras of the pictures' size.
            images: V times (H, W, 3) in [0, 1], the photos.
            covered: V times (H, W) bool, where the subject may be.
            depths: V times (H, W), depth of the scene without its subject, metres, 0 where it is not known.

        Returns:
            None if too little is seen of what the subject stands on.
        """
        before, after = _without_strays(before), _without_strays(after)
        if not len(before) or not len(after):
            return None
        both = np.concatenate([before, after])
        if not np.ptp(both, axis=0).any():
            return None
        uneven = _LEVEL * float(np.linalg.norm(np.ptp(before, axis=0)))
        level = _ground_level(before, uneven, cameras, depths)
        if level is None:
            return None
        middle = (both[:, :2].min(axis=0) + both[:, :2].max(axis=0)) / 2
        side = float(np.ptp(both[:, :2], axis=0).max()) + 2 * _REACH * float(np.ptp(both[:, 2]))
        shadow = cls(middle - side / 2, side / _CELLS, level, uneven, np.ones((3, _CELLS, _CELLS)))
        before, after = (_thinned(points, _THIN * shadow.cell) for points in (before, after))
        total, count = shadow._brightness(cameras, images, covered, depths)
        seen = count > 0
        if seen.mean() < _FEWEST:
            return None
        directions = evenly_spread(_DIRECTIONS)
        directions = directions[directions[:, 2] > _LOWEST]
        landed = shadow._landed(before, directions)
        plain, weights = _light(total, count, landed)
        used = weights > 0
        brightness = total[seen] / count[seen]
        lit = np.maximum(np.tensordot(plain, _slow(_CELLS), 1), max(_DARKEST * float(np.median(brightness)), _BLACK))
        was, will = (
            np.clip(1 - ndimage.gaussian_filter(np.tensordot(weights[used], dark, 1), _SOFT) / lit, _DARKEST, 1)
            for dark in (landed[used], shadow._landed(after, directions[used]))
        )
        # Nothing is lifted to more than it should have; where nothing is seen, pictures are filled from beside.
        nearest = ndimage.distance_transform_edt(~seen, return_distances=False, return_indices=True)
        has = np.maximum(ndimage.gaussian_filter((total / np.maximum(count, 1) / lit)[tuple(nearest)], _EVEN), _BLACK)
        change, lifted = (np.minimum(share / was, np.maximum(share / has, 1.0)) for share in (will, 1.0))
        lights = np.log(np.stack([change, lifted, will])) / _GAMMA
        certain = above(torch.from_numpy(np.abs(lights)), _UNSURE).numpy()
        return replace(shadow, lights=np.exp(certain * lights))

    def seen_from(self, camera: Camera, depth: np.ndarray) -> np.ndarray:
        """Return what a view's values are multiplied by, (3, H, W) as `lights`.

        Args:
            camera: The view.
            depth: (H, W) of the scene without its subject, metres, 0 where it is not known.
        """
        rows, columns = np.nonzero(depth > 0)
        points = camera.unproject(np.stack([columns, rows], axis=-1) + 0.5, depth[rows, columns])
        flat = np.abs(points[:, 2] - self.level) <= self.uneven
        rows, columns = rows[flat], columns[flat]
        at = ((points[flat, :2] - self.corner) / self.cell - 0.5)[:, ::-1].T
        result = np.ones((len(self.lights), *depth.shape), dtype=np.float32)
        for seen, light in zip(result, self.lights, strict=True):
            seen[rows, columns] = ndimage.map_coordinates(light, at, order=1, mode="constant", cval=1.0)
        return result

    def _brightness(
        self,
        cameras: Sequence[Camera],
        images: Sequence[np.ndarray],
        covered: Sequence[np.ndarray],
        depths: Sequence[np.ndarray],
    ) -> tuple[np.ndarray, np.ndarray]:
        """Linear brightness of the ground, the sum (N, N) over the views that see it, and their number (N, N)."""
        steps = (np.arange(_CELLS) + 0.5) * self.cell
        x, y = np.meshgrid(self.corner[0] + steps, self.corner[1] + steps)
        points = np.stack([x, y, np.full_like(x, self.level)], axis=-1).reshape(-1, 3)
        total, count = np.zeros((_CELLS, _CELLS)), np.zeros((_CELLS, _CELLS))
        for camera, image, cover, behind in zip(cameras, images, covered, depths, strict=True):
            pixels, depth = camera.project(points)
            column, row = np.floor(np.nan_to_num(pixels, nan=-1.0)).astype(np.int64).T
            inside = (depth > 0) & (row >= 0) & (row < camera.height) & (column >= 0) & (column < camera.width)
            cells, row, column = np.flatnonzero(inside), row[inside], column[inside]
            ground = camera.unproject(np.stack([column, row], axis=-1) + 0.5, behind[row, column])
            free = (behind[row, column] > 0) & (np.abs(ground[:, 2] - self.level) <= self.uneven) & ~cover[row, column]
            if free.any():
                values = (image[row[free], column[free]].astype(np.float64) ** _GAMMA).mean(axis=-1)
                # Photos of one place may be exposed differently.
                total.flat[cells[free]] += values / max(float(np.median(values)), _BLACK)
                count.flat[cells[free]] += 1
        return total, count

    def _landed(self, points: np.ndarray, directions: np.ndarray) -> np.ndarray:
        """(D, N, N) bool, the cells that points (M, 3) keep the light of directions (D, 3) from."""
        result = np.zeros((len(directions), _CELLS, _CELLS), dtype=bool)
        height = np.maximum(points[:, 2:] - self.level, 0.0)
        for landed, direction in zip(result, directions, strict=True):
            at = points[:, :2] - height * direction[:2] / direction[2] - self.corner
            columns, rows = np.floor(at / self.cell).astype(np.int64).T
            inside = (columns >= 0) & (columns < _CELLS) & (rows >= 0) & (rows < _CELLS)
            landed[rows[inside], columns[inside]] = True
        return result


def _ground_level(
    points: np.ndarray, uneven: float, cameras: Sequence[Camera], depths: Sequence[np.ndarray]
) -> float | None:
    """Height of what points (N, 3) stand on, in what views show without them; None where they show none."""
    lowest = float(points[:, 2].min())
    feet = points[points[:, 2] <= lowest + _FOOT * float(np.ptp(points[:, 2])), :2]
    low, high = feet.min(axis=0) - uneven, feet.max(axis=0) + uneven
    heights = []
    for camera, depth in zip(cameras, depths, strict=True):
        rows, columns = np.nonzero(depth > 0)
        ground = camera.unproject(np.stack([columns, rows], axis=-1) + 0.5, depth[rows, columns])
        below = ((ground[:, :2] >= low) & (ground[:, :2] <= high)).all(axis=1) & (ground[:, 2] <= lowest + uneven)
        heights.append(ground[below, 2])
    found = np.concatenate(heights)
    return float(np.median(found)) if len(found) else None


def _light(total: np.ndarray, count: np.ndarray, landed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(6,) how bright the ground is without shadows, see `_slow`, and (D,) what each direction adds to that."""
    total, count, landed = (_pooled(part) for part in (total, count, landed))
    seen = count > 0
    slow, dark, brightness = _slow(len(total))[:, seen], landed[:, seen], total[seen] / count[seen]
    # Whatever changes slowly is free to explain; what it leaves is for the shadows.
    basis, _ = np.linalg.qr(slow.T)
    without, rest = (part - (part @ basis) @ basis.T for part in (-dark, brightness))
    product = without @ without.T
    ridge = max(_RIDGE * np.trace(product) / len(product), _BLACK)
    factor = np.linalg.cholesky(product + ridge * np.eye(len(product)))
    weights, _ = optimize.nnls(factor.T, linalg.solve_triangular(factor, without @ rest, lower=True))
    return np.linalg.lstsq(slow.T, brightness + weights @ dark, rcond=None)[0], weights


def _pooled(grid: np.ndarray) -> np.ndarray:
    """(..., N, N) to means of coarser cells."""
    cells = _CELLS // _COARSE
    return np.asarray(grid.reshape(*grid.shape[:-2], cells, _COARSE, cells, _COARSE).mean(axis=(-3, -1)))


def _slow(cells: int) -> np.ndarray:
    """(6, N, N): light without shadows may change slowly over the ground."""
    x, y = np.meshgrid(*[(np.arange(cells) + 0.5) * 2 / cells - 1] * 2)
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y])


def _without_strays(points: np.ndarray) -> np.ndarray:
    """Points (N, 3) without those that are no numbers, or far from all others, as at outlines before a far wall."""
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        return points
    low, high = np.quantile(points, [_STRAY, 1 - _STRAY], axis=0)
    beyond = _BEYOND * (high - low)
    return points[((points >= low - beyond) & (points <= high + beyond)).all(axis=1)]


def _thinned(points: np.ndarray, spacing: float) -> np.ndarray:
    """One of the points (N, 3) in every cube of so many metres that holds any."""
    _, first = np.unique(np.floor(points / spacing).astype(np.int64) @ _STRIDES, return_index=True)
    return np.asarray(points[first])
