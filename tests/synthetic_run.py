"""Events of a run that never needed a diffusion model, for tests of everything after the edit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from qnerf_core.editing import events
from qnerf_core.editing.intervals import plan_intervals
from qnerf_core.editing.spec import EditSpec
from qnerf_core.runs.folder import RUN_FILE, RunFolder
from qnerf_core.runs.opening import open_run
from qnerf_core.scene.capture import load_capture
from qnerf_core.scene.scene import load_images

VIEWS = ("000", "001", "002")
STEPS, TAU = 6, 2


def make_backbone(folder: Path) -> Path:
    """A folder that stands for a model where only its bytes matter."""
    folder.mkdir(parents=True)
    (folder / "model_index.json").write_text("{}")
    return folder


def make_spec(scene: Path, backbone: Path, **changes: object) -> EditSpec:
    spec = EditSpec.model_validate({"scene": str(scene), "edit": "up", "backbone": str(backbone), "tau": TAU} | changes)
    return spec.model_copy(update={"diffusion": spec.diffusion.model_copy(update={"steps": STEPS})})


def stream(
    spec: EditSpec, images: torch.Tensor, views: tuple[str, ...] = VIEWS, first: int = 0, run_id: str = "run"
) -> Iterator[events.Event]:
    """A whole run that ends with ``images`` (V, 3, H, W); everything in it follows from the numbers of the steps."""
    plan = plan_intervals(STEPS, TAU, STEPS)
    size = (images.shape[2], images.shape[3])
    shapes = ((4, 2, 2), (4, 4, 4))
    yield events.RunStarted(
        run_id, spec, views, plan, first, tuple(range(STEPS)), ("a", "b"), shapes, "a ball and a box", size
    )
    yield events.StageProgress(run_id, "inversion", None, len(plan), 0, 1, len(views), 0.1)
    if first == 0:
        trajectory = torch.arange(STEPS + 1.0)[:, None, None, None, None].expand(-1, len(views), 4, 2, 2)
        yield events.InversionFinished(run_id, trajectory, {"inversion": 2.0})
    latents = torch.full((len(views), 4, 2, 2), float(STEPS))
    for interval in plan[first:]:
        state = {"grid": torch.full((3,), float(min(interval.index, 1)))}
        if interval.look_ahead:
            queries = tuple(torch.zeros(len(views), *shape) for shape in shapes)
            losses, step = (1.0, float("nan")), interval.look_ahead[-1]
            depth = torch.ones(len(views), 4, 4)
            maps = tuple(torch.zeros(len(views), *shape[1:]) for shape in shapes)
            yield events.FieldFitted(
                run_id,
                interval.index,
                step,
                losses,
                (0.2, 0.2),
                (0.4, 0.2),
                (0.1, 0.1),
                queries,
                queries,
                0.5,
                maps,
                depth,
            )
        latents = torch.full((len(views), 4, 2, 2), float(interval.stop))
        yield events.IntervalFinished(
            run_id, interval.index, interval.stop, latents, state, images * 0.5, (0.3, 0.1), None, {"kept": 1.0}
        )
    yield events.ViewsDecoded(run_id, views, images)
    yield events.RunFinished(run_id, latents, {"kept": 1.0, "decoding": 0.25}, 512.0, {"kept": 18})


def write_run(folder: Path, spec: EditSpec, images: np.ndarray, views: tuple[str, ...] = VIEWS) -> Path:
    """A finished run on disk whose result is ``images`` (V, 3, H, W) in [0, 1]."""
    with open_run(folder, spec) as store:
        for _ in store.consume(stream(spec, torch.from_numpy(images), views)):
            pass
    return folder


def truth_as_result(spec: EditSpec, folder: Path, *, done: list[str]) -> RunFolder:
    """A run whose result is the truth, or the source if its method is independent; those made now go to ``done``."""
    if not (folder / RUN_FILE).is_file():
        done.append(folder.name)
        capture = load_capture(spec.scene)
        names = tuple(view.name for view in capture.scene.training_views)
        views = capture.edit(spec.edit).truth if spec.method == "qnerf" else capture.scene
        write_run(folder, spec, load_images(views.subset(names).views), names)
    return RunFolder(folder)
