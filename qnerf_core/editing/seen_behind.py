"""What stands behind the subject, as the other views see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from qnerf_core.editing.geometry import ViewGeometry
from qnerf_core.scene.camera import nearest_first

# Other cameras that are asked.
_OTHERS = 8
# Share of its distance by which a point may lie behind those seen beside it and is not hidden by them.
_HIDDEN = 0.03


@dataclass(frozen=True, eq=False)
class Behind:
    """What a view would see without its subject.

    Attributes:
        depth: (H, W) float32, metres, 0 where it is not known.
        supposed: (H, W) bool, where nobody saw it: what is farther may still be seen there.
    """

    depth: np.ndarray
    supposed: np.ndarray

    @classmethod
    def rendered(cls, depth: np.ndarray) -> Behind:
        """Take a depth (H, W) that is true everywhere."""
        return cls(depth, np.zeros(depth.shape, dtype=bool))

    def limit(self) -> np.ndarray:
        """Return the depth (H, W) beyond which it hides everything, metres, infinite where it may not."""
        return np.where((self.depth > 0) & ~self.supposed, self.depth, np.float32(np.inf))


def seen_behind(geometry: Sequence[ViewGeometry]) -> list[Behind]:
    """Find the depth of the scene without its subject, where nobody rendered it, by what other views see there.

    Args:
        geometry: Of all views.

    Returns:
        One for each view; where no other view sees anything, depth stays what it is supposed to be.
    """
    background = []
    for view in geometry:
        rows, columns = np.nonzero((view.scene > 0) & ~view.supposed & ~view.figure)
        background.append(view.camera.unproject(np.stack([columns, rows], axis=-1) + 0.5, view.scene[rows, columns]))
    cameras = [view.camera for view in geometry]
    result = []
    for index, view in enumerate(geometry):
        wanted = view.supposed
        found = np.full(wanted.shape, np.inf)
        for other in nearest_first(cameras, index)[:_OTHERS] if wanted.any() else ():
            pixels, depth = view.camera.project(background[other])
            columns, rows = np.floor(np.nan_to_num(pixels, nan=-1.0)).astype(np.int64).T
            inside = (rows >= 0) & (rows < wanted.shape[0]) & (columns >= 0) & (columns < wanted.shape[1])
            rows, columns, depth = rows[inside], columns[inside], depth[inside]
            at = wanted[rows, columns]
            np.minimum.at(found, (rows[at], columns[at]), depth[at])
        # Between the points of what is near, what is far behind it shines through.
        nearest = ndimage.minimum_filter(found, 3)
        found = np.where(found <= (1 + _HIDDEN) * nearest, found, nearest)
        known = wanted & np.isfinite(found)
        result.append(Behind(np.where(known, found, view.boundary).astype(np.float32), wanted & ~known))
    return result
