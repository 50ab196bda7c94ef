"""A diffusion model from a folder in the Stable Diffusion layout, loaded by diffusers."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.controlnets.controlnet import ControlNetModel
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from safetensors import SafetensorError
from torch import nn
from transformers import CLIPTextModel, CLIPTokenizer
from transformers.utils.logging import disable_progress_bar

from qnerf_core.diffusion.attention import QueryLayer, find_query_layers
from qnerf_core.errors import BackboneError

_LOAD_ERRORS = (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError)
_PARTS = ("unet", "vae", "text_encoder", "tokenizer", "scheduler")


@dataclass(eq=False)
class Backbone:
    """A loaded model: what turns pictures into latents, words into embeddings, and denoises.

    Attributes:
        name: The folder or hub id it came from.
        unet: The denoiser.
        vae: The autoencoder.
        text_encoder: Of the prompts.
        tokenizer: Of the prompts.
        controlnet: The reader of control images.
        scheduler_config: The folder's own.
        query_layers: Every self-attention of the decoder, in order.
    """

    name: str
    unet: UNet2DConditionModel
    vae: AutoencoderKL
    text_encoder: CLIPTextModel
    tokenizer: CLIPTokenizer
    controlnet: ControlNetModel
    scheduler_config: dict[str, Any]
    query_layers: tuple[QueryLayer, ...]

    def __post_init__(self) -> None:
        # The embedding of a control image does not depend on the latents or the step: it is made once per view, so the
        # ControlNet that is called at every step is a view of the real one that takes it ready-made.
        self._embedded_controlnet = copy.copy(self.controlnet)
        self._embedded_controlnet._modules = dict(self.controlnet._modules)
        self._embedded_controlnet.controlnet_cond_embedding = nn.Identity()

    @classmethod
    def load(
        cls, folder: Path | str, control: str = "skeleton", device: str = "cpu", dtype: torch.dtype = torch.float32
    ) -> Backbone:
        """Load a model.

        Args:
            folder: A folder in the Stable Diffusion layout, or the id of one on the hub.
            control: Which ControlNet: `controlnet_<control>` in the folder. The skeleton's may be in `controlnet`,
                where diffusers' own pipeline looks for it.
            device: Where it computes.
            dtype: In which precision.

        Raises:
            BackboneError: A part is missing, damaged or of an unknown kind; says which and where.
        """
        root = Path(folder)
        local = root.is_dir()
        if not local and (root.is_absolute() or str(folder).count("/") != 1):
            raise BackboneError(
                f"There is no model at {folder}",
                "it is not a folder",
                "Give a folder in the Stable Diffusion layout, or leave --backbone out for the built-in model.",
            )
        if local:
            missing = [part for part in _PARTS if not (root / part).is_dir()]
            if missing:
                raise BackboneError(
                    f"The model in {root} is not complete",
                    f"it lacks {', '.join(missing)}",
                    "A model folder holds unet, vae, text_encoder, tokenizer, scheduler and controlnet_skeleton.",
                )
        controls = [f"controlnet_{control}", *(["controlnet"] if control == "skeleton" else [])]
        if local:
            wanted = " nor ".join(controls)
            controls = [name for name in controls if (root / name).is_dir()]
            if not controls:
                raise BackboneError(
                    f"The model in {root} has no ControlNet for {control!r}",
                    f"there is no {wanted} in it",
                    f"Put one there; for Stable Diffusion 1.5 {_KNOWN_CONTROLS.get(control, 'one made for it')}.",
                )
        place = root if local else folder

        def part(kind: Any, name: str) -> Any:
            return _load_module(kind, place, name, dtype).to(device)

        unet = part(UNet2DConditionModel, "unet")
        controlnet = part(ControlNetModel, controls[0])
        backbone = cls(
            str(folder),
            unet,
            part(AutoencoderKL, "vae"),
            part(CLIPTextModel, "text_encoder"),
            _load_tokenizer(place),
            controlnet,
            _load_scheduler_config(place),
            find_query_layers(unet),
        )
        backbone._check()
        return backbone

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.unet.device

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
                "Use a model built like Stable Diffusion 1.5.",
            )


_KNOWN_CONTROLS = {
    "skeleton": "lllyasviel/control_v11p_sd15_openpose",
    "depth": "lllyasviel/control_v11f1p_sd15_depth",
}


def _load_module(kind: Any, place: Path | str, name: str, dtype: torch.dtype) -> Any:
    where = f"{place}/{name}"
    # Its bars would run through those of whoever shows the progress of the edit.
    disable_progress_bar()
    # transformers names the argument differently from diffusers.
    precision = {"dtype": dtype} if kind is CLIPTextModel else {"torch_dtype": dtype}
    try:
        module, info = kind.from_pretrained(place, subfolder=name, output_loading_info=True, **precision)
    except _LOAD_ERRORS as error:
        raise BackboneError(
            f"Cannot load {where}", _first_line(error), "Download or copy this part of the model again."
        ) from error
    missing = sorted(info["missing_keys"])
    if missing:
        raise BackboneError(
            f"Cannot load {where}",
            f"{len(missing)} weights are missing from its file, the first is {missing[0]}",
            "Download or copy this part of the model again.",
        )
    return module.eval().requires_grad_(False)


def _load_tokenizer(place: Path | str) -> CLIPTokenizer:
    try:
        return CLIPTokenizer.from_pretrained(place, subfolder="tokenizer")
    except _LOAD_ERRORS as error:
        raise BackboneError(
            f"Cannot load {place}/tokenizer", _first_line(error), "Download or copy this part of the model again."
        ) from error


def _load_scheduler_config(place: Path | str) -> dict[str, Any]:
    if isinstance(place, Path):
        file = place / "scheduler" / "scheduler_config.json"
    else:
        from huggingface_hub import hf_hub_download

        file = Path(hf_hub_download(place, "scheduler/scheduler_config.json"))
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BackboneError(
            f"Cannot read {file}", _first_line(error), "Download or copy this part of the model again."
        ) from error
    return dict(config)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
