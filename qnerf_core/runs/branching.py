"""A run that goes on from the middle of another one, with other settings."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qnerf_core import files
from qnerf_core.editing.intervals import Interval, plan_intervals
from qnerf_core.editing.spec import EditSpec
from qnerf_core.errors import RunError
from qnerf_core.runs.folder import (
    FORMAT_VERSION,
    INFO_FILE,
    LOG_FILE,
    RUN_FILE,
    SPEC_FILE,
    TRAJECTORY_FILE,
    IntervalRecord,
    RunFolder,
)
from qnerf_core.runs.provenance import versions
from qnerf_core.runs.records import jsonable, read_records
from qnerf_core.runs.scenes import load_run_scene
from qnerf_core.scene.capture import SOURCE_FILES, TARGET_FILES

# What the inversion and the finished intervals were made with. A dotted name means everything below it.
_OF_THE_PAST = (
    "scene",
    "edit",
    "source",
    "views",
    "backbone",
    "model.controlnet",
    "model.lora",
    "model.lora_scale",
    "model.prediction",
    "image_size",
    "tau",
    "progressive",
    "control.style",
    "control.depth_style",
    "control.uncertain_band",
    "diffusion.steps",
    "diffusion.source_branch",
    "diffusion.inversion_prompt",
    "diffusion.guidance.layers",
)
# What the weights of a QNeRF that is taken over fit to.
_OF_THE_FIELD = ("qnerf.grid_detail", "qnerf.fine_features", "qnerf.coarse_features", "qnerf.hidden_width")


def check_branch(source: RunFolder, interval: int, spec: EditSpec) -> None:
    """Make sure that a run can go on from an interval of another one, as far as that is known without reading it all.

    Args:
        source: The other run, in whatever state.
        interval: Index of the last interval to take over.
        spec: Settings of the new run. Guidance, injection, guidance scale, prompt, method, seed and the fit of the
            QNeRF may differ; what the inversion and the finished intervals depend on may not.

    Raises:
        RunError: The interval is not finished, or a setting of the past differs; says which.
    """
    info = source.interval_folder(interval) / INFO_FILE
    if not info.is_file():
        raise RunError(
            f"Cannot go on from interval {interval + 1} of {source.path.name}",
            "it is not finished",
            "Choose a finished interval.",
        )
    fixed = _OF_THE_PAST + (_OF_THE_FIELD if files.read_json(info)["qnerf"] is not None else ())
    before, after = source.spec.model_dump(mode="json"), spec.model_dump(mode="json")
    changed = [name for name in fixed if _value(before, name) != _value(after, name)]
    if changed:
        values = "; ".join(f"{name} was {_value(before, name)!r}, now {_value(after, name)!r}" for name in changed)
        raise RunError(
            f"Cannot go on from interval {interval + 1} of {source.path.name} with these settings",
            f"what is finished was made with others: {values}",
            "Change them back, or start a new run.",
        )
    old = [(entry["start"], entry["stop"]) for entry in source.info["intervals"][: interval + 1]]
    if [(entry.start, entry.stop) for entry in _plan(spec)[: interval + 1]] != old:
        raise RunError(
            f"Cannot go on from interval {interval + 1} of {source.path.name} with these settings",
            f"they cut the steps into other intervals than {', '.join(f'{a}-{b}' for a, b in old)}",
            "Choose the same method, or start a new run.",
        )


def branch_run(source: RunFolder, interval: int, spec: EditSpec, out: Path | str) -> RunFolder:
    """Make a run that has another run's inversion and its intervals up to one behind it.

    Finished files are never written to again, so they are shared (hard links) where the file system can, else copied.
    Go on with the new run as with any other that was stopped: with unchanged settings it ends in the same bytes as the
    source.

    Args:
        source: The other run.
        interval: Index of the last interval to take over.
        spec: Settings of the new run, see `check_branch`.
        out: A new folder, or an empty one.

    Returns:
        The new run; `run.json` names the old one and the interval under ``branched_from``.

    Raises:
        RunError: See `check_branch`; or the interval is damaged, or the folder holds something.
    """
    out = Path(out)
    check_branch(source, interval, spec)
    sound = source.intervals()
    if len(sound) <= interval:
        raise RunError(
            f"Cannot go on from interval {interval + 1} of {source.path.name}",
            f"interval {len(sound) + 1} is damaged",
            "Resume that run first, which makes it anew.",
        )
    record = sound[interval]
    if out.exists() and any(out.iterdir()):
        raise RunError(f"Cannot branch to {out}", "it holds something", "Choose a new folder.")
    for name in (*TARGET_FILES.values(), *SOURCE_FILES.values()):
        if (source.path / name).is_file():
            _share(source.path / name, out / name)
    if Path(spec.edit).name in TARGET_FILES.values():
        spec = spec.model_copy(update={"edit": str(out / Path(spec.edit).name)})
    for name in (TRAJECTORY_FILE, INFO_FILE):
        _share(source.path / "inversion" / name, out / "inversion" / name)
    for index in range(interval + 1):
        folder = source.interval_folder(index)
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                _share(path, out / path.relative_to(source.path))
    _write_log(source, interval, out / LOG_FILE)
    files.write_json(out / SPEC_FILE, spec.model_dump(mode="json"))
    files.write_json(out / RUN_FILE, _info(source, record, spec))
    return RunFolder(out)


def _info(source: RunFolder, record: IntervalRecord, spec: EditSpec) -> dict[str, Any]:
    kept = ("model", "views", "timesteps", "query_layers", "query_shapes", "image_size")
    return {key: source.info[key] for key in kept} | {
        "version": FORMAT_VERSION,
        "status": "cancelled",
        "created": time.time(),
        "spec": spec.model_dump(mode="json"),
        "seed": spec.seed,
        "versions": versions(),
        "prompt": spec.prompt if spec.prompt is not None else load_run_scene(spec.scene)[0].prompt,
        "intervals": jsonable(_plan(spec)),
        "sessions": [],
        "steps_done": record.steps_done,
        "interrupted": False,
        "failure": None,
        "branched_from": {"run": str(source.path.resolve()), "interval": record.index},
    }


def _plan(spec: EditSpec) -> tuple[Interval, ...]:
    consolidate = spec.method == "qnerf"
    return plan_intervals(spec.steps, spec.tau, spec.stop_step, consolidate=consolidate, progressive=spec.progressive)


def _write_log(source: RunFolder, interval: int, path: Path) -> None:
    lines = []
    for record in read_records(source.path / LOG_FILE):
        lines.append(json.dumps(record, ensure_ascii=False) + "\n")
        if record["event"] == "IntervalFinished" and record["interval"] == interval:
            break
    files.write_bytes(path, "".join(lines).encode())


def _share(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        # Another disk, or a file system without links.
        shutil.copyfile(source, target)


def _value(settings: Mapping[str, Any], name: str) -> Any:
    value: Any = settings
    for part in name.split("."):
        value = value[part]
    return value
