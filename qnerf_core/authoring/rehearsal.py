"""Whole edits gone through during training, so that the network learns at the states that an edit passes through.

A step trained by itself sees the truth with noise on it. An edit never does: it starts from an inversion of the
original and goes on from its own last step, errors and all, and what the network has learned of the truth does not tell
it how to come back. Here each step starts where the one before ended and is told the picture to arrive at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTokenizer

from qnerf_core.authoring.dataset import Sample
from qnerf_core.authoring.denoiser import Denoiser, tokens_of
from qnerf_core.authoring.latents import Batch, control_pictures, places_on_subjects
from qnerf_core.authoring.training import to_tensor
from qnerf_core.diffusion.attention import (
    QueryLayer,
    capture_features,
    find_query_layers,
    finer_than_coarsest,
    inject_features,
)
from qnerf_core.diffusion.correspondence import SurfaceMaps
from qnerf_core.diffusion.schedule import Schedule
from qnerf_core.diffusion.settings import InjectionSettings, ModelHabits

ALL = slice(None)
HABITS = ModelHabits(source_branch="described", correspondence=True, strength=0.1)
"""How edits go with what is trained here; the strength was chosen by trials."""

_CHANGED = 0.25
_CHANGED_WEIGHT = 4.0
_BLUNT = 0.05


def injecting_layers(unet: UNet2DConditionModel) -> tuple[QueryLayer, ...]:
    """The self-attention layers that an edit injects into by default."""
    layers = find_query_layers(unet)
    return layers[finer_than_coarsest(layers) :]


def change_weights(latents: torch.Tensor) -> torch.Tensor:
    """What a target's latents count in a loss, of mean one: where a pair differs more than where it is the same.

    Most of a picture is background, which injection copies by itself and an edit keeps anyway.

    Args:
        latents: (2P, 4, h, w), references and targets.

    Returns:
        (P, 1, h, w).
    """
    weights = 1 + (_CHANGED_WEIGHT - 1) * _changed(latents)
    return weights / weights.mean()


def _changed(latents: torch.Tensor) -> torch.Tensor:
    """(P, 1, h, w), one where a pair differs or nearly."""
    reference, target = latents.chunk(2)
    changed = (reference - target).abs().mean(1, keepdim=True) > _CHANGED
    return F.max_pool2d(changed.float(), 3, stride=1, padding=1)


def changed_boxes(latents: torch.Tensor, margin: int) -> torch.Tensor:
    """Boxes around what changes: bool (P, 1, h, w), true inside.

    Args:
        latents: (2P, 4, h, w), references and targets.
        margin: Latents around the change that belong to the box.
    """
    changed = F.max_pool2d(_changed(latents), 2 * margin + 1, stride=1, padding=margin)
    rows, columns = changed.amax(3, keepdim=True), changed.amax(2, keepdim=True)

    def spanned(line: torch.Tensor, axis: int) -> torch.Tensor:
        return (line.cummax(axis).values * line.flip(axis).cummax(axis).values.flip(axis)) > 0

    return spanned(rows, 2) & spanned(columns, 3)


@dataclass(frozen=True, eq=False)
class Inversion:
    """References inverted as an edit inverts them: under the control and the prompt of what they show.

    Attributes:
        trajectory: By level, latents (P, 4, h, w); the lowest level is where it ended, the highest the clean ones.
        features: By the denoising step that reads the latents they were made of: what keys and values are made from,
            per layer (P, h * w, C).
    """

    trajectory: dict[int, torch.Tensor]
    features: dict[int, tuple[torch.Tensor, ...]]


@torch.no_grad()
def invert(
    model: Denoiser,
    batch: Batch,
    tokens: torch.Tensor,
    schedule: Schedule,
    *,
    last: int = 0,
    layers: Sequence[QueryLayer] = (),
) -> Inversion:
    """Inverts references.

    Args:
        model: The network.
        batch: Pairs.
        tokens: (P, L) of the references' captions.
        schedule: Of the inversion.
        last: Step where it ends.
        layers: Whose features are kept.
    """
    clean, control = batch.latents.chunk(2)[0], batch.control.chunk(2)[0]
    trajectory: dict[int, torch.Tensor] = {schedule.steps: clean}
    features: dict[int, tuple[torch.Tensor, ...]] = {}
    for step in reversed(range(last, schedule.steps)):
        timestep = torch.full((len(clean),), schedule.inversion_timestep(step))
        with capture_features(layers) as captured:
            inputs = trajectory[step + 1].contiguous(memory_format=torch.channels_last)
            output = model(inputs, timestep, tokens, control, batch.kind)
        features[step + 1] = tuple(captured)
        trajectory[step] = schedule.inverse_step(output, trajectory[step + 1], step)
    return Inversion(trajectory, features)


def rehearse(
    model: Denoiser,
    batch: Batch,
    tokens: torch.Tensor,
    schedule: Schedule,
    edited: torch.Tensor | None = None,
    *,
    corresponding: bool = True,
) -> Iterator[torch.Tensor]:
    """Edits references into targets as an independent edit does; the network may be improved between the steps.

    Args:
        model: The network.
        batch: Pairs.
        tokens: (P, L) of the captions, the same of reference and target.
        schedule: Of inversion and edit.
        edited: Bool (P, 1, h, w), false where every step's latents are the reference's own, as an edit keeps its
            background; None keeps nothing.
        corresponding: The control's correspondences lead: noise, attention and what the edit starts from.

    Yields:
        Every step's predicted clean latents (P, 4, h, w), with the gradient of that step where gradients are on.
    """
    control = batch.control.chunk(2)[1]
    layers = injecting_layers(model.unet)
    inversion = invert(model, batch, tokens, schedule, layers=layers)
    latents, biases = inversion.trajectory[0], None
    if corresponding:
        signal = schedule.alphas[0] ** 0.5
        noise = latents - signal * inversion.trajectory[schedule.steps]
        latents = batch.maps.carried(noise, ALL) + signal * batch.drafts
        biases = batch.maps.biases(ALL, layers)
    injected_from = max(1, round(InjectionSettings().start_fraction * schedule.steps))
    for step, timestep in enumerate(schedule.timesteps):
        injecting = step >= injected_from
        with inject_features(layers, inversion.features[step], biases) if injecting else nullcontext():
            inputs = latents.contiguous(memory_format=torch.channels_last)
            timesteps = torch.full((len(latents),), timestep)
            output = model(inputs, timesteps, tokens, control, batch.kind)
            latents, clean = schedule.step(output, latents, step)
        latents = latents.detach()
        if edited is not None:
            latents = torch.where(edited, latents, inversion.trajectory[step + 1])
        yield clean


def clean_loss(clean: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Mean distance of the clean latents that a step of a rehearsal predicts to the targets', the same at all levels.

    A distance, not its square: where a limb or the background may be, the least square is half of each, and an edit of
    a network that learned by it is full of half transparent limbs; the least distance is the likelier of the two.

    Args:
        clean: (P, 4, h, w) predicted.
        batch: The pairs.
    """
    target = batch.latents.chunk(2)[1]
    distance = ((clean - target).square().sum(1, keepdim=True) + _BLUNT**2).sqrt()
    return (change_weights(batch.latents) * distance).mean()


