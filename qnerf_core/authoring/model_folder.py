"""Writes the built-in model as a folder that `StableDiffusionControlNetPipeline.from_pretrained` loads."""

from __future__ import annotations

from pathlib import Path

from diffusers import AutoencoderKL, StableDiffusionControlNetPipeline
from transformers import CLIPTokenizer

from qnerf_core.authoring.architecture import make_scheduler
from qnerf_core.authoring.denoiser import CONTROLS, Denoiser, TrainedDenoiser
from qnerf_core.authoring.rehearsal import HABITS
from qnerf_core.authoring.training import AveragedWeights, load_checkpoint
from qnerf_core.diffusion.loading import HABITS_FILE
from qnerf_core.errors import AssetError
from qnerf_core.files import write_json


def load_vae(model: Path) -> AutoencoderKL:
    """The model's autoencoder in single precision."""
    return AutoencoderKL.from_pretrained(model / "vae").float().eval()


def write_model(trained: TrainedDenoiser, out: Path) -> None:
    """Writes the pipeline, its large parts in half precision; the autoencoder must be in `out` already.

    The text encoder keeps single precision: transformers loads weights as they are stored, diffusers in single
    precision, and the two have to fit without the user saying so.
    """
    pipeline = StableDiffusionControlNetPipeline(
        vae=load_vae(out).half(),
        text_encoder=trained.module.text_encoder,
        tokenizer=trained.tokenizer,
        unet=trained.module.unet.half(),
        controlnet=trained.module.controlnet("skeleton").half(),
        scheduler=make_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(out, safe_serialization=True)
    write_json(out / HABITS_FILE, HABITS.model_dump())
    for kind in trained.module.controlnets:
        trained.module.controlnet(kind).half().save_pretrained(out / CONTROLS[kind])


def write_snapshot(work: Path, out: Path) -> None:
    """Writes the model from the newest checkpoint of a training that may still run.

    Raises:
        AssetError: There is no checkpoint yet.
    """
    state = load_checkpoint(work / "unet.pt")
    if state is None:
        raise AssetError(
            "There is no checkpoint to write", f"{work / 'unet.pt'} does not exist", "Start the training first."
        )
    tokenizer = CLIPTokenizer.from_pretrained(out / "tokenizer")
    kinds = [kind for kind in CONTROLS if any(name.startswith(f"controlnets.{kind}.") for name in state["model"])]
    average = AveragedWeights(Denoiser(tokenizer, kinds), 0.0)
    average.load(state["average"])
    write_model(TrainedDenoiser(average.module, tokenizer), out)
