"""Trains the built-in model's autoencoder."""

from __future__ import annotations

import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
import typer
from diffusers import AutoencoderKL

from qnerf_core.authoring.architecture import make_vae
from qnerf_core.authoring.training import (
    CHECKPOINT_SECONDS,
    AveragedWeights,
    Clock,
    PictureFolder,
    learning_rate,
    load_checkpoint,
    save_checkpoint,
)
from qnerf_core.authoring.vae_start import LATENT_NOISE, start_as_downsampling
from qnerf_core.authoring.widening import widened
from qnerf_core.authoring.workers import Workers, is_first

_BATCH = 4
_CROP = 128
_PEAK_RATE = 1.2e-3
_LATENT_PENALTY = 1e-4
# Of the square by which latents leave those that a UNet was trained on.
DRIFT_PENALTY = 0.01
# Of latents whose UNet is there already: it returns them closely enough for finer differences to mean something.
_FURTHER_NOISE = 0.01
_FURTHER_RATE = 6e-4
# What the logarithm of a picture's squared error counts then, about as much beside the drift as the square did before;
# what its edges count; and the squared error that is as good as none.
_FURTHER_ERROR, _FURTHER_EDGES, _NO_ERROR = 0.03, 0.05, 1e-5
# Part of the budget of training further after which pictures are whole. Normalisations see other means and spreads in
# a crop: it comes out 0.1 to 0.3 dB better by itself than out of its picture.
_WHOLE_FROM = 0.7


