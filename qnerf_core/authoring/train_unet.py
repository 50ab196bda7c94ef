"""Trains the built-in model's UNet, its two ControlNets and text encoder, jointly, from scratch.

Most steps do what an edit does: the reference picture of a pair goes through the network as it does in the inversion,
and its self-attention features make the keys and values of the target's decoder (MasaCtrl). Stable Diffusion is large
enough to take over identity that way untrained; a network this small has to have done it before. In half of them
the noise, too, is what an inversion of the reference leaves, not white: it remembers the reference, and a network that
has only seen white noise paints the limbs that it remembers.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
import typer
from diffusers import AutoencoderKL, ControlNetModel, UNet2DConditionModel
from PIL import Image
from torch import nn
from transformers import CLIPTextModel, CLIPTokenizer

from qnerf_core.authoring.architecture import (
    make_controlnet,
    make_scheduler,
    make_text_encoder,
    make_tokenizer,
    make_unet,
)
from qnerf_core.authoring.dataset import read_shard
from qnerf_core.authoring.latents import LatentFolder, control_pictures
from qnerf_core.authoring.training import (
    CHECKPOINT_SECONDS,
    AveragedWeights,
    Clock,
    learning_rate,
    load_checkpoint,
    save_checkpoint,
    to_tensor,
)
from qnerf_core.authoring.workers import Workers, is_first
from qnerf_core.diffusion.attention import QueryLayer, find_query_layers, finer_than_coarsest
from qnerf_core.diffusion.schedule import Schedule, make_schedule

_PEAK_RATE = 6e-4
_CROP_PAIRS, _WHOLE_PAIRS = 4, 2
_CAPTION_DROPPED = 0.15
_CONTROL_DROPPED = 0.2
_INJECTED = 0.75
_REFERENCE_CAPTION_DROPPED = 0.7
_INVERTED = 0.5
_INVERSION_STEPS = (6, 12)
_NOISE_SHARED = 0.5
_AVERAGE_DECAY = 0.995
_SHEET_STEPS = 12
_SHEET_SECONDS = 600.0


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

        Without control pictures the ControlNet is left out; with fewer than B they belong to the last rows. `kind` is
        theirs.
        """
        text = self.text_encoder(tokens).last_hidden_state
        if control is None:
            return self.unet(latents, timesteps, text).sample
        free = len(latents) - len(control)
        controlnet = self.controlnet(kind)
        down, middle = controlnet(latents[free:], timesteps[free:], text[free:], control, return_dict=False)
        if free:
            *down, middle = (torch.cat([part.new_zeros(free, *part.shape[1:]), part]) for part in (*down, middle))
        return self.unet(
            latents,
            timesteps,
            text,
            down_block_additional_residuals=down,
            mid_block_additional_residual=middle,
        ).sample


def injecting_layers(unet: UNet2DConditionModel) -> tuple[QueryLayer, ...]:
    """The self-attention layers that an edit injects into by default."""
    layers = find_query_layers(unet)
    return layers[finer_than_coarsest(layers) :]


