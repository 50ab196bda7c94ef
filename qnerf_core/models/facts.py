"""What can be known of a base without loading it: sizes, widths, query layers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from qnerf_core.errors import BackboneError
from qnerf_core.models.layout import WEIGHTS, ModelPlace, find_model, read_config

# Of one view of 32 x 32 latents, per channel of the finest level, in float32; measured with the built-in model.
_ACTIVATION_BYTES = 45e6 / 64
_REFERENCE = 32 * 32
_WITH_GRADIENT = 1.9


@dataclass(frozen=True)
class ModelFacts:
    """Measures of a base.

    Attributes:
        image_size: Side of the pictures it was made for, pixels.
        weights: Bytes of all its weights on the disk.
        unet_weights: Bytes of the UNet's; of a single file all of them.
        channels: Widths of the levels, finest first.
        query_layers: (channels, reduction) of every self-attention of the decoder, in order.
        text_width: Width of the text embeddings it reads.
    """

    image_size: int
    weights: int
    unet_weights: int
    channels: tuple[int, ...]
    query_layers: tuple[tuple[int, int], ...]
    text_width: int


def model_facts(place: ModelPlace | Path | str) -> ModelFacts:
    """Read a base's measures from its configuration.

    Args:
        place: The base.

    Raises:
        BackboneError: It is not there, not complete, or no base.
    """
    place = place if isinstance(place, ModelPlace) else find_model(place)
    if place.kind != "base":
        raise BackboneError(f"{place.path} is no whole model", f"it is a {place.kind}", "Give the model it belongs to.")
    unet, vae = read_config(place, "unet"), read_config(place, "vae")
    try:
        channels = tuple(int(width) for width in unet["block_out_channels"])
        reduction = 2 ** (len(vae["block_out_channels"]) - 1)
        layers = tuple(
            (channels[-1 - index], 2 ** (len(channels) - 1 - index))
            for index, kind in enumerate(unet["up_block_types"])
            if kind.startswith("CrossAttn")
            for _ in range(int(unet["layers_per_block"]) + 1)
        )
        size, text_width = int(unet["sample_size"]) * reduction, int(unet["cross_attention_dim"])
    except (KeyError, TypeError, ValueError) as error:
        raise BackboneError(
            f"The model in {place.path} cannot be used", f"its configuration lacks or garbles {error}", "Get it again."
        ) from error
    sizes = {file: file.stat().st_size for file in place.files if file.suffix == WEIGHTS}
    own = sum(size for file, size in sizes.items() if file.parent.name == "unet" or place.form == "file")
    return ModelFacts(size, sum(sizes.values()), own, channels, layers, text_width)


def activation_bytes(
    channels: int, latent_size: tuple[int, int], element_bytes: int, *, twice: bool, gradient: bool
) -> float:
    """Estimate what one view more in a batch takes.

    Args:
        channels: Width of the finest level of the UNet.
        latent_size: (height, width) of the latents.
        element_bytes: Of a number that the network computes with: 4 for float32.
        twice: Every view is computed with and without its prompt (guidance scale above 1).
        gradient: Its queries guide it.
    """
    share = latent_size[0] * latent_size[1] / _REFERENCE * element_bytes / 4
    # The gradient never goes through both halves at once.
    return _ACTIVATION_BYTES * channels * share * max(2.0 if twice else 1.0, _WITH_GRADIENT if gradient else 1.0)