def _batch(pictures: PictureFolder, generator: np.random.Generator, whole: bool) -> torch.Tensor:
    """Crops at full size and pictures at half size, both (B, 3, 128, 128), or as many pixels of whole ones; [-1, 1]."""
    if whole:
        image = pictures.draw(generator, 1) * 2 - 1
        return image.flip(-1) if generator.random() < 0.5 else image
    images = pictures.draw(generator, _BATCH)
    size = images.shape[-1]
    crops = []
    for image in images:
        if generator.random() < 0.3:
            crops.append(F.avg_pool2d(image, size // _CROP))
        else:
            # Towards the middle, where the figure is.
            top, left = (int(generator.triangular(0, (size - _CROP) / 2, size - _CROP)) for _ in range(2))
            crops.append(image[:, top : top + _CROP, left : left + _CROP])
    batch = torch.stack(crops)
    flipped = torch.from_numpy(generator.random(_BATCH) < 0.5)
    return torch.where(flipped[:, None, None, None], batch.flip(-1), batch) * 2 - 1


def reconstruction_loss(vae: AutoencoderKL, images: torch.Tensor, before: AutoencoderKL | None) -> torch.Tensor:
    """Loss of pictures (B, 3, H, W) in [-1, 1]; `before` gives the latents that its own must stay near."""
    posterior = vae.encode(images).latent_dist
    noise = LATENT_NOISE if before is None else _FURTHER_NOISE
    # Not posterior.sample(): a fresh encoder's noise drowns its signal, and colours, the weakest part, are never found.
    latents = posterior.mean + noise * torch.randn_like(posterior.mean)
    result = vae.decode(latents).sample
    difference = result - images
    edges = (difference[..., 1:, :] - difference[..., :-1, :]).abs().mean() + (
        difference[..., 1:] - difference[..., :-1]
    ).abs().mean()
    square = difference.square().mean((1, 2, 3))
    spread = _LATENT_PENALTY * (posterior.logvar - 2 * math.log(noise)).square().mean()
    if before is None:
        loss = 2 * square.mean() + 0.5 * difference.abs().mean() + 0.25 * edges
        # Brightness alone explains most of a picture; without these terms colours are learned last.
        for cell in (4, 8):
            loss = loss + 2 * F.avg_pool2d(difference, cell).square().mean()
        return loss + _LATENT_PENALTY * posterior.mean.square().mean() + spread
    with torch.no_grad():
        there = before.encode(images).latent_dist.mean
    # By the logarithm all pictures' PSNR counts alike; the square alone is for those that come out worst.
    loss = _FURTHER_ERROR * (square + _NO_ERROR).log().mean() + _FURTHER_EDGES * edges
    return loss + DRIFT_PENALTY * (posterior.mean - there).square().mean() + spread


@torch.no_grad()
def reconstruction_psnr(vae: AutoencoderKL, images: torch.Tensor) -> float:
    """Mean PSNR in dB of pictures (N, 3, H, W) in [0, 1] through the autoencoder."""
    errors = []
    for image in images.split(4):
        result = vae.decode(vae.encode(image * 2 - 1).latent_dist.mode()).sample
        errors.append(((result / 2 + 0.5).clamp(0, 1) - image).square().mean((1, 2, 3)))
    return float((-10 * torch.cat(errors).log10()).mean())


@torch.no_grad()
def with_scaling_factor(vae: AutoencoderKL, images: torch.Tensor) -> AutoencoderKL:
    """Sets the factor that gives latents of pictures (N, 3, H, W) unit variance, unless a model has it already."""
    if vae.config["scaling_factor"] == make_vae().config["scaling_factor"]:
        latents = vae.encode(images * 2 - 1).latent_dist.mode()
        vae.register_to_config(scaling_factor=round(1 / float(latents.std()), 5))
    return vae


def train_vae(
    data: Path, work: Path, minutes: float, further: bool, folder: Path, seed: int, copies: int = 1
) -> AutoencoderKL:
    """Trains until `minutes` of training are spent, over restarts; returns the averaged weights.

    Args:
        data: Folder of shards.
        work: Folder of the checkpoint.
        minutes: Budget.
        further: Start from the weights in `folder` and keep latents near what they are, so that they keep their
            meaning for a UNet that was trained on them. Has a checkpoint of its own.
        folder: The autoencoder's folder in the model.
        seed: Of weights and batches.
        copies: How often every channel is copied before training further.
    """
    torch.manual_seed(seed)
    torch.set_flush_denormal(True)
    before = AutoencoderKL.from_pretrained(folder).float().requires_grad_(False) if further else None
    vae = start_as_downsampling(make_vae()) if before is None else widened(before, copies)
    average = AveragedWeights(vae, 0.999)
    rate = _FURTHER_RATE if further else _PEAK_RATE
    optimizer = torch.optim.Adam(vae.parameters(), lr=rate, betas=(0.9, 0.99))
    step, since, seconds = 0, 0, 0.0
    path = work / ("vae-further.pt" if further else "vae.pt")
    if state := load_checkpoint(path):
        vae.load_state_dict(state["vae"])
        average.load(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        step, seconds = state["step"], state["seconds"]
    clock = Clock(minutes, seconds)
    workers = Workers()
    generator = np.random.default_rng([seed, step, workers.rank])
    torch.manual_seed(int(generator.integers(2**31)))
    pictures = PictureFolder(data)
    held_out = pictures.held_out(16)
    saved, mean_loss = time.monotonic(), 0.0
    while (share := workers.agree(clock.share)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(share, rate)
        whole = further and share > _WHOLE_FROM
        loss = reconstruction_loss(vae, _batch(pictures, generator, whole), before)
        optimizer.zero_grad()
        loss.backward()
        workers.average_gradients(vae)
        torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        optimizer.step()
        average.update(vae)
        step += 1
        since += 1
        mean_loss += (float(loss.detach()) - mean_loss) / min(since, 100)
        if is_first() and (time.monotonic() - saved > CHECKPOINT_SECONDS or clock.share >= 1):
            psnr = reconstruction_psnr(average.module, held_out)
            typer.echo(f"step {step} at {clock.seconds / 60:.1f} min: loss {mean_loss:.4f}, kept-out {psnr:.2f} dB")
            save_checkpoint(
                path,
                {
                    "vae": vae.state_dict(),
                    "average": average.state(),
                    "optimizer": optimizer.state_dict(),
                    "step": step,
                    "seconds": clock.seconds,
                },
            )
            pictures.refresh()
            saved = time.monotonic()
    return with_scaling_factor(average.module, held_out)
