"""Loading the parts of a model with diffusers and transformers: from a folder in their layout, or from one file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers.loaders.single_file_utils import SingleFileComponentError, create_diffusers_clip_model_from_ldm
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.controlnets.controlnet import ControlNetModel
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn
from transformers import CLIPTextModel, CLIPTokenizer
from transformers.utils.logging import disable_progress_bar

from qnerf_core.diffusion.settings import ModelHabits, Prediction
from qnerf_core.diffusion.tokens import clip_tokenizer
from qnerf_core.errors import BackboneError, FileFormatError
from qnerf_core.files import read_json
from qnerf_core.models.layout import PARTS, ModelPlace, layout_of, read_config, variant_of

_LOAD_ERRORS = (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError, SingleFileComponentError)
_AGAIN = "Download or copy this part of the model again."
_MODELS = {
    "unet": UNet2DConditionModel,
    "vae": AutoencoderKL,
    "text_encoder": CLIPTextModel,
    "controlnet": ControlNetModel,
}


HABITS_FILE = "qnerf_studio.json"
"""Beside a model's own files: how it was trained to be used, where that is not as Stable Diffusion."""


class BaseLoader:
    """Loads the parts of a base, one after the other."""

    def __init__(self, place: ModelPlace, dtype: torch.dtype) -> None:
        """Look whether everything is there.

        Args:
            place: A base.
            dtype: In which precision its parts are to compute.

        Raises:
            BackboneError: It is no base, or a part is missing.
        """
        if place.kind != "base":
            raise BackboneError(
                f"{place.path} is no whole model",
                f"it is a {place.kind}",
                "Give the model it belongs to, and this one by --controlnet or --lora.",
            )
        missing = [part for part in PARTS if place.form == "folder" and not (place.path / part).is_dir()]
        if missing:
            raise BackboneError(
                f"The model in {place.path} is not complete",
                f"it lacks {', '.join(missing)}",
                "A model folder holds unet, vae, text_encoder, tokenizer, scheduler and controlnet_skeleton.",
            )
        self._place = place
        self._dtype = dtype
        # Mapped, not read: each part reads its own share.
        self._weights = _read_weights(place.path) if place.form == "file" else {}

    def load(self, part: str) -> Any:
        """Load one of "unet", "vae" and "text_encoder".

        Args:
            part: Which.

        Raises:
            BackboneError: It is damaged, or not all of its weights are there.
        """
        if self._place.form == "folder":
            return load_folder(part, self._place.path / part, self._dtype)
        if part == "text_encoder":
            return _text_encoder_of_file(self._place.path, self._weights, self._dtype)
        return _from_file(part, self._place.path, self._weights, self._dtype)

    def habits(self) -> ModelHabits:
        """Read what the model was trained with; those of others do not say.

        Raises:
            FileFormatError: The file that says so is damaged.
        """
        file = self._place.path / HABITS_FILE
        if self._place.form != "folder" or not file.is_file():
            return ModelHabits()
        try:
            return ModelHabits.model_validate(read_json(file))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise FileFormatError(f"Cannot use {file}", f"{where}: {first['msg']}", _AGAIN) from error

    def tokenizer(self) -> CLIPTokenizer:
        """Load the tokenizer; a single file brings none and gets CLIP's own.

        Raises:
            BackboneError: It is damaged.
        """
        place = self._place
        folder = (layout_of(place.path) if place.form == "file" else place.path) / "tokenizer"
        if not folder.is_dir() and place.form == "file":
            two = any(name.startswith("cond_stage_model.model.") for name in self._weights)
            return clip_tokenizer("!" if two else "<|endoftext|>")
        try:
            return CLIPTokenizer.from_pretrained(folder, local_files_only=True)
        except _LOAD_ERRORS as error:
            raise BackboneError(f"Cannot load {folder}", _first_line(error), _AGAIN) from error

    def scheduler_config(self, prediction: Prediction | None) -> dict[str, Any]:
        """Read the scheduler's configuration.

        Args:
            prediction: What the network predicts, if the user knows better than the model.

        Raises:
            BackboneError: It is damaged, or a single file of Stable Diffusion 2 leaves open what it predicts.
        """
        config = read_config(self._place, "scheduler")
        if prediction is not None:
            return config | {"prediction_type": prediction}
        if self._place.form == "file" and layout_of(self._place.path).name == "sd21":
            raise BackboneError(
                f"{self._place.path} does not tell what it predicts",
                "a file of Stable Diffusion 2 is the same for models that predict epsilon and v",
                "Choose --prediction epsilon for models of 512 pixels (2.1-base), v_prediction for those of 768.",
            )
        return config


