"""What the training commands share: a clock that survives restarts, checkpoints, averaged weights, pictures."""

from __future__ import annotations

import copy
import math
import time
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from torch import nn

from qnerf_core.files import atomic_path

CHECKPOINT_SECONDS = 120.0


class Clock:
    """Seconds of training so far, over restarts, against a budget in minutes.

    Training is given time, not steps: the same command fits any machine. The learning rate follows the clock.
    """

    def __init__(self, minutes: float, seconds_before: float = 0.0) -> None:
        self._budget = minutes * 60
        self._before = seconds_before
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds of training so far."""
        return self._before + time.monotonic() - self._start

    @property
    def share(self) -> float:
        """Part of the budget that is used, 0 to 1."""
        return min(1.0, self.seconds / self._budget)


def learning_rate(share: float, peak: float, floor: float = 0.05, warm_up: float = 0.01) -> float:
    """Cosine decay from `peak` to `floor * peak` after a linear warm-up; `share` of the budget is used, 0 to 1."""
    if share < warm_up:
        return peak * share / warm_up
    return peak * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * share)))


Trained = TypeVar("Trained", bound=nn.Module)


class AveragedWeights(Generic[Trained]):
    """An exponential moving average of a module's parameters."""

    def __init__(self, module: Trained, decay: float) -> None:
        self._decay = decay
        self._steps = 0
        self.module: Trained = copy.deepcopy(module).requires_grad_(False).eval()

    @torch.no_grad()
    def update(self, module: Trained) -> None:
        """Moves the average towards the module; faster in the beginning."""
        self._steps += 1
        decay = min(self._decay, (1 + self._steps) / (10 + self._steps))
        averages: list[torch.Tensor] = list(self.module.parameters())
        values = [parameter.detach() for parameter in module.parameters()]
        torch._foreach_lerp_(averages, values, 1 - decay)

    def state(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"steps": self._steps, "module": self.module.state_dict()}

    def load(self, state: dict[str, Any]) -> None:
        """From a checkpoint."""
        self._steps = state["steps"]
        self.module.load_state_dict(state["module"])


def save_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Writes a checkpoint so that a killed run finds the old or the new one whole."""
    with atomic_path(path) as temporary:
        torch.save(content, temporary)


def load_checkpoint(path: Path) -> dict[str, Any] | None:
    """The checkpoint at `path`, if there is one."""
    return torch.load(path, weights_only=True) if path.is_file() else None


class PictureFolder:
    """The pictures of all shards in a folder; shards that appear while it is used join in.

    The last shard is kept out of training.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._shards: dict[Path, np.ndarray] = {}
        self.refresh()

    def refresh(self) -> None:
        """Reads shards that are new, but for the one kept out (number 0)."""
        for path in sorted(self._folder.glob("shard-*.npz"))[1:]:
            if path not in self._shards:
                with np.load(path) as shard:
                    self._shards[path] = shard["images"]

    def held_out(self, count: int) -> torch.Tensor:
        """(count, 3, H, W) pictures that training never sees, [0, 1]."""
        with np.load(self._folder / "shard-0000.npz") as shard:
            return to_tensor(shard["images"][:: len(shard["images"]) // count][:count])

    def draw(self, generator: np.random.Generator, count: int) -> torch.Tensor:
        """(count, 3, H, W) random pictures, [0, 1]."""
        shards = list(self._shards.values())
        return to_tensor(
            np.stack(
                [
                    (shard := shards[generator.integers(len(shards))])[generator.integers(len(shard))]
                    for _ in range(count)
                ]
            )
        )


def to_tensor(images: np.ndarray) -> torch.Tensor:
    """uint8 (N, H, W, 3) to float32 (N, 3, H, W) in [0, 1]."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
