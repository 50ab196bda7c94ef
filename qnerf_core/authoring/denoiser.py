"""The built-in model's UNet, its two ControlNets and text encoder as one module to train."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from diffusers import ControlNetModel, UNet2DConditionModel
from torch import nn
from transformers import CLIPTextModel, CLIPTokenizer

from qnerf_core.authoring.architecture import make_controlnet, make_text_encoder, make_unet

CONTROLS = {"skeleton": "controlnet", "depth": "controlnet_depth"}
"""Kinds of control, and the folder of each one's ControlNet in the model."""


class Denoiser(nn.Module):
    """UNet, a ControlNet for each kind of control, and text encoder as one module to train."""

    def __init__(self, tokenizer: CLIPTokenizer, kinds: Collection[str]) -> None:
        super().__init__()
        self.unet: UNet2DConditionModel = make_unet()
        self.controlnets = nn.ModuleDict({kind: make_controlnet(self.unet) for kind in kinds})
        self.text_encoder: CLIPTextModel = make_text_encoder(tokenizer)
        # Zero convolutions protect a trained UNet; here both start from nothing, and a zero start only delays.
        for controlnet in map(self.controlnet, kinds):
            for convolution in [*controlnet.controlnet_down_blocks, controlnet.controlnet_mid_block]:
                nn.init.normal_(convolution.weight, std=0.02)
            nn.init.normal_(controlnet.controlnet_cond_embedding.conv_out.weight, std=0.05)

    def controlnet(self, kind: str) -> ControlNetModel:
        """The ControlNet of a kind of control."""
        return cast(ControlNetModel, self.controlnets[kind])

    def load_folder(self, folder: Path) -> None:
        """Takes over the weights of a model folder; a ControlNet that it lacks starts as a copy of the first."""
        self.unet.load_state_dict(UNet2DConditionModel.from_pretrained(folder / "unet").state_dict())
        for kind in self.controlnets:
            name = CONTROLS[kind]
            place = folder / name if (folder / name).is_dir() else folder / CONTROLS["skeleton"]
            self.controlnets[kind].load_state_dict(ControlNetModel.from_pretrained(place).state_dict())
        self.text_encoder.load_state_dict(CLIPTextModel.from_pretrained(folder / "text_encoder").state_dict())

    def forward(
        self,
        latents: torch.Tensor,
        timesteps: torch.Tensor,
        tokens: torch.Tensor,
        control: torch.Tensor | None,
        kind: str = "skeleton",
    ) -> torch.Tensor:
        """Predicted v (B, 4, h, w).

        Without control pictures the ControlNet is left out. `kind` is theirs.
        """
        text = self.text_encoder(tokens).last_hidden_state
        if control is None:
            return self.unet(latents, timesteps, text).sample
        down, middle = self.controlnet(kind)(latents, timesteps, text, control, return_dict=False)
        return self.unet(
            latents,
            timesteps,
            text,
            down_block_additional_residuals=down,
            mid_block_additional_residual=middle,
        ).sample


@dataclass(frozen=True)
class TrainedDenoiser:
    """What training gives: averaged weights and the tokenizer they belong to."""

    module: Denoiser
    tokenizer: CLIPTokenizer


def tokens_of(tokenizer: CLIPTokenizer, captions: list[str]) -> torch.Tensor:
    """Tokens (N, L) of captions."""
    return tokenizer(
        captions, padding="max_length", max_length=tokenizer.model_max_length, truncation=True, return_tensors="pt"
    ).input_ids
