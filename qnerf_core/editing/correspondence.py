"""Where on the subject the places of a picture are, before and after an edit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from scipy.spatial import cKDTree

from qnerf_core.diffusion.correspondence import SurfaceMaps
from qnerf_core.editing.seen_surface import SeenSurface
from qnerf_core.editing.subject import Subject
from qnerf_core.scene.camera import Camera

# Samples a side of a cell.
_FINER = 2
# Cells by which clothes and hair stand off every body, and the most by which a subject is seen to.
_OFF_BODY, _MOST_OFF_BODY = 0.5, 2.0
# Length over which a subject looks about the same, as a share of its size.
_LENGTH = 0.05
# Samples that tell how far a subject stands off its body at a spot.
_NEIGHBOURS = 6


def surface_maps(
    subject: Subject, cameras: Sequence[Camera], size: tuple[int, int], figures: Sequence[np.ndarray] = ()
) -> SurfaceMaps:
    """Make the maps of all views.

    Args:
        subject: What is edited, with its places.
        cameras: Of the views.
        size: (height, width) of the latents.
        figures: For each view (H, W) bool, what the subject is seen to cover in the source: a body's may stand off it,
            and after the edit does so at the same spots. Empty if that is not known.

    Raises:
        ValueError: The subject has no places.
    """
    if subject.places is None:
        raise ValueError("what of the one state is what of the other is not known")
    length = _LENGTH * float(np.linalg.norm(np.ptp(subject.places[0], axis=0)))
    places = [part / length for part in subject.places]
    source, target = [], []
    for index, camera in enumerate(cameras):
        fine = camera.scaled(size[1] * _FINER, size[0] * _FINER)
        before, after = (
            SeenSurface.of(mesh, values, fine)
            for mesh, values in zip((subject.source, subject.target), places, strict=True)
        )
        first, second = before.away == 0, after.away == 0
        if subject.control == "skeleton":
            first, second = (seen.away <= _OFF_BODY * _FINER for seen in (before, after))
            if figures:
                covered = _zoomed(figures[index], first.shape) & (before.away <= _MOST_OFF_BODY * _FINER)
                first |= covered
                second |= _stands_off_as(after, before, covered)
        source.append(_cells(before, first))
        target.append(_cells(after, second))
    return SurfaceMaps(torch.stack(source), torch.stack(target))


def _stands_off_as(after: SeenSurface, before: SeenSurface, covered: np.ndarray) -> np.ndarray:
    """Where the subject is beside the mesh, if it stands off it as far as in another state, where it is known."""
    beside = covered & (before.away > 0)
    asked = after.beside(_MOST_OFF_BODY * _FINER)
    result = np.zeros(asked.shape, dtype=bool)
    if beside.any() and asked.any():
        count = min(_NEIGHBOURS, int(beside.sum()))
        tree = cKDTree(before.places[beside])
        _, found = tree.query(after.places[asked], k=range(1, count + 1), distance_upper_bound=1.0)
        reach = np.append(before.away[beside], 0.0)[found].max(axis=1)
        result[asked] = after.away[asked] <= reach
    return result


def _cells(seen: SeenSurface, covered: np.ndarray) -> torch.Tensor:
    """(4, h, w) of the cells of the latents, see `SurfaceMaps`."""
    samples = np.concatenate([covered[..., None], np.where(covered[..., None], seen.places, 0.0)], axis=-1)
    height, width = covered.shape[0] // _FINER, covered.shape[1] // _FINER
    cells = samples.reshape(height, _FINER, width, _FINER, 4).mean(axis=(1, 3))
    return torch.from_numpy(cells.astype(np.float32)).permute(2, 0, 1).contiguous()


def _zoomed(mask: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """(h, w) bool of a mask (H, W): where more than half of it is."""
    picture = torch.from_numpy(mask.astype(np.float32))[None, None]
    share = torch.nn.functional.interpolate(picture, tuple(shape), mode="area")[0, 0].numpy()
    return np.asarray(share > 0.5)
