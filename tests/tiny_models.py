"""Tiny random diffusion models in the Stable Diffusion layout, made once per test session."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    ControlNetModel,
    DDIMScheduler,
    StableDiffusionControlNetPipeline,
    UNet2DConditionModel,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from qnerf_core.assets import assets_root

TEXT_WIDTH = 16
IMAGE_SIZE = 64
_ROOT = Path(tempfile.mkdtemp(prefix="qnerf-tiny-models-"))
atexit.register(shutil.rmtree, _ROOT, ignore_errors=True)


@functools.cache
def builtin_like() -> Path:
    """The built-in model's layout: three levels, two query layers on each, v-prediction."""
    unet = UNet2DConditionModel(
        sample_size=IMAGE_SIZE // 8,
        block_out_channels=(8, 16, 24),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=TEXT_WIDTH,
        attention_head_dim=2,
        norm_num_groups=4,
    )
    return _write(
        "builtin-like", unet, prediction_type="v_prediction", scheduler={"timestep_spacing": "leading"}, seed=1
    )


def _stable_diffusion_unet(**heads: Any) -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=IMAGE_SIZE // 8,
        block_out_channels=(16, 32, 64, 64),
        layers_per_block=2,
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=TEXT_WIDTH,
        norm_num_groups=8,
        **heads,
    )


@functools.cache
def sd15_like() -> Path:
    """SD 1.5's structure at a twentieth of its width: nine query layers at three resolutions, widths 4:2:1, epsilon."""
    unet = _stable_diffusion_unet(attention_head_dim=4)
    # As in the folder of Stable Diffusion 1.5, which names another scheduler class.
    scheduler = {"steps_offset": 1, "set_alpha_to_one": False, "skip_prk_steps": True, "_class_name": "PNDMScheduler"}
    return _write("sd15-like", unet, prediction_type="epsilon", scheduler=scheduler, seed=2)


@functools.cache
def sd21_like() -> Path:
    """SD 2.1's structure, tiny: other numbers of heads on each level, linear projections, gelu, v-prediction."""
    unet = _stable_diffusion_unet(attention_head_dim=(2, 4, 8, 8), use_linear_projection=True)
    scheduler = {"steps_offset": 1, "set_alpha_to_one": False}
    return _write("sd21-like", unet, prediction_type="v_prediction", scheduler=scheduler, seed=3, activation="gelu")


def model_folders() -> list[Path]:
    """Both tiny models, and the trained built-in one where the project has it."""
    trained = assets_root() / "models" / "builtin"
    return [builtin_like(), sd15_like(), *([trained] if (trained / "model_index.json").is_file() else [])]


def _write(
    name: str,
    unet: UNet2DConditionModel,
    *,
    prediction_type: str,
    scheduler: dict[str, object],
    seed: int,
    activation: str = "quick_gelu",
) -> Path:
    folder = _ROOT / name
    controlnet = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=(4, 4, 8, 8))
    vae = AutoencoderKL(
        block_out_channels=(8, 8, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=4,
        sample_size=IMAGE_SIZE,
        scaling_factor=0.5,
    )
    tokenizer = _tokenizer()
    text_encoder = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_act=activation,
            hidden_size=TEXT_WIDTH,
            intermediate_size=2 * TEXT_WIDTH,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=77,
            projection_dim=TEXT_WIDTH,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    for offset, module in enumerate((unet, controlnet, vae, text_encoder)):
        _randomise(module, seed * 10 + offset)
    config: dict[str, object] = {
        "_class_name": "DDIMScheduler",
        "num_train_timesteps": 1000,
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "clip_sample": False,
        "prediction_type": prediction_type,
        **scheduler,
    }
    pipeline = StableDiffusionControlNetPipeline(
        vae=vae,
        text_encoder=text_encoder,
        tokenizer=tokenizer,
        unet=unet,
        controlnet=controlnet,
        scheduler=DDIMScheduler.from_config(config),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder)
    (folder / "controlnet").rename(folder / "controlnet_skeleton")
    (folder / "controlnet").symlink_to("controlnet_skeleton")
    (folder / "controlnet_depth").symlink_to("controlnet_skeleton")
    return folder


def _randomise(module: torch.nn.Module, seed: int) -> None:
    """Give every weight a value that matters; the zero convolutions of a new ControlNet would hide mistakes."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in module.named_parameters():
        if parameter.ndim > 1:
            scale = float(parameter[0].numel()) ** -0.5
            parameter.data = torch.randn(parameter.shape, generator=generator) * scale
        elif name.endswith("bias"):
            parameter.data = torch.randn(parameter.shape, generator=generator) * 0.1
        else:
            parameter.data = 1.0 + torch.randn(parameter.shape, generator=generator) * 0.1
    module.eval().requires_grad_(False)


def _tokenizer() -> CLIPTokenizer:
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = [*letters, *(letter + "</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(vocab={word: index for index, word in enumerate(words)}, merges=[], model_max_length=77)
