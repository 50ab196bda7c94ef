"""Making sure that a model of the store works: its files by their hashes, its structure by loading it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import torch

from qnerf_core.diffusion.attention import find_query_layers
from qnerf_core.diffusion.loading import BaseLoader, load_controlnet
from qnerf_core.diffusion.lora import add_lora
from qnerf_core.errors import BackboneError
from qnerf_core.models.facts import model_facts
from qnerf_core.models.layout import find_model, read_config
from qnerf_core.models.store import Control, ModelEntry, ModelStore

# Nothing is computed: half precision spares memory.
_DTYPE = torch.float16


def verify_model(
    store: ModelStore,
    name: str,
    progress: Callable[[float, str], None] = lambda _fraction, _file: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> tuple[str, ...]:
    """Read every file of a model, load every part, and look whether it fits the others of the store.

    Args:
        store: The registry; it remembers the hashes and the time.
        name: Of the model.
        progress: Told the share that is done and the file that is read.
        cancelled: Asked before each file.

    Returns:
        What was found, a sentence for each.

    Raises:
        BackboneError: Something is missing, damaged, changed, or does not fit; says what to do.
    """
    hashes = store.check_files(name, progress, cancelled)
    entry = store.get(name)
    check = {"base": _check_base, "controlnet": _check_controlnet, "lora": _check_lora}[entry.kind]
    findings = (f"{len(hashes)} files are as they were recorded.", *check(store, entry))
    store.set_verified(name, hashes)
    return findings


def _check_base(store: ModelStore, entry: ModelEntry) -> list[str]:
    place = find_model(entry.place)
    loader = BaseLoader(place, _DTYPE)
    unet = loader.load("unet")
    layers = find_query_layers(unet)
    width, channels = unet.config.cross_attention_dim, unet.config.in_channels
    del unet
    vae = loader.load("vae")
    latent_channels = vae.config.latent_channels
    del vae
    words = loader.load("text_encoder").config.hidden_size
    loader.tokenizer()
    if channels != latent_channels:
        raise _misfit(entry, f"its UNet reads {channels} channels, its autoencoder makes {latent_channels}")
    if words != width:
        raise _misfit(entry, f"its text encoder is {words} wide, its UNet reads {width}")
    counted = Counter((layer.channels, layer.reduction) for layer in layers)
    size = model_facts(place).image_size
    described = ", ".join(f"{count} of {c} channels at {size // 8 // r}" for (c, r), count in counted.items())
    controls = [f"{other.name} ({control})" for control in _CONTROLS for other in store.companions(entry, control)]
    return [
        f"{len(layers)} query layers: {described}.",
        f"Its pictures are {size} pixels wide; it reads text {width} wide.",
        f"ControlNets that fit: {', '.join(controls) or 'none in the list'}.",
    ]


def _check_controlnet(store: ModelStore, entry: ModelEntry) -> list[str]:
    controlnet = load_controlnet(find_model(entry.place), _DTYPE)
    if controlnet.config.controlnet_conditioning_channel_order != "rgb":
        raise _misfit(entry, "it reads BGR control images")
    bases = [base for base in store.entries() if base.kind == "base"]
    fitting = []
    for base in bases:
        unet = read_config(find_model(base.place), "unet")
        same_text = unet["cross_attention_dim"] == controlnet.config.cross_attention_dim
        if same_text and tuple(unet["block_out_channels"]) == tuple(controlnet.config.block_out_channels):
            fitting.append(base.name)
    if bases and not fitting:
        raise _misfit(
            entry,
            f"it reads text {controlnet.config.cross_attention_dim} wide and has widths "
            f"{tuple(controlnet.config.block_out_channels)}: no base of the list has both",
        )
    return [f"It reads {entry.control} images and fits: {', '.join(fitting) or 'no base is in the list yet'}."]


def _check_lora(store: ModelStore, entry: ModelEntry) -> list[str]:
    place = find_model(entry.place)
    for other in store.entries():
        if other.kind == "controlnet" and other.control == entry.control and other.text_width == entry.text_width:
            count = add_lora(load_controlnet(find_model(other.place), torch.float32), place, 1.0)
            return [f"It changes {count} layers of {other.name}."]
    return ["The ControlNet that it belongs to is not in the list yet: add it and verify again."]


_CONTROLS: tuple[Control, ...] = ("skeleton", "depth")


def _misfit(entry: ModelEntry, cause: str) -> BackboneError:
    return BackboneError(
        f"{entry.name} cannot be used", cause, "Use a model built like Stable Diffusion 1.5 or 2.1, and what fits it."
    )
