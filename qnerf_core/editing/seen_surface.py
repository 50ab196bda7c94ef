"""What a view shows of a subject's mesh: which spot of it each pixel is, and how far off the mesh."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from qnerf_core.control.raster import rasterise_values
from qnerf_core.editing.subject import Mesh
from qnerf_core.scene.camera import Camera


@dataclass(frozen=True, eq=False)
class SeenSurface:
    """A state of the subject's mesh in a view.

    Attributes:
        places: (h, w, 3) on the subject, of the nearest pixel that shows the mesh.
        away: (h, w), how far that pixel is, in pixels; infinite if none does.
    """

    places: np.ndarray
    away: np.ndarray

    @classmethod
    def of(cls, mesh: Mesh, places: np.ndarray, camera: Camera) -> SeenSurface:
        """Render it.

        Args:
            mesh: Vertices (N, 3), metres, and faces (F, 3).
            places: (N, 3) of the vertices on the subject.
            camera: The view; gives the size.
        """
        values = rasterise_values(*mesh, places, camera)
        covered = ~np.isnan(values[..., 0])
        if not covered.any():
            return cls(np.zeros_like(values), np.full(covered.shape, np.inf))
        away, nearest = ndimage.distance_transform_edt(~covered, return_indices=True)
        return cls(values[tuple(nearest)], away)

    def beside(self, most: float) -> np.ndarray:
        """(h, w) bool, the pixels beside the mesh, at most so far from it."""
        return np.asarray((self.away > 0) & (self.away <= most))
