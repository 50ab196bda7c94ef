"""Can one radiance field explain the edited views? Fit it to most of them and look at the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from qnerf_core.evaluation.image_metrics import psnr
from qnerf_core.field.radiance import fit_radiance_field
from qnerf_core.field.settings import RadianceSettings
from qnerf_core.scene.camera import Camera

KEPT_OUT_EVERY = 4
MIN_VIEWS = 5


@dataclass(frozen=True)
class HeldoutQuality:
    """PSNR of a radiance field on the views kept out of its training: mean over them, dB."""

    region: float | None
    full: float
    views: tuple[int, ...]


def kept_out(views: int) -> tuple[int, ...]:
    """Which of ``views`` views are kept out: every fourth, from the second on."""
    return tuple(range(1, views, KEPT_OUT_EVERY))


def heldout_quality(
    images: np.ndarray,
    cameras: Sequence[Camera],
    bounds: np.ndarray,
    regions: np.ndarray | None,
    settings: RadianceSettings,
    seed: int = 0,
    progress: Callable[[int, int, float], None] | None = None,
) -> HeldoutQuality:
    """Fit a radiance field to three quarters of the views and compare its renderings with the rest.

    No depth is given to the fit: it would hide what the pictures disagree about.

    Args:
        images: (V, 3, H, W) in [0, 1], V at least `MIN_VIEWS`.
        cameras: V cameras of that size.
        bounds: (2, 3) world box, metres.
        regions: (V, H, W) bool, the pixels that count; None if there is no region.
        settings: Of the field.
        seed: Of the fit.
        progress: Called with iteration, iterations, loss.

    Returns:
        The quality in the region and on whole pictures.

    Raises:
        ValueError: there are too few views.
    """
    if len(cameras) < MIN_VIEWS:
        raise ValueError(f"{len(cameras)} views are too few to keep some out")
    out = kept_out(len(cameras))
    rest = [view for view in range(len(cameras)) if view not in out]
    field = fit_radiance_field(
        [cameras[view] for view in rest], torch.from_numpy(images[rest]), bounds, settings, seed, progress=progress
    )
    inside, full = [], []
    for view in out:
        rendered = field.render(cameras[view]).rgb.clamp(0, 1).numpy()
        full.append(psnr(rendered, images[view]))
        if regions is not None:
            inside.append(psnr(rendered, images[view], regions[view]))
    return HeldoutQuality(float(np.mean(inside)) if inside else None, float(np.mean(full)), out)