def load_controlnet(place: ModelPlace, dtype: torch.dtype) -> ControlNetModel:
    """Load a ControlNet.

    Args:
        place: Its folder or file.
        dtype: In which precision it is to compute.

    Raises:
        BackboneError: It is something else, or damaged.
    """
    if place.kind != "controlnet":
        raise BackboneError(
            f"{place.path} is no ControlNet", f"it is a {place.kind}", "Give a ControlNet made for this base."
        )
    if place.form == "folder":
        return load_folder("controlnet", place.path, dtype)
    return _from_file("controlnet", place.path, _read_weights(place.path), dtype)


def load_folder(part: str, folder: Path, dtype: torch.dtype) -> Any:
    """Load a part of a model, or a ControlNet, from its own folder.

    Args:
        part: "unet", "vae", "text_encoder" or "controlnet".
        folder: With `config.json` and weights.
        dtype: In which precision it is to compute.

    Raises:
        BackboneError: It is damaged, or not all of its weights are there.
    """
    # Its bars would run through those of whoever shows the progress of the edit.
    disable_progress_bar()
    # transformers names the argument differently from diffusers.
    precision: dict[str, Any] = {"dtype" if part == "text_encoder" else "torch_dtype": dtype}
    try:
        module, info = _MODELS[part].from_pretrained(
            folder,
            variant=variant_of(folder),
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
            **precision,
        )
    except _LOAD_ERRORS as error:
        raise BackboneError(f"Cannot load {folder}", _first_line(error), _AGAIN) from error
    _check_missing(folder, sorted(info["missing_keys"]))
    return module.eval().requires_grad_(False)


def _from_file(part: str, file: Path, weights: dict[str, torch.Tensor], dtype: torch.dtype) -> Any:
    try:
        module = _MODELS[part].from_single_file(
            dict(weights),
            config=str(layout_of(file)),
            subfolder=part,
            local_files_only=True,
            torch_dtype=dtype,
        )
    except _LOAD_ERRORS as error:
        raise BackboneError(f"Cannot load the {part} of {file}", _first_line(error), _AGAIN) from error
    return _whole(module, file, part)


def _text_encoder_of_file(file: Path, weights: dict[str, torch.Tensor], dtype: torch.dtype) -> Any:
    try:
        module = create_diffusers_clip_model_from_ldm(
            CLIPTextModel,
            dict(weights),
            subfolder="text_encoder",
            config=str(layout_of(file)),
            torch_dtype=dtype,
            local_files_only=True,
        )
    except _LOAD_ERRORS as error:
        raise BackboneError(f"Cannot load the text_encoder of {file}", _first_line(error), _AGAIN) from error
    return _whole(module, file, "text_encoder")


def _whole(module: nn.Module, file: Path, part: str) -> nn.Module:
    # What the file does not bring has stayed without numbers.
    _check_missing(file / part, sorted(name for name, value in module.named_parameters() if value.is_meta))
    return module.eval().requires_grad_(False)


def _check_missing(where: Path, missing: list[str]) -> None:
    if missing:
        raise BackboneError(
            f"Cannot load {where}",
            f"{len(missing)} weights are missing from its file, the first is {missing[0]}",
            _AGAIN,
        )


def _read_weights(file: Path) -> dict[str, torch.Tensor]:
    try:
        return load_file(file)
    except _LOAD_ERRORS as error:
        raise BackboneError(f"Cannot load {file}", _first_line(error), _AGAIN) from error


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
