"""What stands behind the subject, as the other views see it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from qnerf_core.editing.geometry import ViewGeometry
from qnerf_core.scene.camera import nearest_first

# Other cameras that are asked.
_OTHERS = 8
# Share of its distance by which a point may lie behind those seen beside it and is not hidden by them.
_HIDDEN = 0.03


def seen_behind(geometry: Sequence[ViewGeometry]) -> list[np.ndarray]:
    """Find the depth of the scene without its subject, where nobody rendered it, by what other views see there.

    Args:
        geometry: Of all views.

    Returns:
        For each view (H, W) float32, metres, 0 where it is not known; where no other view sees anything it stays what
        it is supposed to be.
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
        result.append(np.where(wanted & np.isfinite(found), found, view.boundary).astype(np.float32))
    return result
