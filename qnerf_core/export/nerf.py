"""A radiance field of a capture or an edited set, with its own quality on views it never saw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from qnerf_core import files
from qnerf_core.errors import ExportError
from qnerf_core.export.turntable import centre_of_attention
from qnerf_core.field.radiance import RadianceField, fit_radiance_field
from qnerf_core.field.settings import RadianceSettings
from qnerf_core.runs.provenance import versions
from qnerf_core.scene.camera import Camera
from qnerf_core.scene.nerfstudio import FILE_NAME
from qnerf_core.scene.provenance import read_provenance
from qnerf_core.scene.scene import Scene, View, load_depth, load_image, load_images

CHECKPOINT_FILE = "radiance.safetensors"
QUALITY_FILE = "quality.json"
KEPT_OUT_EVERY = 8
MIN_VIEWS = 3


@dataclass(frozen=True, eq=False)
class FittedScene:
    """A field, the views it was fitted to, the box it lives in, and its quality (the content of ``quality.json``)."""

    field: RadianceField
    views: tuple[View, ...]
    bounds: np.ndarray
    quality: dict[str, Any]


def split_views(scene: Scene) -> tuple[tuple[View, ...], tuple[View, ...]]:
    """Views to train on and views to measure with: those that the capture keeps out, else every eighth.

    Raises:
        ExportError: There are too few views.
    """
    train, out = scene.training_views, scene.heldout_views
    if not out:
        out = train[KEPT_OUT_EVERY // 2 :: KEPT_OUT_EVERY]
        if not out and len(train) > MIN_VIEWS:
            out = train[-1:]
        train = tuple(view for view in train if view not in out)
    if len(train) < MIN_VIEWS:
        raise ExportError(
            f"Cannot fit a field to {scene.name}", f"it has {len(train)} views", f"Use at least {MIN_VIEWS} views."
        )
    return train, out


def bounds_around(cameras: Sequence[Camera]) -> np.ndarray:
    """A box (2, 3) for a capture that states none: a cube around where the cameras look, half as far as they stand."""
    centre = centre_of_attention(cameras)
    positions = np.stack([camera.position for camera in cameras])
    half = 0.5 * float(np.linalg.norm(positions - centre, axis=1).mean())
    return np.stack([centre - half, centre + half])


def fit_scene(
    scene: Scene,
    out: Path | str,
    settings: RadianceSettings | None = None,
    seed: int = 0,
    progress: Callable[[int, int, float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> FittedScene:
    """Fit a radiance field and write ``radiance.safetensors`` and ``quality.json``.

    Depth that comes with the views to fit is used: pictures of one edit agree less than photos do, and without it
    what they disagree about becomes fog.

    Args:
        scene: A capture or an edited set.
        out: Folder.
        settings: Of the field; None for the standard ones.
        seed: Of everything random.
        progress: Called with iteration, iterations, loss.
        cancelled: Asked now and then; true stops the fit.

    Returns:
        The field and its quality on the views it was not fitted to.

    Raises:
        ExportError: There are too few views.
        Cancelled: The fit was cancelled.
        StudioError: A picture cannot be read.
    """
    out, settings = Path(out), settings or RadianceSettings()
    train, kept_out = split_views(scene)
    cameras = [view.camera for view in train]
    bounds = bounds_around(cameras) if scene.bounds is None else scene.bounds
    field = fit_radiance_field(
        cameras,
        torch.from_numpy(load_images(train)),
        bounds,
        settings,
        seed,
        depth=_depth(train),
        progress=progress,
        cancelled=cancelled,
    )
    field.save(out / CHECKPOINT_FILE)
    psnr = {view.name: _psnr(field, view) for view in kept_out}
    quality = {
        "version": 1,
        "scene": scene.name,
        "views": [view.name for view in train],
        "kept_out": list(psnr),
        "psnr": float(np.mean(list(psnr.values()))) if psnr else None,
        "psnr_per_view": psnr,
        "bounds": bounds.tolist(),
        "settings": settings.model_dump(mode="json"),
        "seed": seed,
        "versions": versions(),
        "provenance": read_provenance(scene.root) if (scene.root / FILE_NAME).is_file() else None,
    }
    files.write_json(out / QUALITY_FILE, quality)
    return FittedScene(field, train, bounds, quality)


def _depth(views: Sequence[View]) -> torch.Tensor | None:
    if all(view.depth_path is None for view in views):
        return None
    maps = [
        load_depth(view)
        if view.depth_path is not None
        else np.zeros((view.camera.height, view.camera.width), dtype=np.float32)
        for view in views
    ]
    return torch.from_numpy(np.stack(maps))


def _psnr(field: RadianceField, view: View) -> float:
    rendered = field.render(view.camera).rgb.clamp(0, 1).numpy().astype(np.float64)
    error = float(np.square(rendered - load_image(view)).mean())
    return float(-10.0 * np.log10(max(error, 1e-10)))