@contextmanager
def injected_into_targets(layers: Sequence[QueryLayer]) -> Iterator[None]:
    """While it lasts, the second half of a batch makes keys and values from the features of the first, as an edit does.

    Args:
        layers: The self-attention layers that inject.
    """

    def reference_twice(_module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor]:
        reference = inputs[0][: len(inputs[0]) // 2]
        return (torch.cat([reference, reference]),)

    with ExitStack() as stack:
        for layer in layers:
            for projection in (layer.to_k, layer.to_v):
                stack.callback(projection.register_forward_pre_hook(reference_twice).remove)
        yield


@torch.no_grad()
def inverted(model: Denoiser, clean: torch.Tensor, empty: torch.Tensor, schedule: Schedule, last: int) -> torch.Tensor:
    """Inverts references without control or prompt, as an edit does.

    Args:
        model: The network.
        clean: (P, 4, h, w) latents.
        empty: (P, L) tokens of the empty prompt.
        schedule: Of the inversion.
        last: Step where it ends.

    Returns:
        (steps - last + 1, P, 4, h, w): the latents of each level from that one on, the clean ones at the end.
    """
    trajectory = [clean]
    for step in reversed(range(last, schedule.steps)):
        timestep = torch.full((len(clean),), schedule.inversion_timestep(step))
        output = model(trajectory[0].contiguous(memory_format=torch.channels_last), timestep, empty, None)
        trajectory.insert(0, schedule.inverse_step(output, trajectory[0], step))
    return torch.stack(trajectory)


@dataclass(frozen=True)
class TrainedDenoiser:
    """What training gives: averaged weights and the tokenizer they belong to."""

    module: Denoiser
    tokenizer: CLIPTokenizer


def _tokens(tokenizer: CLIPTokenizer, captions: list[str]) -> torch.Tensor:
    return tokenizer(
        captions, padding="max_length", max_length=tokenizer.model_max_length, truncation=True, return_tensors="pt"
    ).input_ids


def train_unet(
    data: Path, work: Path, out: Path, vae: AutoencoderKL, minutes: float, whole_from: float, seed: int
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
        whole_from: Share of the budget after which pictures are whole; before, they are crops of half the side,
            which cost a fifth and teach the same details at the same scale.
        seed: Of weights and batches.
    """
    torch.manual_seed(seed)
    torch.set_flush_denormal(True)
    tokenizer = make_tokenizer(out / "tokenizer")
    folder = LatentFolder(data, work / "latents", vae)
    kinds = list(folder.counts)
    shares = np.array(list(folder.counts.values())) / len(folder)
    model = Denoiser(tokenizer, kinds)
    for part in (model.unet, *map(model.controlnet, kinds)):
        part.to(memory_format=torch.channels_last)
    average = AveragedWeights(model, _AVERAGE_DECAY)
    optimizer = torch.optim.AdamW(model.parameters(), lr=_PEAK_RATE, betas=(0.9, 0.99), weight_decay=1e-3, fused=True)
    step, since, seconds = 0, 0, 0.0
    path = work / "unet.pt"
    if state := load_checkpoint(path):
        model.load_state_dict(state["model"])
        average.load(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        step, seconds = state["step"], state["seconds"]
    elif (out / "unet").is_dir():
        model.load_folder(out)
        average = AveragedWeights(model, _AVERAGE_DECAY)
    layers = injecting_layers(model.unet)
    empty = _tokens(tokenizer, [""] * _CROP_PAIRS)
    clock = Clock(minutes, seconds)
    workers = Workers()
    generator = np.random.default_rng([seed, step, workers.rank])
    torch.manual_seed(int(generator.integers(2**31)))
    scheduler = make_scheduler()
    saved, painted, mean_loss = time.monotonic(), time.monotonic(), 0.0
    while (share := workers.agree(clock.share)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(share, _PEAK_RATE)
        cropped = share < whole_from
        # Decided by the step, so that all workers have gradients for the same parameters.
        decisions = np.random.default_rng([seed, step])
        kind = str(decisions.choice(kinds, p=shares))
        batch = folder.draw(generator, kind, _CROP_PAIRS if cropped else _WHOLE_PAIRS, cropped)
        pairs = len(batch.latents) // 2
        injected = decisions.random() < _INJECTED
        dropped = np.full(2 * pairs, _CAPTION_DROPPED)
        if injected:
            control: torch.Tensor | None = batch.control[pairs:]
            dropped[:pairs] = _REFERENCE_CAPTION_DROPPED
        else:
            control = None if decisions.random() < _CONTROL_DROPPED else batch.control
        captions = [
            "" if generator.random() < share else caption
            for share, caption in zip(dropped, batch.captions, strict=True)
        ]
        if injected and decisions.random() < _INVERTED:
            schedule = make_schedule(scheduler.config, int(decisions.integers(*_INVERSION_STEPS, endpoint=True)))
            level = int(decisions.integers(schedule.steps))
            reference = inverted(model, batch.latents[:pairs], empty[:pairs], schedule, level)[0]
            signal = schedule.alphas[level]
            noise = ((reference - signal**0.5 * batch.latents[:pairs]) / (1 - signal) ** 0.5).repeat(2, 1, 1, 1)
            timesteps = torch.full((2 * pairs,), schedule.timesteps[level])
        else:
            noise = torch.randn_like(batch.latents)
            if generator.random() < _NOISE_SHARED:
                # An edit starts from the noise that its original was inverted to.
                noise[pairs:] = noise[:pairs]
            timesteps = torch.randint(0, scheduler.config["num_train_timesteps"], (pairs,)).repeat(2)
        noisy = scheduler.add_noise(batch.latents, noise, timesteps)
        target = scheduler.get_velocity(batch.latents, noise, timesteps)
        with injected_into_targets(layers if injected else ()):
            result = model(
                noisy.contiguous(memory_format=torch.channels_last),
                timesteps,
                _tokens(tokenizer, captions),
                control,
                kind,
            )
        loss = F.mse_loss(result, target)
        optimizer.zero_grad()
        loss.backward()
        workers.average_gradients(model)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        average.update(model)
        step += 1
        since += 1
        mean_loss += (float(loss.detach()) - mean_loss) / min(since, 200)
        if is_first() and (time.monotonic() - saved > CHECKPOINT_SECONDS or clock.share >= 1):
            typer.echo(f"step {step} at {clock.seconds / 60:.1f} min: loss {mean_loss:.4f}, {len(folder)} pictures")
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
                sheet = np.concatenate([sample_sheet(average.module, tokenizer, vae, data, each) for each in kinds], 1)
                (work / "sheets").mkdir(exist_ok=True)
                Image.fromarray(sheet).save(work / "sheets" / f"step-{step:06d}.png")
                painted = time.monotonic()
    return TrainedDenoiser(average.module, tokenizer)


@torch.no_grad()
def sample_sheet(
    model: Denoiser, tokenizer: CLIPTokenizer, vae: AutoencoderKL, data: Path, kind: str = "skeleton", pairs: int = 4
) -> np.ndarray:
    """Kept-out pairs of a kind of control to look at, uint8 (4S, NS, 3).

    Rows: the reference, the target's control, the reference edited to it, the truth.
    Edited as an independent edit does it: inverted, then denoised with the reference's features at every step.
    """
    samples = read_shard(data / "shard-0000.npz")
    # Pairs are numbers 2n and 2n + 1.
    first = [n for n in range(0, len(samples) - 1, 2) if samples[n].kind == kind]
    first = first[:: max(1, len(first) // pairs)][:pairs]
    chosen = [samples[n] for n in first] + [samples[n + 1] for n in first]
    pairs = len(chosen) // 2
    pictures = to_tensor(np.stack([sample.image for sample in chosen]))
    control = control_pictures(chosen[pairs:])
    schedule = make_schedule(make_scheduler().config, _SHEET_STEPS)
    clean = vae.encode(pictures[:pairs] * 2 - 1).latent_dist.mode() * vae.config["scaling_factor"]
    trajectory = inverted(model, clean, _tokens(tokenizer, [""] * pairs), schedule, 0)
    tokens = _tokens(tokenizer, [""] * pairs + [sample.caption for sample in chosen[pairs:]])
    latents = trajectory[0]
    with injected_into_targets(injecting_layers(model.unet)):
        for step, level in enumerate(schedule.timesteps):
            both = torch.cat([trajectory[step], latents])
            prediction = model(both, torch.full((2 * pairs,), level), tokens, control, kind)[pairs:]
            latents, _ = schedule.step(prediction, latents, step)
    images = (vae.decode(latents / vae.config["scaling_factor"]).sample / 2 + 0.5).clamp(0, 1)
    rows = [torch.cat(list(part), dim=2) for part in (pictures[:pairs], control, images, pictures[pairs:])]
    return (torch.cat(rows, dim=1).permute(1, 2, 0) * 255).round().byte().numpy()
