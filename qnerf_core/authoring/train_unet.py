"""Trains the built-in model's UNet, its two ControlNets and text encoder, jointly, from scratch.

Most steps do what an edit does: the reference picture of a pair goes through the network as it does in the inversion,
and its self-attention features make the keys and values of the target's decoder (MasaCtrl). Stable Diffusion is large
enough to take over identity that way untrained; a network this small has to have done it before. In half of them
the noise, too, is what an inversion of the reference leaves, not white: it remembers the reference, and a network that
has only seen white noise paints the limbs that it remembers. Of whole pictures, whole edits are rehearsed
(`rehearsal.py`).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
import typer
from diffusers import AutoencoderKL
from PIL import Image
from torch import nn
from transformers import CLIPTokenizer

from qnerf_core.authoring.architecture import make_scheduler, make_tokenizer
from qnerf_core.authoring.dataset import read_shard
from qnerf_core.authoring.denoiser import Denoiser, TrainedDenoiser, tokens_of
from qnerf_core.authoring.latents import Batch, LatentFolder
from qnerf_core.authoring.rehearsal import (
    ALL,
    HABITS,
    change_weights,
    changed_boxes,
    clean_loss,
    injecting_layers,
    invert,
    rehearse,
    sample_sheet,
)
from qnerf_core.authoring.training import (
    CHECKPOINT_SECONDS,
    AveragedWeights,
    Clock,
    learning_rate,
    load_checkpoint,
    save_checkpoint,
)
from qnerf_core.authoring.workers import Workers, is_first
from qnerf_core.diffusion.attention import QueryLayer, biased
from qnerf_core.diffusion.schedule import make_schedule

_CROP_PAIRS, _WHOLE_PAIRS = 4, 2
_CAPTION_DROPPED = 0.15
_CONTROL_DROPPED = 0.2
_INJECTED = 0.9
_INVERTED = 0.65
_INVERSION_STEPS = (6, 10)
_TOWARDS_NOISE = 3.0
_NOISE_SHARED = 0.5
_REHEARSED = 0.8
_REHEARSED_STEPS = (5, 10)
# From what edits are made with up; more noise hides more of a draft, and more has to be repaired.
_STRENGTHS = (0.05, 0.5)
_BACKGROUND_KEPT = 0.7
_BOX_MARGIN = 3
_CORRESPONDING = 0.9
_AVERAGE_DECAY = 0.995
_LOSS_MEMORY = 0.99
_SHEET_STEPS = 12
_SHEET_PAIRS = 4
_SHEET_SECONDS = 600.0


@contextmanager
def injected_into_targets(
    layers: Sequence[QueryLayer], biases: Mapping[int, torch.Tensor] | None = None
) -> Iterator[None]:
    """While it lasts, the second half of a batch makes keys and values from the features of the first, as an edit does.

    Args:
        layers: The self-attention layers that inject.
        biases: Of the second half, see `inject_features`.
    """

    def reference_twice(_module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor]:
        reference = inputs[0][: len(inputs[0]) // 2]
        return (torch.cat([reference, reference]),)

    with ExitStack() as stack:
        for layer in layers:
            for projection in (layer.to_k, layer.to_v):
                stack.callback(projection.register_forward_pre_hook(reference_twice).remove)
        if biases is not None:
            both = {reduction: torch.cat([torch.zeros_like(bias), bias]) for reduction, bias in biases.items()}
            stack.enter_context(biased(layers, both))
        yield


class _Lesson:
    """Losses of one batch, by what the step of the training decides for all workers alike."""

    def __init__(
        self,
        model: Denoiser,
        tokenizer: CLIPTokenizer,
        batch: Batch,
        decisions: np.random.Generator,
        generator: np.random.Generator,
    ) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._batch = batch
        # Decided by the step, so that all workers have gradients for the same parameters.
        self._decisions = decisions
        self._generator = generator
        self._pairs = len(batch.latents) // 2
        self._scheduler = make_scheduler()
        self._corresponding = bool(self._decisions.random() < _CORRESPONDING)

    def rehearsal(self) -> Iterator[torch.Tensor]:
        """The loss of every step of a whole edit."""
        steps = int(self._decisions.integers(*_REHEARSED_STEPS, endpoint=True))
        strength = float(self._decisions.uniform(*_STRENGTHS)) if self._corresponding else 1.0
        schedule = make_schedule(self._scheduler.config, steps, strength)
        tokens = self._tokens(self._batch.captions[: self._pairs])
        boxes = None
        if self._generator.random() < _BACKGROUND_KEPT:
            boxes = changed_boxes(self._batch.latents, int(self._generator.integers(_BOX_MARGIN, endpoint=True)))
        edit = rehearse(self._model, self._batch, tokens, schedule, boxes, corresponding=self._corresponding)
        for clean in edit:
            yield clean_loss(clean, self._batch)

    def single_step(self) -> torch.Tensor:
        """The loss of v at a random level."""
        batch, pairs = self._batch, self._pairs
        injected = self._decisions.random() < _INJECTED
        control = None if not injected and self._decisions.random() < _CONTROL_DROPPED else batch.control
        tokens = self._tokens(batch.captions[:pairs]).repeat(2, 1)
        if injected and self._decisions.random() < _INVERTED:
            noise, timesteps = self._inverted_noise(tokens[:pairs])
        else:
            noise = torch.randn_like(batch.latents)
            if self._generator.random() < _NOISE_SHARED:
                # An edit starts from the noise that its original was inverted to.
                noise[pairs:] = noise[:pairs]
            timesteps = torch.randint(0, self._scheduler.config["num_train_timesteps"], (pairs,)).repeat(2)
        noisy = self._scheduler.add_noise(batch.latents, noise, timesteps)
        target = self._scheduler.get_velocity(batch.latents, noise, timesteps)
        layers = injecting_layers(self._model.unet) if injected else ()
        biases = batch.maps.biases(ALL, layers) if self._corresponding else None
        with injected_into_targets(layers, biases):
            result = self._model(
                noisy.contiguous(memory_format=torch.channels_last),
                timesteps,
                tokens,
                control,
                batch.kind,
            )
        weights = change_weights(batch.latents)
        return (torch.cat([torch.ones_like(weights), weights]) * (result - target).square()).mean()

    def _inverted_noise(self, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """What inversions of the references down to a random level leave, for both of a pair, and the timesteps."""
        pairs = self._pairs
        steps = int(self._decisions.integers(*_INVERSION_STEPS, endpoint=True))
        schedule = make_schedule(self._scheduler.config, steps)
        # What moves where is decided where noise prevails.
        level = int(schedule.steps * self._decisions.random() ** _TOWARDS_NOISE)
        clean = self._batch.latents[:pairs]
        reference = invert(self._model, self._batch, tokens, schedule, last=level).trajectory[level]
        signal = schedule.alphas[level]
        noise = (reference - signal**0.5 * clean) / (1 - signal) ** 0.5
        moved = self._batch.maps.carried(noise, ALL) if self._corresponding else noise
        return torch.cat([noise, moved]), torch.full((2 * pairs,), schedule.timesteps[level])

    def _tokens(self, captions: Sequence[str]) -> torch.Tensor:
        kept = self._generator.random(len(captions)) >= _CAPTION_DROPPED
        return tokens_of(
            self._tokenizer, [caption if stays else "" for stays, caption in zip(kept, captions, strict=True)]
        )


def train_unet(
    data: Path, work: Path, out: Path, vae: AutoencoderKL, minutes: float, whole_from: float, rate: float, seed: int
) -> TrainedDenoiser:
    """Trains until `minutes` of training are spent, over restarts.

    Without a checkpoint in `work` it starts from the weights in `out`, if there are any: that is how a model from the
    repository is trained further.

    Args:
        data: Folder of shards.
        work: Folder of checkpoints, latents and sample sheets.
        out: The model folder; its tokenizer is written there, and its weights are where a new training starts.
        vae: The trained autoencoder; its encoder must not change any more.
        minutes: Budget.
        whole_from: Share of the budget after which pictures are whole; before, they are crops of half the side, which
            cost a fifth and teach the same details at the same scale. What has moved out of a crop, though, its
            reference does not show. Of whole pictures, edits are rehearsed.
        rate: Greatest learning rate.
        seed: Of weights and batches.
    """
    torch.manual_seed(seed)
    torch.set_flush_denormal(True)
    with TemporaryDirectory() as own:
        # Workers that write the same files read each other's halves.
        tokenizer = make_tokenizer(out / "tokenizer" if is_first() else Path(own))
    folder = LatentFolder(data, work / "latents", vae)
    kinds = list(folder.counts)
    shares = np.array(list(folder.counts.values())) / len(folder)
    model = Denoiser(tokenizer, kinds)
    for part in (model.unet, *map(model.controlnet, kinds)):
        part.to(memory_format=torch.channels_last)
    average = AveragedWeights(model, _AVERAGE_DECAY)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.99), weight_decay=1e-3, fused=True)
    step, seconds = 0, 0.0
    path = work / "unet.pt"
    if state := load_checkpoint(path):
        model.load_state_dict(state["model"])
        average.load(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        step, seconds = state["step"], state["seconds"]
    elif (out / "unet").is_dir():
        model.load_folder(out)
        average = AveragedWeights(model, _AVERAGE_DECAY)
    clock = Clock(minutes, seconds)
    workers = Workers()
    generator = np.random.default_rng([seed, step, workers.rank])
    torch.manual_seed(int(generator.integers(2**31)))
    saved, painted = time.monotonic(), time.monotonic()
    mean_losses: dict[str, float] = {}

    def learn(loss: torch.Tensor, kind: str) -> None:
        nonlocal step
        optimizer.zero_grad()
        loss.backward()
        workers.average_gradients(model)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        average.update(model)
        step += 1
        value = float(loss.detach())
        mean_losses[kind] = value + _LOSS_MEMORY * (mean_losses.get(kind, value) - value)

    while (share := workers.agree(clock.share)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(share, rate)
        cropped = share < whole_from
        decisions = np.random.default_rng([seed, step])
        kind = str(decisions.choice(kinds, p=shares))
        batch = folder.draw(generator, kind, _CROP_PAIRS if cropped else _WHOLE_PAIRS, cropped)
        lesson = _Lesson(model, tokenizer, batch, decisions, generator)
        if not cropped and decisions.random() < _REHEARSED:
            for loss in lesson.rehearsal():
                learn(loss, "rehearsals")
        else:
            learn(lesson.single_step(), "single steps")
        if is_first() and (time.monotonic() - saved > CHECKPOINT_SECONDS or clock.share >= 1):
            losses = ", ".join(f"{name} {value:.4f}" for name, value in mean_losses.items())
            typer.echo(f"step {step} at {clock.seconds / 60:.1f} min: loss of {losses}; {len(folder)} pictures")
            save_checkpoint(
                path,
                {
                    "model": model.state_dict(),
                    "average": average.state(),
                    "optimizer": optimizer.state_dict(),
                    "step": step,
                    "seconds": clock.seconds,
                },
            )
            saved = time.monotonic()
            if saved - painted > _SHEET_SECONDS or clock.share >= 1:
                (work / "sheets").mkdir(exist_ok=True)
                sheet = _sheet(average.module, tokenizer, vae, data / "shard-0000.npz", kinds)
                Image.fromarray(sheet).save(work / "sheets" / f"step-{step:06d}.png")
                painted = time.monotonic()
    return TrainedDenoiser(average.module, tokenizer)


def _sheet(
    model: Denoiser, tokenizer: CLIPTokenizer, vae: AutoencoderKL, shard: Path, kinds: Sequence[str]
) -> np.ndarray:
    """Sample sheets of pairs of every kind of control, from a shard that is kept out, side by side."""
    samples = read_shard(shard)
    schedule = make_schedule(make_scheduler().config, _SHEET_STEPS, HABITS.strength)
    sheets = []
    for kind in kinds:
        # Pairs are numbers 2n and 2n + 1.
        first = [n for n in range(0, len(samples) - 1, 2) if samples[n].kind == kind]
        first = first[:: max(1, len(first) // _SHEET_PAIRS)][:_SHEET_PAIRS]
        chosen = [samples[n] for n in first] + [samples[n + 1] for n in first]
        sheets.append(sample_sheet(model, tokenizer, vae, chosen, schedule))
    return np.concatenate(sheets, 1)
