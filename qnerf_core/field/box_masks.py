"""Masks of a subject from the density of a radiance field within a box."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from qnerf_core import files
from qnerf_core.errors import Cancelled, CaptureError
from qnerf_core.field.radiance import RadianceField
from qnerf_core.scene.camera import Camera
from qnerf_core.scene.scene import Scene

_LONGEST_SIDE = 256
_SAMPLES = 96
_CHUNK = 4096
_OPAQUE = 0.5


def box_opacity(field: RadianceField, camera: Camera, box: np.ndarray) -> np.ndarray:
    """Render how opaque a field is within a box, as if there were nothing else.

    Args:
        field: Of the scene.
        camera: Of the view.
        box: (2, 3) lower and upper corner, world, metres.

    Returns:
        (H, W) float32 in [0, 1].
    """
    origins, directions = (rays.reshape(-1, 3).astype(np.float64) for rays in camera.rays())
    with np.errstate(divide="ignore", invalid="ignore"):
        first, second = (box[0] - origins) / directions, (box[1] - origins) / directions
    near = np.maximum(np.fmax.reduce(np.fmin(first, second), axis=1), 0.0)
    far = np.fmin.reduce(np.fmax(first, second), axis=1)
    result = np.zeros(len(origins), dtype=np.float32)
    steps = (np.arange(_SAMPLES) + 0.5) / _SAMPLES
    hits = np.flatnonzero(far > near)
    for start in range(0, len(hits), _CHUNK):
        rays = hits[start : start + _CHUNK]
        length = (far - near)[rays]
        distances = near[rays, None] + length[:, None] * steps
        points = origins[rays, None] + directions[rays, None] * distances[..., None]
        density = field.density(points.reshape(-1, 3)).reshape(len(rays), _SAMPLES)
        result[rays] = 1 - np.exp(-density.sum(axis=1) * length / _SAMPLES)
    return result.reshape(camera.height, camera.width)


def write_box_masks(
    field: RadianceField,
    scene: Scene,
    box: np.ndarray,
    out: Path,
    progress: Callable[[str, int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> None:
    """Write a mask for every view of a scene: white where the field is opaque within the box.

    Args:
        field: Fitted to the scene.
        scene: The capture.
        box: (2, 3) lower and upper corner, world, metres.
        out: Folder for `<view>.png`.
        progress: Told of every view.
        cancelled: Asked before every view.

    Raises:
        CaptureError: The box is empty in every view.
        Cancelled: It was cancelled.
    """
    found = False
    for index, view in enumerate(scene.views):
        if cancelled is not None and cancelled():
            raise Cancelled("Drawing masks is stopped", "the capture's settings are as they were", "Start it again.")
        camera = view.camera
        scale = min(1.0, _LONGEST_SIDE / max(camera.width, camera.height))
        small = camera.scaled(max(1, round(camera.width * scale)), max(1, round(camera.height * scale)))
        opacity = Image.fromarray((box_opacity(field, small, box) * 255).astype(np.uint8))
        opacity = opacity.resize((camera.width, camera.height), Image.Resampling.BILINEAR)
        mask = np.asarray(opacity) > 255 * _OPAQUE
        found |= bool(mask.any())
        files.write_image(out / f"{view.name}.png", np.where(mask, 255, 0).astype(np.uint8))
        if progress is not None:
            progress("Drawing masks", index + 1, len(scene.views))
    if not found:
        raise CaptureError(
            "There is nothing in the box", "the NeRF is empty there in every view", "Move the box onto the subject."
        )
