"""How many views go through the network at once."""

from __future__ import annotations

import torch

from qnerf_core.diffusion.backbone import Backbone
from qnerf_core.diffusion.devices import free_memory
from qnerf_core.diffusion.settings import DiffusionSettings

# Of one view of 32 x 32 latents, per channel of the finest level, in float32; measured with the built-in model.
_ACTIVATION_BYTES = 45e6 / 64
_REFERENCE = 32 * 32
_WITH_GRADIENT = 1.9
# The rest is for what other programs take meanwhile.
_USABLE = 0.8


def bytes_per_view(
    channels: int, latent_size: tuple[int, int], element_bytes: int, settings: DiffusionSettings, *, gradient: bool
) -> float:
    """Estimate what one view more in a batch takes.

    Args:
        channels: Width of the finest level of the UNet.
        latent_size: (height, width) of the latents.
        element_bytes: Of a number that the network computes with: 4 for float32.
        settings: With a guidance scale every view is computed twice.
        gradient: Whether its queries guide it.
    """
    share = latent_size[0] * latent_size[1] / _REFERENCE * element_bytes / 4
    twice = 2.0 if settings.guidance_scale > 1.0 else 1.0
    # The gradient never goes through both halves at once.
    return _ACTIVATION_BYTES * channels * share * max(twice, _WITH_GRADIENT if gradient else 1.0)


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
    one = bytes_per_view(channels, latent_size, element, settings, gradient=gradient)
    return max(1, min(settings.view_batch, int(_USABLE * free_memory(backbone.device) / one)))
