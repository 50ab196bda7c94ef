"""What an edit will cost in time, memory and disk, before it starts."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import psutil

from app.paths import data_folder
from qnerf_core import files
from qnerf_core.editing.bookkeeping import Bookkeeping
from qnerf_core.editing.events import RunStarted
from qnerf_core.editing.intervals import plan_intervals
from qnerf_core.editing.spec import EditSpec
from qnerf_core.errors import StudioError
from qnerf_core.models import facts
from qnerf_core.models.facts import ModelFacts
from qnerf_core.runs.disk import estimate_disk_bytes
from qnerf_core.runs.provenance import backbone_place

if TYPE_CHECKING:
    from app.document.document import Document
    from qnerf_core.scene.scene import Scene

TIMINGS_FILE = "timings.json"
# Measured with the built-in model: 24 views of 256 px, on two AVX2 cores.
_SECONDS_PER_UNIT = 0.11
_MEASURED_CORES, _MEASURED_WEIGHTS = 2, 21.8e6
_REFERENCE_PIXELS = 256 * 256
_PROGRAM_BYTES = 450e6
_ACTIVATION_BYTES = 45e6 / 64  # of one view of the reference size, per channel of the finest level
_WITH_GRADIENT = 1.9
_QUERY_COPIES = 5


class Estimate(NamedTuple):
    seconds: float
    bytes: int  # on the disk
    memory: int
    measured: bool = False  # the time is from a run on this machine


def estimate_edit(document: Document) -> Estimate:
    """Of the document's settings.

    Raises:
        StudioError: nothing is open, or the model's folder is not complete.
    """
    scene = document.scene
    if scene is None:
        raise StudioError("There is nothing to estimate", "no project is open", "Open a capture first.")
    return estimate(document.spec, scene)


def estimate(spec: EditSpec, scene: Scene) -> Estimate:
    known_model = model_facts(spec.backbone)
    views = len(scene.training_views) if spec.views is None else spec.views
    count = views if isinstance(views, int) else len(views)
    camera = scene.views[0].camera
    longer = spec.image_size or known_model.image_size
    scale = longer / max(camera.width, camera.height)
    size = round(camera.height * scale), round(camera.width * scale)
    known = _timings().get(_place(spec.backbone))
    per_unit = known if known is not None else _guess(known_model)
    if spec.diffusion.guidance_scale > 1.0:
        per_unit *= 1.6
    pixels = size[0] * size[1] / _REFERENCE_PIXELS
    seconds = per_unit * pixels * _units(spec, count)
    disk, memory = _disk(spec, count, size, known_model), _memory(spec, count, size, known_model)
    return Estimate(seconds, disk, memory, known is not None)


def remember(run: Mapping[str, Any]) -> None:
    """Learn from a finished run (the content of its `run.json`) how fast this machine is."""
    spec = EditSpec.model_validate(run["spec"])
    height, width = run["image_size"]
    units = _units(spec, len(run["views"])) * height * width / _REFERENCE_PIXELS
    if spec.diffusion.guidance_scale > 1.0 or len(run["sessions"]) != 1:
        return
    measured = sum(run["seconds"].values()) / units
    timings = _timings()
    place = _place(spec.backbone)
    timings[place] = (timings[place] + measured) / 2 if place in timings else measured
    files.write_json(data_folder() / TIMINGS_FILE, {"version": 1, "seconds_per_unit": timings})


def free_memory() -> int:
    return int(psutil.virtual_memory().available)


def free_disk(folder: Path) -> int:
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    return shutil.disk_usage(existing).free


@lru_cache(maxsize=8)
def model_facts(backbone: str) -> ModelFacts:
    """Read from the model's configuration.

    Raises:
        StudioError: it is not there, or not complete.
    """
    return facts.model_facts(backbone_place(backbone))


def _units(spec: EditSpec, views: int) -> float:
    plan = plan_intervals(
        spec.steps, spec.tau, spec.stop_step, consolidate=spec.method == "qnerf", progressive=spec.progressive
    )
    return Bookkeeping("", spec, plan, views).total


def _guess(facts: ModelFacts) -> float:
    cores = os.cpu_count() or 1
    return _SECONDS_PER_UNIT * max(facts.unet_weights / _MEASURED_WEIGHTS, 0.1) * _MEASURED_CORES / cores


def _disk(spec: EditSpec, views: int, size: tuple[int, int], facts: ModelFacts) -> int:
    plan = plan_intervals(
        spec.steps, spec.tau, spec.stop_step, consolidate=spec.method == "qnerf", progressive=spec.progressive
    )
    shapes = tuple((c, size[0] // (8 * r), size[1] // (8 * r)) for c, r in facts.query_layers)
    names, steps = ("",) * views, tuple(range(spec.steps))
    return estimate_disk_bytes(RunStarted("", spec, names, plan, 0, steps, (), shapes, "", size))


def _memory(spec: EditSpec, views: int, size: tuple[int, int], facts: ModelFacts) -> int:
    pixels = size[0] * size[1]
    latents = pixels // 64
    queries = sum(channels * latents // reduction**2 for channels, reduction in facts.query_layers) * 4
    coarsest = max(reduction for _, reduction in facts.query_layers)
    fed = sum(channels * latents // reduction**2 for channels, reduction in facts.query_layers if reduction < coarsest)
    injection = spec.diffusion.injection
    features = fed * 4 * views * spec.steps * (1 - injection.start_fraction)
    batch = min(spec.diffusion.view_batch, views) * (2 if spec.diffusion.guidance_scale > 1 else 1)
    activations = _ACTIVATION_BYTES * facts.channels[0] * batch * pixels / _REFERENCE_PIXELS
    total = _PROGRAM_BYTES + facts.weights + views * pixels * 3 * 4 * 2
    if injection.enabled and features <= injection.memory_limit_mb * 1e6:
        total += features
    if spec.method == "qnerf":
        return round(total + activations * _WITH_GRADIENT + queries * views * _QUERY_COPIES)
    return round(total + activations)


def _place(backbone: str) -> str:
    return f"{backbone}, {os.cpu_count()} cores"


def _timings() -> dict[str, float]:
    try:
        return dict(files.read_json(data_folder() / TIMINGS_FILE)["seconds_per_unit"])
    except (StudioError, KeyError, TypeError, ValueError):
        # None yet, or damaged: the next run measures anew.
        return {}
