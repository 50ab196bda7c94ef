"""What a step costs on this device: a few steps, timed, with the memory that they take."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil
import torch

from qnerf_core.diffusion.backbone import Backbone
from qnerf_core.diffusion.denoise import Denoiser
from qnerf_core.diffusion.guidance import GuidanceTargets, guide
from qnerf_core.diffusion.settings import DiffusionSettings
from qnerf_core.models.measured import StepCost

_STEPS = 4
_TIMED = 2
_SECONDS_BETWEEN_LOOKS = 0.005


def measure_steps(backbone: Backbone, size: tuple[int, int]) -> StepCost:
    """Time steps of one view, and measure the memory of a guided one.

    Args:
        backbone: The model, in its place.
        size: (height, width) of the pictures.
    """
    denoiser = Denoiser(backbone, DiffusionSettings(steps=_STEPS), "a photo")
    latent = (size[0] // backbone.vae_reduction, size[1] // backbone.vae_reduction)
    latents = torch.randn((1, 4, *latent), generator=torch.Generator().manual_seed(0)).to(backbone.device)
    control = backbone.embed_control(torch.zeros((1, 3, *size)))
    with _memory(backbone.device) as peak:
        # The first step of all makes kernels and caches.
        queries = denoiser.step(latents, 1, control, record=True).queries
        targets = GuidanceTargets.of([query.float() + 0.1 for query in queries])
        plain = _seconds(backbone.device, lambda: denoiser.step(latents, 1, control))
        guided = _seconds(backbone.device, lambda: guide(denoiser, latents, 1, control, None, targets, slice(0, 1)))
    element = torch.empty(0, dtype=backbone.dtype).element_size()
    return StepCost(plain, guided, peak[0], element, size, backbone.device.type)


def _seconds(device: torch.device, step: Callable[[], object]) -> float:
    _wait(device)
    started = time.perf_counter()
    for _ in range(_TIMED):
        step()
    _wait(device)
    return (time.perf_counter() - started) / _TIMED


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


@contextmanager
def _memory(device: torch.device) -> Iterator[list[int]]:
    """Measure the most bytes taken beyond those at the start; the list holds them at the end."""
    peak = [0]
    if device.type == "cuda":
        before = torch.cuda.memory_allocated(device)
        torch.cuda.reset_peak_memory_stats(device)
        yield peak
        peak[0] = int(torch.cuda.max_memory_allocated(device) - before)
        return
    process, stopped = psutil.Process(), threading.Event()
    start = process.memory_info().rss

    def look() -> None:
        while not stopped.wait(_SECONDS_BETWEEN_LOOKS):
            peak[0] = max(peak[0], process.memory_info().rss - start)

    watcher = threading.Thread(target=look, name="memory", daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        stopped.set()
        watcher.join()
