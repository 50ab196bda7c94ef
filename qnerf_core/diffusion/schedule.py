"""Noise levels of a deterministic DDIM run (eta 0), the same as diffusers' DDIMScheduler's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

import torch
from diffusers.schedulers.scheduling_ddim import DDIMScheduler

from qnerf_core.errors import BackboneError

PredictionType = Literal["epsilon", "v_prediction"]


@dataclass(frozen=True)
class Schedule:
    """The steps of a DDIM run.

    Step i goes from level i to level i + 1; level 0 is the noise end, level `steps` the clean latents.

    Attributes:
        timesteps: One per step, falling, from noise to picture.
        alphas: Cumulative signal share (alpha bar) of the latents that step i reads.
        next_alphas: Of the latents that step i gives.
        prediction_type: What the network predicts.
    """

    timesteps: tuple[int, ...]
    alphas: tuple[float, ...]
    next_alphas: tuple[float, ...]
    prediction_type: PredictionType

    @property
    def steps(self) -> int:
        """Number of steps."""
        return len(self.timesteps)

    def step(self, output: torch.Tensor, latents: torch.Tensor, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Make one denoising step.

        Args:
            output: The network's output for the latents, (B, 4, h, w).
            latents: (B, 4, h, w) at level `step`.
            step: Index of the step.

        Returns:
            The latents at level `step + 1` and the predicted clean latents.
        """
        return self._move(output, latents, self.alphas[step], self.next_alphas[step])

    def inverse_step(self, output: torch.Tensor, latents: torch.Tensor, step: int) -> torch.Tensor:
        """Undo step `step` as far as one evaluation can.

        Args:
            output: The network's output for these latents at the noise level they have (`inversion_timestep(step)`).
            latents: (B, 4, h, w) at level `step + 1`.
            step: Index of the step to undo.

        Returns:
            The latents at level `step`.
        """
        return self._move(output, latents, self.next_alphas[step], self.alphas[step])[0]

    def inversion_timestep(self, step: int) -> int:
        """Return the timestep of the latents that an inverse step starts from.

        Clean latents have none; the network knows no lower one than 0.

        Args:
            step: Index of the step to undo.
        """
        return self.timesteps[step + 1] if step + 1 < self.steps else 0

    def _move(
        self, output: torch.Tensor, latents: torch.Tensor, alpha: float, next_alpha: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
        signal, noise = alpha**0.5, (1.0 - alpha) ** 0.5
        if self.prediction_type == "epsilon":
            epsilon = output
            clean = (latents - noise * output) / signal
        else:
            epsilon = signal * output + noise * latents
            clean = signal * latents - noise * output
        return next_alpha**0.5 * clean + (1.0 - next_alpha) ** 0.5 * epsilon, clean


def make_schedule(scheduler_config: Mapping[str, Any], steps: int, strength: float = 1.0) -> Schedule:
    """Make the schedule that diffusers' DDIMScheduler would follow with this configuration.

    Args:
        scheduler_config: The scheduler's configuration from a model folder, of whatever scheduler class.
        steps: Number of steps.
        strength: Share of the noise levels, from the picture's end, that the steps go through; as of diffusers'
            image-to-image pipelines, but that there are as many steps.

    Raises:
        BackboneError: The configuration asks for something that a deterministic latent DDIM run cannot do.
    """
    scheduler = DDIMScheduler.from_config(dict(scheduler_config))
    config = scheduler.config
    if config.prediction_type not in ("epsilon", "v_prediction"):
        raise BackboneError(
            "This model's predictions are not understood",
            f"its scheduler's prediction_type is {config.prediction_type!r}",
            "Use a model that predicts epsilon or v_prediction.",
        )
    if config.clip_sample or config.thresholding:
        raise BackboneError(
            "This model's scheduler clips its samples",
            "clip_sample or thresholding is on in its scheduler_config.json, which cannot be inverted",
            "Set both to false; latent diffusion models do not need them.",
        )
    whole = round(steps / strength)
    if whole > config.num_train_timesteps:
        raise BackboneError(
            f"{whole} steps are more than the model has",
            f"it was trained with {config.num_train_timesteps} noise levels",
            "Choose fewer steps, or a greater share of the noise (diffusion.strength).",
        )
    scheduler.set_timesteps(whole)
    stride = config.num_train_timesteps // whole
    timesteps = tuple(int(timestep) for timestep in scheduler.timesteps[whole - steps :])
    alphas = tuple(float(scheduler.alphas_cumprod[timestep]) for timestep in timesteps)
    next_alphas = tuple(
        float(scheduler.alphas_cumprod[timestep - stride] if timestep >= stride else scheduler.final_alpha_cumprod)
        for timestep in timesteps
    )
    if config.prediction_type == "epsilon" and min(alphas) <= 0.0:
        raise BackboneError(
            "This model's schedule starts from pure noise",
            "its terminal signal-to-noise ratio is zero, which an epsilon prediction cannot be inverted from",
            "Set rescale_betas_zero_snr to false in its scheduler_config.json.",
        )
    return Schedule(timesteps, alphas, next_alphas, cast(PredictionType, config.prediction_type))
