"""Several processes training one model: each draws its own batches, gradients are averaged.

Convolutions this small hardly gain from a second thread; a second process gains nearly all of a second core. Start with
`torchrun --nproc-per-node 2 -m qnerf_core.authoring unet ...`; without torchrun there is one process.
"""

from __future__ import annotations

import os

import torch
import torch.distributed as dist
from torch import nn


def is_first() -> bool:
    """Whether this process is the one that writes results."""
    return int(os.environ.get("RANK", "0")) == 0


class Workers:
    """This process among those that train together.

    Attributes:
        rank: 0 for the one that keeps the clock, writes checkpoints and reports.
        count: How many there are.
    """

    def __init__(self) -> None:
        self.rank = int(os.environ.get("RANK", "0"))
        self.count = int(os.environ.get("WORLD_SIZE", "1"))
        if self.count > 1:
            dist.init_process_group("gloo")

    def agree(self, value: float) -> float:
        """The first worker's value, on all of them."""
        if self.count == 1:
            return value
        shared = torch.tensor([value], dtype=torch.float64)
        dist.broadcast(shared, src=0)
        return float(shared)

    @torch.no_grad()
    def average_gradients(self, module: nn.Module) -> None:
        """Replaces every gradient by its mean over the workers; all must have gradients for the same parameters."""
        if self.count == 1:
            return
        gradients = [parameter.grad for parameter in module.parameters() if parameter.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        dist.all_reduce(flat)
        flat /= self.count
        for gradient, part in zip(gradients, flat.split([gradient.numel() for gradient in gradients]), strict=True):
            gradient.copy_(part.view(gradient.shape))