@torch.no_grad()
def sample_sheet(
    model: Denoiser, tokenizer: CLIPTokenizer, vae: AutoencoderKL, samples: Sequence[Sample], schedule: Schedule
) -> np.ndarray:
    """Pairs to look at, uint8 (5S, NS, 3): a column each of reference, control, draft, edit, and the truth.

    Args:
        model: The network.
        tokenizer: Of captions.
        vae: The autoencoder.
        samples: References, then targets, of one kind of control.
        schedule: Of the edit.
    """
    pairs = len(samples) // 2
    pictures = to_tensor(np.stack([sample.image for sample in samples]))
    latents = vae.encode(pictures * 2 - 1).latent_dist.mode() * vae.config["scaling_factor"]
    captions = [sample.caption for sample in samples]
    maps = SurfaceMaps(*places_on_subjects(list(samples)).chunk(2))
    drafts = to_tensor(np.stack([sample.draft for sample in samples[pairs:]]))
    started = vae.encode(drafts * 2 - 1).latent_dist.mode() * vae.config["scaling_factor"]
    batch = Batch(latents, control_pictures(list(samples)), captions, samples[0].kind, maps, started)
    *_, clean = rehearse(model, batch, tokens_of(tokenizer, captions[pairs:]), schedule)
    images = (vae.decode(clean / vae.config["scaling_factor"]).sample / 2 + 0.5).clamp(0, 1)
    rows = [
        torch.cat(list(part), dim=2)
        for part in (pictures[:pairs], batch.control[pairs:], drafts, images, pictures[pairs:])
    ]
    return (torch.cat(rows, dim=1).permute(1, 2, 0) * 255).round().byte().numpy()
