"""The loss of a QNeRF and the loop that lowers it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import cos, pi

import torch
from torch import Tensor

from qnerf_core.errors import Cancelled
from qnerf_core.field.footprints import Footprints
from qnerf_core.field.qnerf_network import Composited, QNeRFNetwork
from qnerf_core.field.rays import Samples
from qnerf_core.field.settings import QNeRFSettings

_KNOWN_DENSITY_RATE = 0.05


@dataclass(frozen=True, eq=False)
class TrainingRays:
    """The rays of all views in block order, with samples in place.

    Attributes:
        unit: (rays, samples, 3) positions in [0, 1] of the bounds.
        samples: Distances and lengths of the samples, metres.
        target: (rays,) known distance of the surface, metres.
        known: (rays,) bool.
    """

    unit: Tensor
    samples: Samples
    target: Tensor
    known: Tensor

    def blocks(self, index: Tensor, size: int) -> TrainingRays:
        """Return the rays of some blocks.

        Args:
            index: (n,) blocks.
            size: Rays of a block.
        """
        rays = (index[:, None] * size + torch.arange(size)).flatten()
        samples = Samples(self.samples.distances[rays], self.samples.lengths[rays])
        return TrainingRays(self.unit[rays], samples, self.target[rays], self.known[rays])


def query_loss(rendered: Tensor, targets: Tensor, kind: str) -> Tensor:
    """Return the paper's loss of one layer: the norm of the difference, averaged over cells (method 1.4).

    Args:
        rendered: (cells, channels), standardised.
        targets: (cells, channels), standardised.
        kind: "norm" or "squared".

    Returns:
        A number in units of one standard deviation (or its square), whatever the number of channels.
    """
    squares = (rendered - targets).square().mean(-1)
    return squares.mean() if kind == "squared" else (squares + 1e-4).sqrt().mean()


def depth_loss(weights: Tensor, samples: Samples, target: Tensor, known: Tensor, sigma: float) -> Tensor:
    """Return DS-NeRF's loss: the cross entropy of a ray's weights with a Gaussian around its known depth.

    Args:
        weights: (rays, samples).
        samples: Distances and lengths, metres.
        target: (rays,) known distance, metres.
        known: (rays,) bool.
        sigma: Width of the Gaussian, metres.

    Returns:
        The mean over rays of known depth; zero without any.
    """
    wanted = torch.exp(-((samples.distances - target[:, None]) ** 2) / (2 * sigma**2)) * samples.lengths
    wanted = wanted / wanted.sum(-1, keepdim=True).clamp(min=1e-9)
    entropy = -(wanted * (weights + 1e-4).log()).sum(-1)
    return (entropy * known).sum() / known.sum().clamp(min=1)


def train(
    network: QNeRFNetwork,
    rays: TrainingRays,
    footprints: Footprints,
    targets: Sequence[Tensor],
    settings: QNeRFSettings,
    sigma: float,
    iterations: int,
    generator: torch.Generator,
    cancelled: Callable[[], bool] | None,
) -> Iterator[float]:
    """Lower the query loss and the depth loss by Adam, an iteration with every value asked for.

    Args:
        network: Trained in place.
        rays: All rays.
        footprints: Layout of the layers.
        targets: Per layer (views * cells, channels) in block order, standardised.
        settings: Batch, rates and weights.
        sigma: Width of the depth loss, metres.
        iterations: Steps.
        generator: Source of the batches.
        cancelled: Asked before every iteration.

    Yields:
        The loss of every iteration.

    Raises:
        Cancelled: When `cancelled` says so; the network is left as it is.
    """
    # The density layer speaks for all of space at once: at full rate it would undo the known geometry in ten steps.
    others = [weight for name, weight in network.named_parameters() if not name.startswith("density.")]
    density_rate = _KNOWN_DENSITY_RATE if bool(rays.known.any()) else 1.0
    groups = [
        {"params": others, "scale": 1.0},
        {"params": list(network.density.parameters()), "scale": density_rate},
    ]
    optimiser = torch.optim.Adam(groups, lr=settings.learning_rate, eps=1e-12, fused=True)
    blocks = len(rays.known) // footprints.block_rays
    batch = max(1, min(blocks, settings.batch_rays // footprints.block_rays))
    order = torch.zeros(0, dtype=torch.long)
    for iteration in range(iterations):
        if cancelled is not None and cancelled():
            raise Cancelled
        rate = settings.learning_rate * (0.1 + 0.45 * (1 + cos(pi * iteration / iterations)))
        for group in optimiser.param_groups:
            group["lr"] = rate * group["scale"]
        if len(order) < batch:
            order = torch.randperm(blocks, generator=generator)
        chosen, order = order[:batch], order[batch:]
        part = rays.blocks(chosen, footprints.block_rays)
        rendered = network.composite(part.unit, part.samples)
        loss = _loss(network, rendered, part, footprints, targets, chosen, settings, sigma)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        yield float(loss.detach())


def _loss(
    network: QNeRFNetwork,
    rendered: Composited,
    part: TrainingRays,
    footprints: Footprints,
    targets: Sequence[Tensor],
    chosen: Tensor,
    settings: QNeRFSettings,
    sigma: float,
) -> Tensor:
    total = torch.zeros(())
    for layer, (head, target) in enumerate(zip(network.heads, targets, strict=True)):
        cells = footprints.block_rays // footprints.factors[layer] ** 2
        wanted = target.view(-1, cells, target.shape[1])[chosen].flatten(0, 1)
        total = total + query_loss(head(footprints.pool(rendered.features, layer)), wanted, settings.loss)
    total = total / len(targets)
    if settings.depth_weight and bool(part.known.any()):
        depth = depth_loss(rendered.weights, part.samples, part.target, part.known, sigma)
        total = total + settings.depth_weight * depth
    return total
