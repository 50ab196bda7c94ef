"""Deterministic DDIM inversion, and the features of the original that the edit is fed with (method.md 1.7)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch

from qnerf_core.diffusion.denoise import Denoiser

Features = tuple[torch.Tensor, ...]


def invert(
    denoiser: Denoiser,
    clean: torch.Tensor,
    keep: Callable[[int, Features], None] | None = None,
    control: torch.Tensor | None = None,
) -> Iterator[tuple[int, torch.Tensor]]:
    """Invert pictures, one step after the other.

    The network is evaluated at the noise level that the latents have, not at the one they go to: with v-prediction the
    difference is that between a usable and a useless reconstruction.

    Args:
        denoiser: The base editor; its source prompt is used, without guidance scale.
        clean: (B, 4, h, w), encoded pictures.
        keep: Receives (step, features) wherever a later denoising step will read the very same latents.
        control: (B, C, h, w) from `Backbone.embed_control`, of what the pictures show; None for a free source branch.

    Yields:
        (level, latents at that level), from `steps - 1` down to 0, the noise end.
    """
    schedule = denoiser.schedule
    latents = clean
    for step in reversed(range(schedule.steps)):
        output, features = denoiser.source(latents, schedule.inversion_timestep(step), control)
        if keep is not None and step + 1 < schedule.steps:
            keep(step + 1, features)
        latents = schedule.inverse_step(output, latents, step)
        yield step, latents


class SourceFeatures:
    """Features of the originals along their stored inversion: kept if they fit in memory, else computed again.

    Both give the same bytes, because both are the same pass over the same batch.
    """

    def __init__(
        self,
        denoiser: Denoiser,
        batches: Sequence[slice],
        latent_size: tuple[int, int],
        controls: Sequence[torch.Tensor | None] | None = None,
    ) -> None:
        """Find out what fits.

        Args:
            denoiser: The base editor.
            batches: The batches of views.
            latent_size: (height, width) of the latents.
            controls: What their inversion took, batch by batch; None if it was free.
        """
        self._denoiser = denoiser
        self._batches = tuple(batches)
        self._controls = tuple(controls) if controls is not None else (None,) * len(self._batches)
        self._kept: dict[tuple[int, int], Features] = {}
        self._bytes = 0
        self._limit = denoiser.settings.injection.memory_limit_mb * 1e6
        self._bytes_per_view = self.bytes_per_view(denoiser, latent_size)
        views = sum(batch.stop - batch.start for batch in batches)
        steps = sum(denoiser.injects(step) for step in range(denoiser.schedule.steps))
        self.all_fit = self._bytes_per_view * views * steps <= self._limit

    @staticmethod
    def bytes_per_view(denoiser: Denoiser, latent_size: tuple[int, int]) -> int:
        """Return the size of one view's features at one step.

        Args:
            denoiser: The base editor.
            latent_size: (height, width) of the latents.
        """
        shapes = [layer.shape(latent_size) for layer in denoiser.injected_layers]
        return sum(c * h * w for c, h, w in shapes) * torch.empty(0, dtype=denoiser.backbone.dtype).element_size()

    def keep(self, batch: int, step: int, features: Features) -> None:
        """Take features from the inversion, if those of all steps fit.

        Args:
            batch: Index of the batch of views.
            step: The denoising step that reads the same latents.
            features: Per injected layer.
        """
        if self.all_fit and self._denoiser.injects(step):
            self._store(batch, step, features)

    def get(self, batch: int, step: int, trajectory: torch.Tensor) -> Features | None:
        """Return a batch's features at a step, None if the step injects nothing.

        Args:
            batch: Index of the batch of views.
            step: The denoising step.
            trajectory: (steps + 1, V, 4, h, w), the stored inversion of all views.
        """
        if not self._denoiser.injects(step):
            return None
        found = self._kept.get((batch, step))
        if found is None:
            latents = trajectory[step, self._batches[batch]].to(self._denoiser.backbone.device)
            timestep = self._denoiser.schedule.timesteps[step]
            found = self._denoiser.source_features(latents, timestep, self._controls[batch])
            self._store(batch, step, found)
        return found

    def release_before(self, step: int) -> None:
        """Forget the steps that are over.

        Args:
            step: First step that may be asked for again.
        """
        for key in [key for key in self._kept if key[1] < step]:
            self._bytes -= self._size(key[0])
            del self._kept[key]

    def _store(self, batch: int, step: int, features: Features) -> None:
        if self._bytes + self._size(batch) <= self._limit:
            self._kept[batch, step] = features
            self._bytes += self._size(batch)

    def _size(self, batch: int) -> int:
        return self._bytes_per_view * (self._batches[batch].stop - self._batches[batch].start)
