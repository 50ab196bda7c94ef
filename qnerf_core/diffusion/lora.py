"""LoRAs for ControlNets, LooseControl's above all (arXiv 2312.03079), added to the weights once.

LooseControl's authors attach diffusers' LoRA loader for UNets to the depth ControlNet. What that loader has written
over the years differs in the names; all of these are understood, with or without `unet.` or `controlnet.` before them:

* `<attention>.processor.to_q_lora.down.weight` (diffusers up to 0.21),
* `<attention>.to_q.lora.down.weight`, `<attention>.to_out.0.lora.up.weight` (up to 0.26),
* `<layer>.lora_A.weight`, `<layer>.lora_B.weight` (PEFT), with `.alpha` beside them or not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from qnerf_core.errors import BackboneError
from qnerf_core.models.layout import ModelPlace

_PREFIXES = re.compile(r"^(base_model\.model\.)?(unet\.|controlnet\.)?")
_OLD = re.compile(r"\.processor\.to_(q|k|v|out)_lora\.(down|up)\.weight$")
_NEW = re.compile(r"\.(?:lora\.(down|up)|lora_(A|B)(?:\.default)?)\.weight$")
_ALPHA = re.compile(r"(\.lora)?\.alpha$")


@dataclass
class _Pair:
    down: torch.Tensor | None = None
    up: torch.Tensor | None = None
    alpha: float | None = None


def add_lora(module: nn.Module, place: ModelPlace, scale: float) -> int:
    """Add a LoRA to the weights of a network: W + scale * alpha / rank * up @ down for every layer that it names.

    Args:
        module: The network; its weights change.
        place: The LoRA's file.
        scale: How much of it.

    Returns:
        How many layers were changed.

    Raises:
        BackboneError: It is no LoRA, or one for another network; the network is left as it was.
    """
    if place.kind != "lora":
        raise BackboneError(f"{place.path} is no LoRA", f"it is a {place.kind}", "Give a LoRA made for the ControlNet.")
    try:
        pairs = _read_pairs(load_file(place.path))
    except (OSError, SafetensorError) as error:
        raise BackboneError(f"Cannot read {place.path}", str(error), "Copy or download it again.") from error
    changes = [_checked(module, name, pair, place.path) for name, pair in pairs.items()]
    for weight, change in changes:
        # In float32, rounded once.
        weight.data = (weight.float() + scale * change.reshape(weight.shape)).to(weight.dtype)
    return len(changes)


def _read_pairs(weights: dict[str, torch.Tensor]) -> dict[str, _Pair]:
    pairs: dict[str, _Pair] = {}
    for full_name, value in weights.items():
        name = _PREFIXES.sub("", full_name)
        if match := _OLD.search(name):
            layer = f"{name[: match.start()]}.to_{match[1]}{'.0' if match[1] == 'out' else ''}"
            down = match[2] == "down"
        elif match := _NEW.search(name):
            layer, down = name[: match.start()], match[1] == "down" or match[2] == "A"
        elif match := _ALPHA.search(name):
            pairs.setdefault(name[: match.start()], _Pair()).alpha = float(value)
            continue
        else:
            continue
        pair = pairs.setdefault(layer, _Pair())
        if down:
            pair.down = value
        else:
            pair.up = value
    return pairs


def _checked(module: nn.Module, name: str, pair: _Pair, file: Path) -> tuple[nn.Parameter, torch.Tensor]:
    try:
        weight = module.get_submodule(name).weight
    except AttributeError as error:
        raise _foreign(file, f"there is no layer {name} in it") from error
    assert isinstance(weight, nn.Parameter)
    change = _change(pair, name, file)
    if weight.flatten(1).shape != change.shape:
        raise _foreign(file, f"{name} has the shape {tuple(weight.shape)}, the LoRA's is {tuple(change.shape)}")
    return weight, change


def _change(pair: _Pair, name: str, file: Path) -> torch.Tensor:
    if pair.down is None or pair.up is None:
        raise BackboneError(f"Cannot use {file}", f"half of what belongs to {name} is missing", "Get it again.")
    down, up = pair.down.float().flatten(1), pair.up.float().flatten(1)
    return (1.0 if pair.alpha is None else pair.alpha / down.shape[0]) * (up @ down)


def _foreign(file: Path, cause: str) -> BackboneError:
    return BackboneError(
        f"{file} does not fit this ControlNet", cause, "Use it with the ControlNet that it was made for."
    )
