"""Models of Stable Diffusion's exact measures with random weights, for tests of everything but the pictures.

The structure is that of the published configurations (`qnerf_core/models/layouts`); the numbers of parameters that the
models are known by are asserted.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Literal

import torch
from diffusers import AutoencoderKL, ControlNetModel, UNet2DConditionModel
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel

from qnerf_core import files
from qnerf_core.diffusion.tokens import clip_tokenizer
from qnerf_core.models.layout import family_folder

Family = Literal["sd15", "sd21"]
PARAMETERS: dict[Family, dict[str, int]] = {
    "sd15": {"unet": 859_520_964, "vae": 83_653_863, "text_encoder": 123_060_480, "controlnet": 361_279_120},
    "sd21": {"unet": 865_910_724, "vae": 83_653_863, "text_encoder": 340_387_840, "controlnet": 364_228_240},
}
_MODULES = {"unet": UNet2DConditionModel, "vae": AutoencoderKL, "controlnet": ControlNetModel}


def write_full_size(folder: Path, family: Family, *, controls: tuple[str, ...] = ("controlnet",)) -> Path:
    """A folder in diffusers' layout; the weights are stored in half precision to spare the disk (2.9 GB)."""
    source = family_folder(family)
    for index, part in enumerate(PARAMETERS[family]):
        for target in controls if part == "controlnet" else (part,):
            _write_part(source / part, folder / target, part, PARAMETERS[family][part], seed=index)
    (folder / "scheduler").mkdir()
    shutil.copy(source / "scheduler" / "scheduler_config.json", folder / "scheduler")
    clip_tokenizer("!" if family == "sd21" else "<|endoftext|>").save_pretrained(folder / "tokenizer")
    index_file = {
        "_class_name": "StableDiffusionControlNetPipeline",
        "_diffusers_version": "0.36.0",
        "controlnet": ["diffusers", "ControlNetModel"],
        "feature_extractor": [None, None],
        "requires_safety_checker": False,
        "safety_checker": [None, None],
        "scheduler": ["diffusers", "DDIMScheduler"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
    }
    files.write_json(folder / "model_index.json", index_file)
    return folder


def empty_part(config: Path, part: str) -> torch.nn.Module:
    """A part without numbers, of its configuration's structure."""
    content = files.read_json(config / "config.json")
    with torch.device("meta"):
        if part == "text_encoder":
            return CLIPTextModel(CLIPTextConfig(**content))
        return _MODULES[part].from_config(content)


def _write_part(source: Path, target: Path, part: str, count: int, seed: int) -> None:
    module = empty_part(source, part)
    assert sum(parameter.numel() for parameter in module.parameters()) == count
    generator = torch.Generator().manual_seed(seed)
    weights = {name: _random(name, value, generator).half() for name, value in module.state_dict().items()}
    target.mkdir(parents=True)
    shutil.copy(source / "config.json", target)
    name = "model.safetensors" if part == "text_encoder" else "diffusion_pytorch_model.safetensors"
    save_file(weights, target / name, {"format": "pt"})


def _random(name: str, value: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """A value that matters, of a size that keeps activations in range."""
    drawn = torch.empty(value.shape).uniform_(-1.0, 1.0, generator=generator)
    if value.ndim > 1:
        return drawn * float(value[0].numel()) ** -0.5
    return 0.1 * drawn if name.endswith("bias") else 1.0 + 0.1 * drawn
