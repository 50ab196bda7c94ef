"""A mark on disk while the program runs, by which the next start sees that it did not end well."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import psutil

from app.paths import data_folder
from qnerf_core import files
from qnerf_core.errors import FileFormatError


@dataclass(frozen=True)
class Crash:
    """A session that ended without closing; `project` was open in it."""

    project: Path | None


def _folder() -> Path:
    folder = data_folder() / "sessions"
    folder.mkdir(exist_ok=True)
    return folder


def mark(project: Path | None) -> None:
    """Say that this process runs, with this project open."""
    content = {"pid": os.getpid(), "started": _started(os.getpid()), "project": str(project) if project else None}
    files.write_json(_folder() / f"{os.getpid()}.json", content)


def unmark() -> None:
    (_folder() / f"{os.getpid()}.json").unlink(missing_ok=True)


def crashes() -> list[Crash]:
    """The sessions that ended badly; each is told once."""
    found = []
    for file in sorted(_folder().glob("*.json")):
        try:
            content = files.read_json(file)
            pid, started, project = int(content["pid"]), content["started"], content["project"]
        except (FileFormatError, KeyError, TypeError, ValueError):
            file.unlink(missing_ok=True)
            continue
        if _started(pid) != started:
            file.unlink(missing_ok=True)
            found.append(Crash(Path(project) if project else None))
    return found


def _started(pid: int) -> float | None:
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return None
