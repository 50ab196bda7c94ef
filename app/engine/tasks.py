"""What the engine can be asked to do. Every request is plain JSON; every result is on the disk when it returns."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.results import export_results, fit_nerf, share_done
from qnerf_core import files
from qnerf_core.editing import consolidate, events
from qnerf_core.editing.edit_files import find_edit
from qnerf_core.editing.inputs import Watch, prepare
from qnerf_core.editing.spec import EditSpec
from qnerf_core.errors import Cancelled, StudioError
from qnerf_core.runs.branching import branch_run
from qnerf_core.runs.folder import RUN_FILE, RunFolder
from qnerf_core.runs.opening import open_run
from qnerf_core.scene.capture import TARGET_FILES, load_scene

if TYPE_CHECKING:
    from app.engine.service import Context

    Task = Callable[[dict[str, Any], Context], dict[str, Any]]


def edit(request: dict[str, Any], job: Context) -> dict[str, Any]:
    """Start a run in a folder, or go on with the one it holds."""
    job.progress("loading", 0.0)
    folder = Path(request["folder"])
    spec = _spec(request, folder)
    control = find_edit(spec, *load_scene(spec.scene)).control
    watch = Watch(job.preparing, job.cancelled)
    inputs = prepare(spec, backbone=job.models.of(spec.backbone, control, spec.model), watch=watch)
    with open_run(folder, spec, resume=True) as store:
        stream = consolidate.run(
            inputs, spec, run_id=secrets.token_hex(4), resume=store.resume_state(), cancelled=job.cancelled
        )
        for event in store.consume(stream):
            job.event(event)
            if isinstance(event, events.RunFailed):
                kind = Cancelled if event.cancelled else StudioError
                raise kind(event.title, event.cause, event.next_step)
    return {"run": str(folder), "seconds": store.info["seconds"], "peak_memory_mb": store.info["peak_memory_mb"]}


def _spec(request: dict[str, Any], folder: Path) -> EditSpec:
    if not (folder / RUN_FILE).is_file():
        spec = EditSpec.model_validate(request["spec"])
        origin = request.get("branch_from")
        for name, record in request.get("files", {}).items():
            files.write_json(folder / name, record)
        if origin is None:
            name = Path(spec.edit).name
            return spec.model_copy(update={"edit": str(folder / name)}) if name in TARGET_FILES.values() else spec
        branch_run(RunFolder(origin["run"]), origin["interval"], spec, folder)
    return RunFolder(folder).spec


def export(request: dict[str, Any], job: Context) -> dict[str, Any]:
    """Write images, NeRF, turntable and mesh of a run."""
    parts = request["parts"]

    def show(part: str, fraction: float, detail: str) -> None:
        job.progress(part, share_done(parts, part, fraction), detail)

    run, out = Path(request["run"]), Path(request["folder"])
    exported = export_results(run, out, parts, show, job.cancelled, interval=request.get("interval"))
    made = {name: str(path) for name, path in exported.made.items()}
    return {"made": made, "nerf_psnr": exported.nerf_psnr}


def fit(request: dict[str, Any], job: Context) -> dict[str, Any]:
    """Fit a NeRF to a capture or to the result of a run."""
    fitted = fit_nerf(request["source"], Path(request["folder"]), job.progress, job.cancelled)
    return {"made": {"nerf": request["folder"]}, "nerf_psnr": fitted.quality["psnr"]}


TASKS: dict[str, Task] = {"edit": edit, "export": export, "fit": fit}
