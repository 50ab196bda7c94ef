"""A job, its record on disk, and its progress in words."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from qnerf_core import files
from qnerf_core.errors import FileFormatError

Kind = Literal["edit", "export", "fit"]
State = Literal["queued", "running", "paused", "finished", "failed", "cancelled"]
KEPT_WHEN_DONE = 30
# Begins a path of a request that lies in the project.
_PROJECT = "$project/"

_STAGES = {
    "loading": "Loading the model",
    "views": "Looking at the views",
    "drafts": "Drafting",
    "encoding": "Reading the pictures",
    "inversion": "Inverting",
    "kept": "Denoising",
    "guidance": "Guiding",
    "look-ahead": "Looking ahead",
    "qnerf": "Fitting the QNeRF",
    "decoding": "Decoding",
    "images": "Writing the pictures",
    "nerf": "Fitting the NeRF",
    "turntable": "Filming the turntable",
    "mesh": "Making the mesh",
}


@dataclass
class Job:
    id: str
    kind: Kind
    title: str
    folder: Path
    request: dict[str, Any]
    state: State = "queued"
    fraction: float = 0.0
    stage: str = ""
    seconds_left: float | None = None
    failure: dict[str, Any] | None = None
    result: dict[str, Any] = field(default_factory=dict)
    created: float = field(default_factory=time.time)

    @property
    def unfinished(self) -> bool:
        return self.state in ("queued", "running", "paused")


def new_job_id() -> str:
    return secrets.token_hex(4)


def record_of(job: Job, project: Path) -> dict[str, Any]:
    # A project that was moved still knows its runs.
    folder = job.folder.relative_to(project) if job.folder.is_relative_to(project) else job.folder
    request = _each_text(job.request, lambda text: _without(text, project))
    return asdict(job) | {"folder": str(folder), "request": request, "seconds_left": None}


def _job_of(record: dict[str, Any], project: Path) -> Job:
    request = _each_text(record["request"], lambda text: _with(text, project))
    return Job(**(record | {"folder": project / record["folder"], "request": request}))


def _without(text: str, project: Path) -> str:
    inside = text.startswith(f"{project}{os.sep}")
    return _PROJECT + Path(text).relative_to(project).as_posix() if inside else text


def _with(text: str, project: Path) -> str:
    return str(project / text.removeprefix(_PROJECT)) if text.startswith(_PROJECT) else text


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _each_text(inner, change) for key, inner in value.items()}
    return [_each_text(inner, change) for inner in value] if isinstance(value, list) else value


def read_jobs(file: Path) -> tuple[list[Job], dict[str, str] | None]:
    """The jobs of a queue file, what was not finished paused; a damaged file is put aside and said so."""
    try:
        content = files.read_json(file)
        jobs = [_job_of(record, file.parent) for record in content["jobs"]]
    except (FileFormatError, KeyError, TypeError) as error:
        aside = file.with_suffix(".damaged.json")
        os.replace(file, aside)
        problem = {"title": "The queue of this project is damaged", "cause": str(error)}
        next_step = f"It was put aside as {aside.name}. Finished runs are not affected; they are in the history."
        return [], problem | {"next_step": next_step, "details": ""}
    for job in jobs:
        if job.unfinished:
            job.state, job.stage = "paused", ""
    return jobs, None


def stage_in_words(event: dict[str, Any]) -> str:
    parts = [_STAGES.get(event["stage"], event["stage"])]
    if event.get("interval") is not None:
        parts.append(f"interval {event['interval'] + 1} of {event['intervals']}")
    if event.get("step") is not None:
        parts.append(f"step {event['step'] + 1}")
    if event.get("views_done"):
        parts.append(f"view {event['views_done']} of {event['views']}")
    return ", ".join(parts)
