"""How many views go through the network at once."""

from __future__ import annotations

import torch

from qnerf_core.diffusion.backbone import Backbone
from qnerf_core.diffusion.devices import free_memory
from qnerf_core.diffusion.settings import DiffusionSettings
from qnerf_core.models.facts import activation_bytes

# The rest is for what other programs take meanwhile.
_USABLE = 0.8


def fitting_batch(
    backbone: Backbone, latent_size: tuple[int, int], settings: DiffusionSettings, *, gradient: bool
) -> int:
    """Choose how many views go through the network at once: as many as wanted, or as are expected to fit.

    Args:
        backbone: The model, in its place.
        latent_size: (height, width) of the latents.
        settings: `view_batch` is the most.
        gradient: Whether the views are guided.

    Returns:
        At least one.
    """
    element = torch.empty(0, dtype=backbone.dtype).element_size()
    channels = int(backbone.unet.config.block_out_channels[0])
    twice = settings.guidance_scale > 1.0
    one = activation_bytes(channels, latent_size, element, twice=twice, gradient=gradient)
    return max(1, min(settings.view_batch, int(_USABLE * free_memory(backbone.device) / one)))
