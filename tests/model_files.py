"""Models in the layouts that people share them in: one file as CompVis and Stability write it, and LoRAs."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import torch
from diffusers import ControlNetModel
from safetensors.torch import load_file, save_file

Weights = dict[str, torch.Tensor]
LoraLayout = Literal["processor", "linear", "peft"]
_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
_VAE_ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}
_TIME = {"linear_1": "0", "linear_2": "2"}


def write_single_file(folder: Path, file: Path, *, open_clip: bool = False) -> Path:
    """A whole model of four levels with two layers each in one file, its configurations in a folder beside it."""
    weights: Weights = {}
    unet = load_file(folder / "unet" / "diffusion_pytorch_model.safetensors")
    weights |= {f"model.diffusion_model.{_unet_name(name)}": value for name, value in unet.items()}
    vae = load_file(folder / "vae" / "diffusion_pytorch_model.safetensors")
    for name, value in vae.items():
        # Its attention was made of convolutions.
        as_convolution = ".attentions." in name and name.endswith("weight") and value.ndim == 2
        weights[f"first_stage_model.{_vae_name(name)}"] = value[:, :, None, None] if as_convolution else value
    text = load_file(folder / "text_encoder" / "model.safetensors")
    text = {name.removeprefix("text_model."): value for name, value in text.items()}
    if open_clip:
        weights |= {f"cond_stage_model.model.{name}": value for name, value in _open_clip(text).items()}
    else:
        weights |= {f"cond_stage_model.transformer.text_model.{name}": value for name, value in text.items()}
    save_file({name: value.contiguous() for name, value in weights.items()}, file)
    for part in ("unet", "vae", "text_encoder", "scheduler", "tokenizer"):
        shutil.copytree(
            folder / part, file.with_suffix(".layout") / part, ignore=shutil.ignore_patterns("*.safetensors")
        )
    return file


def write_controlnet_file(folder: Path, file: Path) -> Path:
    """A ControlNet in one file, as its author writes it."""
    weights = load_file(folder / "diffusion_pytorch_model.safetensors")
    save_file({f"control_model.{_control_name(name)}": value for name, value in weights.items()}, file)
    layout = file.with_suffix(".layout") / "controlnet"
    layout.mkdir(parents=True)
    shutil.copy(folder / "config.json", layout)
    return file


def write_lora(
    controlnet: ControlNetModel, file: Path, layout: LoraLayout, *, rank: int = 2
) -> dict[str, torch.Tensor]:
    """A LoRA of all attentions of a ControlNet, as LooseControl's; returns what it adds to each layer's weights."""
    generator = torch.Generator().manual_seed(7)
    weights: Weights = {}
    changes: dict[str, torch.Tensor] = {}
    for name, module in controlnet.named_modules():
        if not re.search(r"\.attn[12]\.to_(q|k|v|out\.0)$", name):
            continue
        down = torch.randn((rank, module.in_features), generator=generator)
        up = torch.randn((module.out_features, rank), generator=generator)
        changes[name] = up @ down
        if layout == "processor":
            attention, _, layer = name.partition(".to_")
            stem = f"{attention}.processor.to_{layer.removesuffix('.0')}_lora"
            pair = {f"{stem}.down.weight": down, f"{stem}.up.weight": up}
        elif layout == "linear":
            pair = {f"unet.{name}.lora.down.weight": down, f"unet.{name}.lora.up.weight": up}
        else:
            stem = f"base_model.model.{name}"
            pair = {f"{stem}.lora_A.weight": down, f"{stem}.lora_B.weight": up}
            pair[f"{stem}.alpha"] = torch.tensor(float(2 * rank))
            changes[name] = 2.0 * changes[name]
        weights |= pair
    save_file(weights, file)
    return changes


def _unet_name(name: str) -> str:
    head, _, rest = name.partition(".")
    if head == "time_embedding":
        layer, _, last = rest.partition(".")
        return f"time_embed.{_TIME[layer]}.{last}"
    fixed = {"conv_in": "input_blocks.0.0", "conv_norm_out": "out.0", "conv_out": "out.2"}
    if head in fixed:
        return f"{fixed[head]}.{rest}"
    if head == "mid_block":
        kind, index, last = rest.split(".", 2)
        return f"middle_block.{1 if kind == 'attentions' else 2 * int(index)}.{_inside(kind, last)}"
    block_text, kind, layer_text, last = rest.split(".", 3)
    block, layer = int(block_text), int(layer_text)
    if kind == "downsamplers":
        return f"input_blocks.{3 * (block + 1)}.0.{last.replace('conv', 'op', 1)}"
    if kind == "upsamplers":
        return f"output_blocks.{3 * block + 2}.{1 if block == 0 else 2}.{last}"
    place = f"input_blocks.{1 + 3 * block + layer}" if head == "down_blocks" else f"output_blocks.{3 * block + layer}"
    return f"{place}.{1 if kind == 'attentions' else 0}.{_inside(kind, last)}"


def _inside(kind: str, name: str) -> str:
    return _renamed(name, _RESNET) if kind == "resnets" else name


def _vae_name(name: str) -> str:
    found = re.match(r"(encoder|decoder)\.(down_blocks|up_blocks|mid_block)\.(.*)", name)
    if found is None:
        return name.replace("conv_norm_out", "norm_out")
    side, place, rest = found.groups()
    if place == "mid_block":
        kind, index, last = rest.split(".", 2)
        if kind == "attentions":
            return f"{side}.mid.attn_1.{_renamed(last, _VAE_ATTENTION)}"
        return f"{side}.mid.block_{int(index) + 1}.{last.replace('conv_shortcut', 'nin_shortcut')}"
    block, kind, layer, last = rest.split(".", 3)
    level = f"{side}.down.{block}" if place == "down_blocks" else f"{side}.up.{3 - int(block)}"
    if kind == "resnets":
        return f"{level}.block.{layer}.{last.replace('conv_shortcut', 'nin_shortcut')}"
    return f"{level}.{kind.removesuffix('rs')}.{last}"


def _control_name(name: str) -> str:
    if found := re.match(r"controlnet_down_blocks\.(\d+)\.(.*)", name):
        return f"zero_convs.{found[1]}.0.{found[2]}"
    if name.startswith("controlnet_mid_block."):
        return name.replace("controlnet_mid_block", "middle_block_out.0")
    if name.startswith("controlnet_cond_embedding."):
        rest = name.removeprefix("controlnet_cond_embedding.")
        if found := re.match(r"blocks\.(\d+)\.(.*)", rest):
            return f"input_hint_block.{2 * int(found[1]) + 2}.{found[2]}"
        return f"input_hint_block.{rest.replace('conv_in', '0').replace('conv_out', '14')}"
    return _unet_name(name)


def _open_clip(text: Mapping[str, torch.Tensor]) -> Weights:
    weights: Weights = {}
    for name, value in text.items():
        if found := re.match(r"encoder\.layers\.(\d+)\.(.*)", name):
            place = f"transformer.resblocks.{found[1]}"
            if fused := re.match(r"self_attn\.q_proj\.(weight|bias)", found[2]):
                parts = [text[name.replace("q_proj", projection)] for projection in ("q_proj", "k_proj", "v_proj")]
                weights[f"{place}.attn.in_proj_{fused[1]}"] = torch.cat(parts)
            elif "k_proj" not in name and "v_proj" not in name:
                names = {"self_attn": "attn", "layer_norm1": "ln_1", "layer_norm2": "ln_2"}
                names |= {"mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj"}
                weights[f"{place}.{_renamed(found[2], names)}"] = value
        elif name.startswith("final_layer_norm"):
            weights[name.replace("final_layer_norm", "ln_final")] = value
        elif name == "embeddings.position_embedding.weight":
            weights["positional_embedding"] = value
        elif name == "embeddings.token_embedding.weight":
            weights["token_embedding.weight"] = value
    return weights


def _renamed(name: str, names: Mapping[str, str]) -> str:
    for old, new in names.items():
        if name == old or name.startswith(f"{old}."):
            return new + name[len(old) :]
    return name
