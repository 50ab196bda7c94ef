"""What the autoencoder loses of the drafts, given back.

A draft shows the photos' own pixels. Encoded and decoded it loses their fine detail, however little noise it gets:
faces, seams and grain become smooth. So what the edit changes is added to the draft itself, not to what comes back of
it. Where the edit shows something else, the draft's detail is not wanted and left out.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from qnerf_core.diffusion.settings import DiffusionSettings
from qnerf_core.editing.background import KeptBackground
from qnerf_core.editing.filters import above, blurred, pixel_scale
from qnerf_core.editing.inputs import EditInputs

# Pixels of a 256 px picture over which an edit and the draft are compared.
_NEAR = 2.0
# Difference of colours up to which the edit shows what the draft does; from twice this on it does not. On seven trials
# (docs/training.md), at a strength of 0.05: perceptual distance 0.537 with 0.025, 0.530 with 0.06; IoU 0.794 and 0.800.
_SAME = 0.06


class DraftDetails:
    """Adds the drafts' details to edited pictures."""

    def __init__(
        self,
        drafts: torch.Tensor,
        encode: Callable[[torch.Tensor], torch.Tensor],
        decode: Callable[[torch.Tensor], torch.Tensor],
    ) -> None:
        """Prepare nothing yet: drafts are decoded with the first pictures of their views.

        Args:
            drafts: (V, 3, H, W) in [0, 1].
            encode: Turns pictures into latents.
            decode: Turns latents into pictures.
        """
        self._drafts = drafts
        self._encode = encode
        self._decode = decode
        self._decoded: dict[int, torch.Tensor] = {}
        self._width = _NEAR * pixel_scale(drafts.shape[2:])

    @classmethod
    def of(cls, inputs: EditInputs, settings: DiffusionSettings) -> DraftDetails | None:
        """Make it for an edit, None where there is nothing to give back.

        Args:
            inputs: What is edited.
            settings: How.
        """
        if inputs.drafts is None or not settings.details:
            return None
        return cls(inputs.drafts, inputs.backbone.encode_images, inputs.backbone.decode_latents)

    def pictures(self, edited: torch.Tensor, batch: slice) -> torch.Tensor:
        """Return pictures with the details of their drafts.

        Args:
            edited: (B, 3, H, W) in [0, 1], decoded pictures of some views.
            batch: Which views.
        """
        draft = self._drafts[batch]
        if batch.start not in self._decoded:
            # Half precision is ample for differences, and there may be hundreds of views.
            self._decoded[batch.start] = self._decode(self._encode(draft)).cpu().half()
        decoded = self._decoded[batch.start].float()
        difference = blurred((edited - decoded).abs(), self._width).amax(dim=1, keepdim=True)
        return (edited + (1.0 - above(difference, _SAME)) * (draft - decoded)).clamp(0.0, 1.0)


def finished(
    decoded: torch.Tensor, batch: slice, details: DraftDetails | None, background: KeptBackground | None
) -> torch.Tensor:
    """Return edited pictures as they are shown: with the drafts' details and the photos' background.

    Args:
        decoded: (B, 3, H, W) in [0, 1], what the autoencoder makes of the latents of some views.
        batch: Which views.
        details: Of the drafts, None for none.
        background: What is kept, None for nothing.
    """
    detailed = decoded if details is None else details.pictures(decoded, batch)
    return detailed if background is None else background.pictures(decoded, detailed, batch)
