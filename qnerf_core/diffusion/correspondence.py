"""What of the originals belongs where in the edited pictures, as the control tells it.

The control is a surface in space, before and after the edit, so it is known what spot of the subject each place of the
edited picture shows, and where the original shows it. Two things follow.

* MasaCtrl lets every place find its like among all places of the original, and guides that by masks of the subject.
  Here a place finds first what was on the same spot of the subject, then the rest of the subject; and background finds
  background, also where the subject was (`bias`).
* The noise that an original was inverted to remembers what is where: an edit from it paints the old limbs, and gives
  the new ones the colour of the wall behind. So the noise moves with the subject, and what it leaves is filled with the
  background's (`carried`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage
from torch.nn import functional

from qnerf_core.diffusion.attention import QueryLayer

# Shares that two places keep that do not belong together, of the weight of two that do: of all places, and of places
# on the subject. Nothing is forbidden, because control surfaces are loose.
_ANYWHERE = 0.01
_ON_SUBJECT = 0.05
# Share of a cell from which on it is the subject's, and up to which it is free of it.
_COVERED = 0.5
_FREE = 0.05


@dataclass(frozen=True, eq=False)
class SurfaceMaps:
    """Where on the subject each place of some views is, before and after an edit.

    Attributes:
        source: (V, 4, h, w), of the originals: share of a cell that the subject covers, and that share times its mean
            position on the subject, in lengths over which the subject's look is about the same.
        target: (V, 4, h, w), of the edited pictures.
    """

    source: torch.Tensor
    target: torch.Tensor

    def bias(self, views: slice, reduction: int) -> torch.Tensor:
        """Return what is added to the logits of an attention from edited pictures to originals.

        Args:
            views: Which views.
            reduction: How many times smaller than the latents the attention's map is, on a side.

        Returns:
            (B, n, n), no more than about zero: places of the edited pictures, places of the originals.
        """
        (asked, asking), (found, giving) = (_places(maps[views], reduction) for maps in (self.target, self.source))
        near = torch.exp(-0.5 * torch.cdist(asked, found).square())
        both = asking[:, :, None] * giving[:, None, :] * (_ON_SUBJECT + (1 - _ON_SUBJECT) * near)
        neither = (1 - asking)[:, :, None] * (1 - giving)[:, None, :]
        return (both + neither).clamp(min=_ANYWHERE).log()

    def biases(self, views: slice, layers: Sequence[QueryLayer]) -> dict[int, torch.Tensor]:
        """Return what `inject_features` takes: the `bias` of every size of the layers, by their reduction.

        Args:
            views: Which views.
            layers: That inject.
        """
        return {reduction: self.bias(views, reduction) for reduction in {layer.reduction for layer in layers}}

    def carried(self, latents: torch.Tensor, views: slice) -> torch.Tensor:
        """Move what is on the subject with it.

        Args:
            latents: (B, C, h, w) of the originals, noise.
            views: Which views.

        Returns:
            (B, C, h, w): where the subject will be, what was on the same spot of it or, of a spot that the original
            hides, on the nearest that it shows; where it was, what is behind its outline, mirrored.
        """
        size = latents.shape[2:]
        # One by one: of many large views all pairs of places do not fit in memory.
        match = torch.stack([self._nearest(view) for view in range(*views.indices(len(self.source)))])
        covers = self.target[views, 0].flatten(1) >= _COVERED
        free = (self.source[views, 0] <= _FREE).cpu().numpy()
        background = torch.stack([torch.from_numpy(mirrored(cells)) for cells in free]).to(match.device)
        place = torch.where(covers, match, background).to(latents.device)
        return latents.flatten(2).gather(2, place[:, None].expand(-1, latents.shape[1], -1)).unflatten(2, size)

    def _nearest(self, view: int) -> torch.Tensor:
        """For every cell of the edited view the original's that shows the nearest spot, as flat indices (h * w,)."""
        (asked, _), (found, giving) = (_places(maps[view, None], 1) for maps in (self.target, self.source))
        away = torch.cdist(asked, found)[0]
        covered = giving[0] >= _COVERED
        return (torch.where(covered, away, torch.inf) if covered.any() else away).argmin(dim=1)


def mirrored(free: np.ndarray) -> np.ndarray:
    """Find what fills a gap in a picture as if mirrored across its outline.

    Args:
        free: (h, w) bool, false in the gap.

    Returns:
        (h * w,) for every place a free one, itself or across the outline, as a flat index; itself if none is free.
    """
    height, width = free.shape
    cells = np.indices(free.shape)
    if free.any():
        nearest = ndimage.distance_transform_edt(~free, return_distances=False, return_indices=True)
        across = np.clip(2 * nearest - cells, 0, np.array([height - 1, width - 1])[:, None, None])
        cells = np.where(free, cells, np.where(free[tuple(across)], across, nearest))
    return np.asarray(cells[0] * width + cells[1]).ravel()


def _places(maps: torch.Tensor, reduction: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Positions (B, n, 3) and shares of the subject (B, n)."""
    pooled = functional.avg_pool2d(maps, reduction) if reduction > 1 else maps
    cells = pooled.flatten(2).transpose(1, 2)
    share = cells[..., 0]
    return cells[..., 1:] / share.clamp(min=1e-6)[..., None], share
