"""A mark on disk while the program runs, by which the next start sees that it did not end well."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import psutil

from app.paths import data_folder


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
    (_folder() / f"{os.getpid()}.json").write_text(json.dumps(content), encoding="utf-8")


def unmark() -> None:
    (_folder() / f"{os.getpid()}.json").unlink(missing_ok=True)


def crashes() -> list[Crash]:
    """The sessions that ended badly; each is told once."""
    found = []
    for file in sorted(_folder().glob("*.json")):
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            pid, started, project = int(content["pid"]), content["started"], content["project"]
        except (OSError, KeyError, TypeError, ValueError):
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
