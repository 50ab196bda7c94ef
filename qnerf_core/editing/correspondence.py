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


def surface_maps(subject: Subject, cameras: Sequence[Camera], size: tuple[int, int]) -> SurfaceMaps | None:
    """Make the maps of all views.

    Args:
        subject: What is edited.
        cameras: Of the views.
        size: (height, width) of the latents.

    Returns:
        None if it is not known what of the one state is what of the other.
    """
    if subject.surface is None:
        return None
    reach = _OFF_BODY * _FINER if subject.control == "skeleton" else 0.0
    source, target = (
        torch.stack([surface_map(mesh, subject.surface, camera, size, reach) for camera in cameras])
        for mesh in (subject.source, subject.target)
    )
    return SurfaceMaps(source, target)


def surface_map(
    mesh: Mesh, surface: np.ndarray, camera: Camera, size: tuple[int, int], reach: float = 0.0
) -> torch.Tensor:
    """Make the map of a view of one state.

    Args:
        mesh: The state.
        surface: (N, 3) places on the subject of the mesh's vertices, metres, the same in all states.
        camera: The view.
        size: (height, width) of the map.
        reach: Samples by which the subject stands off the mesh.

    Returns:
        (4, height, width), see `SurfaceMaps`.
    """
    height, width = size
    places = rasterise_values(*mesh, surface, camera.scaled(width * _FINER, height * _FINER))
    covered = ~np.isnan(places[..., 0])
    if covered.any():
        away, nearest = ndimage.distance_transform_edt(~covered, return_indices=True)
        places, covered = places[tuple(nearest)], away <= reach
    length = _LENGTH * float(np.linalg.norm(np.ptp(surface, axis=0)))
    samples = np.concatenate([covered[..., None], np.where(covered[..., None], places / length, 0.0)], axis=-1)
    cells = samples.reshape(height, _FINER, width, _FINER, 4).mean(axis=(1, 3))
    return torch.from_numpy(cells.astype(np.float32)).permute(2, 0, 1).contiguous()
