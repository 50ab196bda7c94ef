from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from app.paths import data_folder
from qnerf_core import files
from qnerf_core.errors import FileFormatError

PROJECT_FILE = "project.json"
BACKUP_FILE = "project.json.bak"
_MOST = 20


@dataclass(frozen=True)
class RecentProject:
    folder: str
    name: str
    scene: str
    picture: str
    opened: float


def recent_projects() -> list[RecentProject]:
    """The projects opened last that still exist, the latest first."""
    projects = []
    for entry in _entries():
        try:
            project = RecentProject(**entry)
            exists = any((Path(project.folder) / name).is_file() for name in (PROJECT_FILE, BACKUP_FILE))
        except TypeError:
            continue
        if exists:
            projects.append(project)
    return projects


def remember(folder: Path, name: str, scene: str, picture: Path) -> None:
    entry = RecentProject(str(folder), name, scene, str(picture), time.time())
    others = [project for project in recent_projects() if project.folder != entry.folder]
    _write([entry, *others])


def forget(folder: Path) -> None:
    _write([project for project in recent_projects() if project.folder != str(folder)])


def _write(projects: list[RecentProject]) -> None:
    files.write_json(data_folder() / "recent.json", [asdict(project) for project in projects[:_MOST]])


def _entries() -> list[dict[str, Any]]:
    try:
        content = files.read_json(data_folder() / "recent.json")
    except FileFormatError:
        return []
    return [entry for entry in content if isinstance(entry, dict)] if isinstance(content, list) else []
