"""Keeping what the edit is not about: latents of every step and final pixels are the photo's own there.

What of the subject stands still is kept, too. Two things lie outside the silhouettes and are not cut off. Both are
judged by the difference between the edited picture and the photo as the autoencoder decodes it, which is the edit's
alone:

* Hair, clothes, what fills a loose proxy: around a body and within a proxy the edited picture is taken where it shows
  something new, and the photo where it agrees with it.
* Shadows, before the edit as after it: near the subject (`region.EditRegion.light`) the latents are left to the model,
  which moves the shadows unless a draft has done so, and of the decoded picture only its light is taken over: the photo
  is multiplied by the ratio of the two brightnesses, blurred. So the floor keeps its texture, old shadows are lifted,
  new ones cast, and where the ratio is one within the model's noise, the pixels are the photo's, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn import functional

from qnerf_core.editing.filters import above, blurred, pixel_scale
from qnerf_core.editing.region import EditRegion

# Width of the blur in pixels of a 256 px picture: shadows are softer than that, textures finer.
_BLUR = 3.0
# Change of the blurred brightness, as a logarithm, that counts as none; from twice this on it is taken over in full.
_NO_CHANGE = 0.05
_DARKEST = 0.02
_MOST = 1.2
# Difference of colours, blurred over about a pixel, that counts as nothing new; from twice this on it is new.
_NOTHING_NEW = 0.03
_PIXEL = 1.0


class KeptBackground:
    """Puts the photo back, after every step and at the end."""

    def __init__(
        self,
        region: EditRegion,
        images: torch.Tensor,
        trajectory: torch.Tensor,
        decode: Callable[[torch.Tensor], torch.Tensor],
    ) -> None:
        """Prepare the shares of latents.

        Args:
            region: What may change.
            images: (V, 3, H, W) in [0, 1], the photos.
            trajectory: (steps + 1, V, 4, h, w), their inversion.
            decode: Turns latents into pictures.
        """
        self._certain, self._possible = region.certain[:, None], region.possible[:, None]
        self._light = region.light[:, None]
        self._images = images
        self._trajectory = trajectory
        self._decode = decode
        self._decoded: dict[int, torch.Tensor] = {}
        changing = ((self._possible > 0) | (self._light > 0)).float()
        cells = functional.max_pool2d(changing, images.shape[2] // trajectory.shape[3])
        # One more cell around, and feathered, so that no changing pixel is decoded from kept latents alone.
        grown = functional.max_pool2d(cells, 3, stride=1, padding=1)
        self._changing = functional.avg_pool2d(grown, 3, stride=1, padding=1, count_include_pad=False)
        self._scale = pixel_scale(images.shape[2:])

    def latents(self, latents: torch.Tensor, level: int, batch: slice) -> torch.Tensor:
        """Put the photo's latents back.

        Args:
            latents: (B, 4, h, w) of some views at a level.
            level: The level.
            batch: Which views.
        """
        photo, share = (part.to(latents) for part in (self._trajectory[level, batch], self._changing[batch]))
        return torch.lerp(photo, latents, share)

    def pictures(self, edited: torch.Tensor, detailed: torch.Tensor, batch: slice) -> torch.Tensor:
        """Put the photo's pixels back.

        Args:
            edited: (B, 3, H, W) in [0, 1], decoded pictures of some views, which tell what is new.
            detailed: (B, 3, H, W) in [0, 1], the same with what decoding has lost, which is shown where they do.
            batch: Which views.
        """
        decoded = self._decoded_photo(batch)
        change = (self._brightness(edited, batch) / self._brightness(decoded, batch)).log().clamp(-_MOST, _MOST)
        share = above(change.abs(), _NO_CHANGE) * self._light[batch]
        photo = (self._images[batch] * (change * share).exp()).clamp(0.0, 1.0)
        difference = (edited - decoded).abs().amax(dim=1, keepdim=True)
        new = above(blurred(difference, _PIXEL * self._scale), _NOTHING_NEW)
        return torch.lerp(photo, detailed, torch.maximum(self._certain[batch], self._possible[batch] * new))

    def _decoded_photo(self, batch: slice) -> torch.Tensor:
        # Half precision is ample for differences, and there may be hundreds of views.
        if batch.start not in self._decoded:
            self._decoded[batch.start] = self._decode(self._trajectory[-1, batch]).cpu().half()
        return self._decoded[batch.start].float()

    def _brightness(self, pictures: torch.Tensor, batch: slice) -> torch.Tensor:
        """Blurred (B, 1, H, W), without what the subject is before or after the edit."""
        counted = 1.0 - self._possible[batch]
        values = torch.cat([pictures.mean(dim=1, keepdim=True) * counted, counted], dim=1)
        brightness, count = blurred(values, _BLUR * self._scale).split(1, dim=1)
        # Deep inside the subject nothing is counted, and nothing is needed.
        return brightness / count.clamp(min=1e-4) + _DARKEST
