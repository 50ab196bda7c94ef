"""Silhouettes as evidence for a body: it lies inside the masks, and the masks' edges are near its own.

Clothes, hair and plush stand off the body, so an edge says less than a click: each view's edge counts as a few looks
do, wide, and what no part of the body comes near (tails, pedestals, bags) loses its say.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from qnerf_core.body.rest_body import RestBody
from qnerf_core.errors import KeypointsError
from qnerf_core.scene.camera import Camera
from qnerf_core.scene.scene import Scene, load_mask

_MOST_VIEWS = 8
_VERTICES = 1500
_EDGE_POINTS = 90
# As shares of the picture's longer side: how far edges are off, and where they begin to lose their say.
_WIDTH = 4.0 / 256.0
_FAR = 8.0 / 256.0
# So many looks an edge counts as.
_LOOKS = 8.0


class Silhouettes:
    """Masks of some views, matched with vertices of a body."""

    def __init__(self, cameras: Sequence[Camera], masks: Sequence[np.ndarray], body: RestBody) -> None:
        """Prepare the masks.

        Args:
            cameras: V.
            masks: V arrays (H, W), True where the subject is.
            body: Whose vertices are matched.
        """
        count = len(body.weights)
        self.rows = np.unique(np.linspace(0, count - 1, min(_VERTICES, count)).astype(int))
        self._views = [_Edge(camera, mask) for camera, mask in zip(cameras, masks, strict=True) if mask.any()]

    @classmethod
    def of(cls, scene: Scene, body: RestBody) -> Silhouettes:
        """Take masks of a capture, some views spread evenly.

        Args:
            scene: The capture.
            body: Whose vertices are matched.

        Raises:
            KeypointsError: No view has a mask.
            StudioError: A mask cannot be read.
        """
        views = [view for view in scene.training_views if view.mask_path]
        if not views:
            raise KeypointsError(
                "The body cannot be refined by masks", f"{scene.name} has none", "Add masks, or click more joints."
            )
        some = min(len(views), _MOST_VIEWS)
        views = [views[index * len(views) // some] for index in range(some)]
        return cls([view.camera for view in views], [load_mask(view) for view in views], body)

    def residuals(self, vertices: np.ndarray) -> np.ndarray:
        """How far the body is from agreeing.

        Args:
            vertices: (B, N, 3) of the vertices `rows`.

        Returns:
            (B, R) in standard deviations.
        """
        return np.concatenate([view.residuals(vertices) for view in self._views], axis=1)

    def look_again(self, vertices: np.ndarray) -> None:
        """Match every point of an edge with the vertex that is nearest to it.

        Args:
            vertices: (N, 3) of the vertices `rows`.
        """
        for view in self._views:
            view.match(vertices)


class _Edge:
    """One view: its distances from the mask, points on its edge and the vertices they belong to."""

    def __init__(self, camera: Camera, mask: np.ndarray) -> None:
        self._camera = camera
        side = max(camera.width, camera.height)
        self._width, self._far = _WIDTH * side, _FAR * side
        # Pixels from the edge, above 0 outside.
        distance = ndimage.distance_transform_edt(~mask) - ndimage.distance_transform_edt(mask)
        self._distance = ndimage.gaussian_filter(np.asarray(distance, dtype=np.float64), 1.0)
        rows, columns = np.nonzero(mask & ~ndimage.binary_erosion(mask))
        # Where the picture ends the subject does not.
        inside = (rows > 1) & (columns > 1) & (rows < camera.height - 2) & (columns < camera.width - 2)
        rows, columns = rows[inside], columns[inside]
        step = max(len(rows) // _EDGE_POINTS, 1)
        rows, columns = rows[::step], columns[::step]
        self._points = np.stack([columns, rows], axis=1) + 0.5
        slopes = np.gradient(self._distance)
        normals = np.stack([slopes[1][rows, columns], slopes[0][rows, columns]], axis=1)
        self._normals = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
        self._matched = np.zeros(len(rows), dtype=int)
        self._outer = np.empty(0, dtype=int)
        self._weights = np.zeros(len(rows))

    def match(self, vertices: np.ndarray) -> None:
        pixels, _ = self._camera.project(vertices)
        pixels = np.nan_to_num(pixels, nan=1e6)
        _, self._matched = cKDTree(pixels).query(self._points)
        off = np.abs(((pixels[self._matched] - self._points) * self._normals).sum(axis=1))
        trust = (self._far**2 / (self._far**2 + off**2)) ** 2
        self._weights = np.sqrt(trust * _LOOKS / max(len(self._points), 1)) / self._width
        self._outer = np.nonzero(self._outside(pixels) > 0.0)[0]

    def residuals(self, vertices: np.ndarray) -> np.ndarray:
        matched, _ = self._camera.project(vertices[:, self._matched])
        edge = ((np.nan_to_num(matched) - self._points) * self._normals).sum(axis=2) * self._weights
        outer, _ = self._camera.project(vertices[:, self._outer])
        count = max(len(self._outer), len(self._points), 1)
        outside = self._outside(np.nan_to_num(outer)) * np.sqrt(_LOOKS / count) / self._width
        return np.concatenate([edge, outside], axis=1)

    def _outside(self, pixels: np.ndarray) -> np.ndarray:
        """Pixels from the mask, 0 inside and held where the picture ends; far outside no more than a little more."""
        where = (pixels - 0.5)[..., ::-1].reshape(-1, 2).T
        found = ndimage.map_coordinates(self._distance, where, order=1, mode="nearest")
        return np.clip(found, 0.0, 2 * self._far).reshape(pixels.shape[:-1])
