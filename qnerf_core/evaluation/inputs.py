"""Everything an evaluation measures with, at the size of the edited pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from qnerf_core.errors import StudioError
from qnerf_core.evaluation.figure import Plate, clean_plate
from qnerf_core.evaluation.image_metrics import edit_region
from qnerf_core.runs.folder import RunFolder
from qnerf_core.runs.scenes import load_run_scene
from qnerf_core.scene.camera import Camera
from qnerf_core.scene.capture import Capture
from qnerf_core.scene.scene import View, load_depth, load_images, load_mask


@dataclass(frozen=True, eq=False)
class Truth:
    """What the edited subject really looks like: a rendered capture knows, photos do not.

    Attributes:
        images: (V, 3, H, W) float32 in [0, 1].
        masks: (V, H, W) bool, the figure after the edit.
        depths: (V, H, W) float32 metres along the axis, 0 = unknown.
        regions: (V, H, W) bool, where the edit may change the pictures.
        plates: The empty background of every view.
    """

    images: np.ndarray
    masks: np.ndarray
    depths: np.ndarray
    regions: np.ndarray
    plates: tuple[Plate, ...]


@dataclass(frozen=True, eq=False)
class EvaluationInputs:
    """A finished run with all there is to compare it with.

    Attributes:
        run: The run.
        cameras: V, of the size of the edited pictures.
        edited: (V, 3, H, W) float32 in [0, 1], the results.
        source: (V, 3, H, W), the unedited pictures.
        bounds: (2, 3) world box, or None.
        truth: None where nobody knows it.
        no_truth: Why not; empty if there is one.
    """

    run: RunFolder
    cameras: tuple[Camera, ...]
    edited: np.ndarray
    source: np.ndarray
    bounds: np.ndarray | None
    truth: Truth | None
    no_truth: str


def load_inputs(run_folder: Path | str) -> EvaluationInputs:
    """Read a finished run, its scene, and the truth if there is one.

    Args:
        run_folder: The run's folder.

    Returns:
        All pictures at the size of the edited ones.

    Raises:
        StudioError: The run is not finished, or its scene cannot be read.
    """
    run = RunFolder(run_folder)
    edited = run.load_edited()
    size = (edited.shape[2], edited.shape[3])
    scene, capture = load_run_scene(run.spec.scene)
    views = scene.subset(run.views).views
    cameras = tuple(view.camera.scaled(size[1], size[0]) for view in views)
    source = resize_images(load_images(views), size)
    truth, reason = None, f"{run.spec.scene} brings no true pictures of edits"
    if capture is not None:
        if run.spec.edit in capture.edits:
            try:
                truth, reason = _load_truth(capture, run.spec.edit, run.views, source, size), ""
            except StudioError as error:
                reason = f"the truth cannot be read: {error}"
        else:
            reason = f"{run.spec.edit} is a pose of the user's own: there are no true pictures of it"
    return EvaluationInputs(run, cameras, edited, source, scene.bounds, truth, reason)


def resize_images(images: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Pictures (V, 3, H, W) at (height, width) ``size``, without aliasing; untouched if they have it."""
    if images.shape[2:] == size:
        return images
    resized: np.ndarray = (
        functional.interpolate(torch.from_numpy(images), size, mode="bilinear", align_corners=False, antialias=True)
        .clamp(0, 1)
        .numpy()
    )
    return resized


def _resize_nearest(maps: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    rows = ((np.arange(size[0]) + 0.5) * maps.shape[1] / size[0]).astype(int)
    columns = ((np.arange(size[1]) + 0.5) * maps.shape[2] / size[1]).astype(int)
    return maps[:, rows[:, None], columns]


def _load_truth(capture: Capture, edit: str, names: Sequence[str], source: np.ndarray, size: tuple[int, int]) -> Truth:
    source_masks = _masks(capture.scene.subset(names).views, size)
    target = capture.edit(edit).truth.subset(names).views
    images = resize_images(load_images(target), size)
    masks = _masks(target, size)
    depths = _resize_nearest(np.stack([load_depth(view) for view in target]), size)
    regions = np.stack([edit_region(before, after) for before, after in zip(source_masks, masks, strict=True)])
    # The plates are made of all true pictures of a camera: more poses uncover more background.
    all_images, all_masks = [source], [source_masks]
    for name, other in capture.edits.items():
        views = other.truth.subset(names).views
        all_images.append(images if name == edit else resize_images(load_images(views), size))
        all_masks.append(masks if name == edit else _masks(views, size))
    plates = tuple(
        clean_plate(np.stack([part[view] for part in all_images]), np.stack([part[view] for part in all_masks]))
        for view in range(len(names))
    )
    return Truth(images, masks, depths, regions, plates)


def _masks(views: Sequence[View], size: tuple[int, int]) -> np.ndarray:
    return _resize_nearest(np.stack([load_mask(view) for view in views]), size)
