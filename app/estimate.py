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
from qnerf_core.models.facts import ModelFacts, activation_bytes
from qnerf_core.models.measured import StepCost
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
# For a pixel of a view: pictures, control images, depths and drafts, while they are made; measured at 512 px.
_INPUT_BYTES = 105.0
# Of a step, in those of a step that is not guided; see `Bookkeeping`.
_GUIDED_COST = 2.3
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
    known = _timings().get(_place(spec))
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
    content = _content()
    timings, place = content["seconds_per_unit"], _place(spec)
    timings[place] = (timings[place] + measured) / 2 if place in timings else measured
    files.write_json(data_folder() / TIMINGS_FILE, content)


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
    gradient = spec.method == "qnerf"
    one = _measured_memory(spec, pixels)
    if one is None:
        latent_size = size[0] // 8, size[1] // 8
        one = activation_bytes(facts.channels[0], latent_size, 4, twice=False, gradient=gradient)
    total = _PROGRAM_BYTES + facts.weights + views * pixels * _INPUT_BYTES
    if injection.enabled and features <= injection.memory_limit_mb * 1e6:
        total += features
    if gradient:
        total += queries * views * _QUERY_COPIES
    return round(total + one * batch)


def learn(spec: EditSpec, cost: StepCost) -> None:
    """Remember what steps of a model cost on this machine."""
    share = cost.size[0] * cost.size[1] / _REFERENCE_PIXELS
    content = _content()
    place = _place(spec)
    content["seconds_per_unit"][place] = (cost.plain + cost.guided) / (1.0 + _GUIDED_COST) / share
    content["bytes_per_view"][place] = cost.memory / share
    files.write_json(data_folder() / TIMINGS_FILE, content)


def _measured_memory(spec: EditSpec, pixels: int) -> float | None:
    bytes_per_view = _content()["bytes_per_view"].get(_place(spec))
    return None if bytes_per_view is None else bytes_per_view * pixels / _REFERENCE_PIXELS


def _place(spec: EditSpec) -> str:
    model = spec.model
    ways = [name for name in ("slicing", "tiling", "offload") if getattr(model, name)]
    chosen = [] if model.precision == "auto" else [model.precision]
    return ", ".join([spec.backbone, f"{os.cpu_count()} cores", *chosen, *ways])


def _timings() -> dict[str, float]:
    return _content()["seconds_per_unit"]


def _content() -> dict[str, Any]:
    empty: dict[str, Any] = {"version": 1, "seconds_per_unit": {}, "bytes_per_view": {}}
    try:
        content = files.read_json(data_folder() / TIMINGS_FILE)
        return empty | {key: dict(content[key]) for key in ("seconds_per_unit", "bytes_per_view") if key in content}
    except (StudioError, KeyError, TypeError, ValueError):
        # None yet, or damaged: the next run measures anew.
        return empty
