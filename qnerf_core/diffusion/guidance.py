"""Soft query guidance: one gradient step of the latents towards consistent queries (method.md 1.5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from qnerf_core.diffusion.denoise import Denoiser
from qnerf_core.diffusion.settings import GuidanceSettings
from qnerf_core.errors import BackboneError

# float16 knows nothing smaller than 6e-8, which the gradient of a single latent may well be.
_LOSS_SCALE = 1024.0


@dataclass(frozen=True, eq=False)
class GuidanceTargets:
    """Consistent queries of all views.

    Attributes:
        queries: Per query layer (V, C, h, w), rendered from the QNeRF.
        spreads: Per query layer, its standard deviation (root of the mean over channels of the variance over views and
            pixels), which the "rms" normalisation divides by.
    """

    queries: tuple[torch.Tensor, ...]
    spreads: tuple[float, ...]

    @classmethod
    def of(cls, queries: Sequence[torch.Tensor]) -> GuidanceTargets:
        """Measure the spreads of rendered queries.

        Args:
            queries: Per query layer (V, C, h, w).
        """
        spreads = tuple(
            max(float(query.double().var(dim=(0, 2, 3), correction=0).mean().sqrt()), 1e-12) for query in queries
        )
        return cls(tuple(queries), spreads)

    def views(self, batch: slice, device: torch.device, dtype: torch.dtype) -> tuple[torch.Tensor, ...]:
        """Return the queries of some views.

        Args:
            batch: Which views.
            device: Where they are needed.
            dtype: In which precision.
        """
        return tuple(query[batch].to(device, dtype) for query in self.queries)


def query_loss(
    queries: Sequence[torch.Tensor],
    targets: Sequence[torch.Tensor],
    spreads: Sequence[float],
    settings: GuidanceSettings,
) -> torch.Tensor:
    """Sum over layers of the distance between queries and targets.

    Args:
        queries: Per layer (B, C, h, w), the network's own.
        targets: Per layer (B, C, h, w), rendered.
        spreads: Per layer, standard deviation of the targets.
        settings: "rms" divides every distance by sqrt(elements) * spread; "paper-raw" does not.

    Returns:
        (B,), one per view.
    """
    total = torch.zeros(queries[0].shape[0], device=queries[0].device)
    for query, target, spread in zip(queries, targets, spreads, strict=True):
        difference = (query.float() - target.float()).flatten(1)
        distance = torch.linalg.vector_norm(difference, dim=1)
        if settings.normalisation == "rms":
            distance = distance / (difference.shape[1] ** 0.5 * spread)
        total = total + distance
    return total


def guide(
    denoiser: Denoiser,
    latents: torch.Tensor,
    step: int,
    control: torch.Tensor,
    source: Sequence[torch.Tensor] | None,
    targets: GuidanceTargets,
    batch: slice,
    biases: Mapping[int, torch.Tensor] | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Move latents so that their queries come closer to the rendered ones.

    z <- z - alpha * grad_z sum_l ||q(l) - q_ren(l)||. With the "rms" normalisation the step has a length: its RMS, per
    view, is alpha times the standard deviation of the noise that is still in the latents. So what is nearly clean is
    moved little, as in classifier guidance (Dhariwal and Nichol 2021).

    Args:
        denoiser: The base editor.
        latents: (B, 4, h, w) at level `step`.
        step: Index of the step.
        control: (B, C, h, w) from `Backbone.embed_control`.
        source: Features of the original at this step, None for no injection.
        targets: Of all views.
        batch: Which of the views these latents are.
        biases: As of `Denoiser.step`.

    Returns:
        The moved latents, and the loss per view (B,) before the move.
    """
    settings = denoiser.settings.guidance
    wanted = targets.views(batch, latents.device, latents.dtype)
    with torch.enable_grad():
        variable = latents.detach().requires_grad_(True)
        queries = denoiser.queries(
            variable, step, control, source, biases=biases, through_control=settings.through_control
        )
        loss = query_loss(queries, wanted, targets.spreads, settings)
        # Views do not mix anywhere in the network, so the sum's gradient is every view's own.
        half = denoiser.backbone.dtype == torch.float16
        scale = _LOSS_SCALE if half else 1.0
        (gradient,) = torch.autograd.grad(scale * loss.sum(), variable)
    gradient = gradient / scale
    if half and not bool(torch.isfinite(gradient).all()):
        raise BackboneError(
            "The guidance left the range of float16",
            f"step {step} has a gradient that is not a number",
            "Choose bfloat16 or float32 (--precision).",
        )
    move = settings.alpha * gradient
    if settings.normalisation == "rms":
        length = gradient.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
        noise = (1.0 - denoiser.schedule.alphas[step]) ** 0.5
        move = move * (noise / length.clamp_min(torch.finfo(gradient.dtype).tiny))
    return (latents - move).detach(), loss.detach()
