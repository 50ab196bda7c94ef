"""Masks of a subject of which only a box is known, and the sparse points in it."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError

from qnerf_core.scene.camera import Camera
from qnerf_core.scene.spans import covered_pixels

_FEWEST_POINTS = 40
# Of the diagonal of what the points cover in the picture.
_REACH = 0.06


def box_mask(camera: Camera, box: np.ndarray, points: np.ndarray | None) -> np.ndarray:
    """Draw where a box's content is seen.

    With enough points in the box the mask is what they cover, their gaps closed, within the silhouette of the box;
    else it is the silhouette.

    Args:
        camera: Of the view.
        box: (2, 3) lower and upper corner, world.
        points: (N, 3) sparse points, world, or None.

    Returns:
        (H, W) uint8, 255 inside.
    """
    silhouette = _box_silhouette(camera, box)
    if points is None:
        return silhouette
    inside = points[((points >= box[0]) & (points <= box[1])).all(axis=1)]
    pixels, depth = camera.project(inside)
    seen = pixels[(depth > 0) & np.isfinite(pixels).all(axis=1)]
    seen = seen[((seen >= 0) & (seen < [camera.width, camera.height])).all(axis=1)]
    if len(seen) < _FEWEST_POINTS:
        return silhouette
    covered = np.zeros((camera.height, camera.width), dtype=bool)
    columns, rows = seen.astype(int).T
    covered[rows, columns] = True
    radius = max(2.0, _REACH * float(np.linalg.norm(np.quantile(seen, 0.95, axis=0) - np.quantile(seen, 0.05, axis=0))))
    # Closed by the radius, then widened by half of it: points lie within a subject, not on its rim.
    near = ndimage.distance_transform_edt(~covered) <= 1.5 * radius
    closed = ndimage.distance_transform_edt(near) > radius
    return np.where(ndimage.binary_fill_holes(closed), silhouette, 0).astype(np.uint8)


def _box_silhouette(camera: Camera, box: np.ndarray) -> np.ndarray:
    mask = np.zeros((camera.height, camera.width), dtype=np.uint8)
    corners = np.stack(np.meshgrid(*box.T, indexing="ij"), axis=-1).reshape(-1, 3)
    pixels, depth = camera.project(corners)
    if not (depth > 1e-6).all():
        # The camera stands in the box, or beside it: nothing is known.
        mask[:] = 255 if (depth > 0).any() else 0
        return mask
    try:
        hull = pixels[ConvexHull(pixels).vertices]
    except QhullError:
        return mask
    triangles = np.stack([np.stack([hull[0], hull[i], hull[i + 1]]) for i in range(1, len(hull) - 1)])
    corners = np.concatenate([triangles, np.ones((*triangles.shape[:2], 1))], axis=-1)
    for found, _ in covered_pixels(corners, camera.width, camera.height):
        mask.reshape(-1)[found] = 255
    return mask
