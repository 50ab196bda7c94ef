"""Where on the subject the places of a picture are, before and after an edit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from scipy import ndimage

from qnerf_core.control.raster import rasterise_values
from qnerf_core.diffusion.correspondence import SurfaceMaps
from qnerf_core.editing.subject import Mesh, Subject
from qnerf_core.scene.camera import Camera

# Samples a side of a cell.
_FINER = 2
# Cells by which clothes and hair stand off a body.
_OFF_BODY = 0.5
# Length over which a subject looks about the same, as a share of its size.
_LENGTH = 0.05


def surface_maps(subject: Subject, cameras: Sequence[Camera], size: tuple[int, int]) -> SurfaceMaps:
    """Make the maps of all views.

    Args:
        subject: What is edited, with its places.
        cameras: Of the views.
        size: (height, width) of the latents.

    Raises:
        ValueError: The subject has no places.
    """
    if subject.places is None:
        raise ValueError("what of the one state is what of the other is not known")
    length = _LENGTH * float(np.linalg.norm(np.ptp(subject.places[0], axis=0)))
    reach = _OFF_BODY * _FINER if subject.control == "skeleton" else 0.0
    source, target = (
        torch.stack([_map(mesh, places / length, camera, size, reach) for camera in cameras])
        for mesh, places in zip((subject.source, subject.target), subject.places, strict=True)
    )
    return SurfaceMaps(source, target)


def _map(mesh: Mesh, places: np.ndarray, camera: Camera, size: tuple[int, int], reach: float) -> torch.Tensor:
    """(4, height, width) of a view of one state, see `SurfaceMaps`; the subject stands `reach` samples off the mesh."""
    height, width = size
    seen = rasterise_values(*mesh, places, camera.scaled(width * _FINER, height * _FINER))
    covered = ~np.isnan(seen[..., 0])
    if covered.any():
        away, nearest = ndimage.distance_transform_edt(~covered, return_indices=True)
        seen, covered = seen[tuple(nearest)], away <= reach
    samples = np.concatenate([covered[..., None], np.where(covered[..., None], seen, 0.0)], axis=-1)
    cells = samples.reshape(height, _FINER, width, _FINER, 4).mean(axis=(1, 3))
    return torch.from_numpy(cells.astype(np.float32)).permute(2, 0, 1).contiguous()
