"""A diffusion model in the Stable Diffusion layout, loaded by diffusers."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.controlnets.controlnet import ControlNetModel
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import nn
from transformers import CLIPTextModel, CLIPTokenizer

from qnerf_core.diffusion.attention import QueryLayer, find_query_layers
from qnerf_core.diffusion.loading import BaseLoader, load_controlnet
from qnerf_core.diffusion.lora import add_lora
from qnerf_core.diffusion.settings import NO_HABITS, PLAIN, ModelHabits, ModelSettings
from qnerf_core.errors import BackboneError
from qnerf_core.models.layout import ModelPlace, find_model

Stage = Literal["words", "pictures", "steps"]


@dataclass(eq=False)
class Backbone:
    """A loaded model: what turns pictures into latents, words into embeddings, and denoises.

    Attributes:
        name: The folder, file or hub id it came from.
        unet: The denoiser.
        vae: The autoencoder.
        text_encoder: Of the prompts.
        tokenizer: Of the prompts.
        controlnet: The reader of control images.
        scheduler_config: The model's own.
        query_layers: Every self-attention of the decoder, in order.
        device: Where it computes.
        offload: Networks that are not in use wait in the computer's memory.
        habits: What it was trained with beyond what Stable Diffusion was.
    """

    name: str
    unet: UNet2DConditionModel
    vae: AutoencoderKL
    text_encoder: CLIPTextModel
    tokenizer: CLIPTokenizer
    controlnet: ControlNetModel
    scheduler_config: dict[str, Any]
    query_layers: tuple[QueryLayer, ...]
    device: torch.device
    offload: bool = False
    habits: ModelHabits = NO_HABITS

    def __post_init__(self) -> None:
        # The embedding of a control image does not depend on the latents or the step: it is made once per view, so the
        # ControlNet that is called at every step is a view of the real one that takes it ready-made.
        self._embedded_controlnet = copy.copy(self.controlnet)
        self._embedded_controlnet._modules = dict(self.controlnet._modules)
        self._embedded_controlnet.controlnet_cond_embedding = nn.Identity()

    @classmethod
    def load(
        cls,
        place: Path | str,
        control: str = "skeleton",
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
        settings: ModelSettings = PLAIN,
    ) -> Backbone:
        """Load a model. Nothing is downloaded.

        Args:
            place: A folder in the Stable Diffusion layout, a `.safetensors` file, or the id of a repository in the
                hub's local cache.
            control: Which ControlNet: `controlnet_<control>` in the folder. The skeleton's may be in `controlnet`,
                where diffusers' own pipeline looks for it.
            device: Where it computes.
            dtype: In which precision.
            settings: Another ControlNet, a LoRA, ways to save memory. Their precision is that of `dtype`.

        Raises:
            BackboneError: A part is missing, damaged or of an unknown kind; says which and where.
        """
        base = find_model(place)
        loader = BaseLoader(base, dtype)
        control_place = find_model(settings.controlnet) if settings.controlnet else _own_controlnet(base, control)
        controlnet = load_controlnet(control_place, dtype)
        if settings.lora:
            add_lora(controlnet, find_model(settings.lora), settings.lora_scale)
        unet = loader.load("unet")
        backbone = cls(
            str(place),
            unet,
            loader.load("vae"),
            loader.load("text_encoder"),
            loader.tokenizer(),
            controlnet,
            loader.scheduler_config(settings.prediction),
            find_query_layers(unet),
            torch.device(device),
            settings.offload,
            loader.habits(),
        )
        backbone._check()
        if settings.slicing:
            unet.set_attention_slice("auto")
            controlnet.set_attention_slice("auto")
            backbone.vae.enable_slicing()
        if settings.tiling:
            backbone.vae.enable_tiling()
        if not settings.offload:
            for network in backbone._networks():
                network.to(backbone.device)
        return backbone

    def call_in(self, stage: Stage) -> None:
        """Bring the networks of a stage to the device; with `offload` all others leave it.

        Args:
            stage: "words" for prompts, "pictures" for the autoencoder, "steps" for denoising.
        """
        if not self.offload:
            return
        wanted: dict[Stage, tuple[nn.Module, ...]] = {
            "words": (self.text_encoder,),
            "pictures": (self.vae,),
            "steps": (self.unet, self.controlnet),
        }
        for network in self._networks():
            if network not in wanted[stage]:
                network.to("cpu")
        for network in wanted[stage]:
            network.to(self.device)

    def _networks(self) -> tuple[nn.Module, ...]:
        return self.unet, self.controlnet, self.vae, self.text_encoder

    @property
    def dtype(self) -> torch.dtype:
        """In which precision."""
        return self.unet.dtype

    @property
    def vae_reduction(self) -> int:
        """How many times smaller than the pictures the latents are, on a side (8)."""
        return int(2 ** (len(self.vae.config.block_out_channels) - 1))

    @property
    def size_multiple(self) -> int:
        """Height and width of pictures must be multiples of this."""
        return self.vae_reduction * int(2 ** (len(self.unet.up_blocks) - 1))

    @property
    def latent_size(self) -> int:
        """Side of the latents that the model was made for."""
        size = self.unet.config.sample_size
        return int(size if isinstance(size, int) else max(size))

    @property
    def image_size(self) -> int:
        """Side of the pictures that the model was made for, in pixels."""
        return self.latent_size * self.vae_reduction

    @torch.no_grad()
    def encode_prompt(self, text: str) -> torch.Tensor:
        """Turn words into an embedding.

        Args:
            text: The prompt; what is beyond the text encoder's length is cut off.

        Returns:
            (1, 77, D).
        """
        self.call_in("words")
        length = min(int(self.tokenizer.model_max_length), int(self.text_encoder.config.max_position_embeddings))
        tokens = self.tokenizer(text, padding="max_length", max_length=length, truncation=True, return_tensors="pt")
        # As in diffusers' pipeline, attention reaches the padding unless the text encoder says otherwise.
        masked = getattr(self.text_encoder.config, "use_attention_mask", False)
        mask = tokens.attention_mask.to(self.device) if masked else None
        embedding = self.text_encoder(tokens.input_ids.to(self.device), attention_mask=mask)[0]
        return torch.as_tensor(embedding).to(self.dtype)

    @torch.no_grad()
    def encode_images(self, images: torch.Tensor) -> torch.Tensor:
        """Turn pictures into latents, the mode of the autoencoder's distribution.

        Args:
            images: (V, 3, H, W) in [0, 1]; H and W are multiples of `size_multiple`.

        Returns:
            (V, 4, H / 8, W / 8), scaled.
        """
        self.call_in("pictures")
        mode = self.vae.encode(images.to(self.device, self.dtype) * 2.0 - 1.0).latent_dist.mode()
        return torch.as_tensor(mode * self.vae.config.scaling_factor)

    @torch.no_grad()
    def decode_latents(self, latents: torch.Tensor) -> torch.Tensor:
        """Turn latents into pictures.

        Args:
            latents: (V, 4, h, w), scaled.

        Returns:
            (V, 3, H, W) float32 in [0, 1].
        """
        self.call_in("pictures")
        images = self.vae.decode(latents.to(self.device, self.dtype) / self.vae.config.scaling_factor).sample
        return torch.as_tensor((images.float() / 2.0 + 0.5).clamp(0.0, 1.0))

    @torch.no_grad()
    def embed_control(self, images: torch.Tensor) -> torch.Tensor:
        """Do the part of the ControlNet that depends on the control image only.

        Args:
            images: (V, 3, H, W) in [0, 1].

        Returns:
            (V, C, h, w), for `control_residuals`.
        """
        self.call_in("steps")
        return torch.as_tensor(self.controlnet.controlnet_cond_embedding(images.to(self.device, self.dtype)))

    def control_residuals(
        self, latents: torch.Tensor, timestep: int, text: torch.Tensor, embedded: torch.Tensor, scale: float
    ) -> tuple[list[torch.Tensor], torch.Tensor]:
        """Run the ControlNet.

        Args:
            latents: (B, 4, h, w).
            timestep: Their noise level.
            text: (B, 77, D).
            embedded: (B, C, h, w) from `embed_control`.
            scale: Factor on the residuals.

        Returns:
            Residuals of the down blocks, and of the middle block.
        """
        down, middle = self._embedded_controlnet(
            latents,
            timestep,
            encoder_hidden_states=text,
            controlnet_cond=embedded,
            conditioning_scale=scale,
            return_dict=False,
        )
        return list(down), middle

    def _check(self) -> None:
        """Refuse what the engine would get wrong silently."""
        unet, control = self.unet.config, self.controlnet.config
        problems = []
        if unet.in_channels != self.vae.config.latent_channels or unet.out_channels != unet.in_channels:
            problems.append(f"the UNet maps {unet.in_channels} to {unet.out_channels} channels, as for inpainting")
        if unet.cross_attention_dim != control.cross_attention_dim:
            problems.append(
                f"the ControlNet reads {control.cross_attention_dim} wide text embeddings, the UNet "
                f"{unet.cross_attention_dim} wide ones: they are made for different bases"
            )
        if tuple(unet.block_out_channels) != tuple(control.block_out_channels):
            problems.append("the ControlNet's levels have different widths from the UNet's")
        if self.text_encoder.config.hidden_size != unet.cross_attention_dim:
            problems.append("the text encoder's width is not what the UNet reads")
        if unet.addition_embed_type is not None or unet.class_embed_type is not None:
            problems.append("the UNet needs more than text, as SDXL does")
        if control.controlnet_conditioning_channel_order != "rgb":
            problems.append("the ControlNet reads BGR control images")
        if getattr(self.vae.config, "shift_factor", None):
            problems.append("the autoencoder shifts its latents")
        if problems:
            raise BackboneError(
                f"The model {self.name} cannot be used",
                "; ".join(problems),
                "Use a model built like Stable Diffusion 1.5 or 2.1, and a ControlNet made for the same one.",
            )


_KNOWN_CONTROLS = {
    "skeleton": "lllyasviel/control_v11p_sd15_openpose",
    "depth": "lllyasviel/control_v11f1p_sd15_depth",
}


def _own_controlnet(base: ModelPlace, control: str) -> ModelPlace:
    known = _KNOWN_CONTROLS.get(control, "one made for it")
    if base.form == "file":
        raise BackboneError(
            f"The model {base.path} has no ControlNet for {control!r}",
            "a single file holds none",
            f"Give one by --controlnet; for Stable Diffusion 1.5 {known}.",
        )
    names = [f"controlnet_{control}", *(["controlnet"] if control == "skeleton" else [])]
    found = next((base.path / name for name in names if (base.path / name).is_dir()), None)
    if found is None:
        raise BackboneError(
            f"The model in {base.path} has no ControlNet for {control!r}",
            f"there is no {' nor '.join(names)} in it",
            f"Put one there, or give one by --controlnet; for Stable Diffusion 1.5 {known}.",
        )
    return ModelPlace(found, "controlnet", "folder")
