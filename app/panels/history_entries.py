from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.run_titles import edit_title, moment
from qnerf_core import files
from qnerf_core.errors import FileFormatError
from qnerf_core.runs.folder import RUN_FILE
from qnerf_core.runs.labels import RunLabel, read_label

METHODS = {"qnerf": "QNeRF", "independent": "Independent"}


@dataclass(frozen=True)
class RunEntry:
    """A run as the history lists it."""

    path: Path
    label: RunLabel
    edit: str = ""
    method: str = ""
    status: str = ""
    seed: int = 0
    views: int = 0
    created: float = 0.0
    branched: bool = False
    thumbnail: Path | None = None
    size: int = 0
    problem: str = ""

    @property
    def title(self) -> str:
        return self.label.title or self.edit or self.path.name

    @property
    def when(self) -> str:
        return moment(self.created)

    @property
    def words(self) -> str:
        """All that a search looks through."""
        return " ".join((self.title, self.path.name, self.label.note, self.method, self.status)).lower()


def scan_runs(folder: Path) -> list[RunEntry]:
    """The runs in a folder, newest first; damaged ones too."""
    found = [_entry(path.parent) for path in folder.glob(f"*/{RUN_FILE}")]
    return sorted(found, key=lambda entry: (entry.created, entry.path.name), reverse=True)


def _entry(run: Path) -> RunEntry:
    label, size = read_label(run), disk_use(run)
    try:
        info: Any = files.read_json(run / RUN_FILE)
        spec = info["spec"]
        views = info.get("views", [])
        return RunEntry(
            run,
            label,
            edit=edit_title(str(spec["edit"])),
            method=METHODS.get(spec["method"], str(spec["method"])),
            status=str(info["status"]),
            seed=int(spec["seed"]),
            views=len(views),
            created=float(info.get("created", 0.0)),
            branched="branched_from" in info,
            thumbnail=_thumbnail(run, views),
            size=size,
        )
    except FileFormatError as error:
        return RunEntry(run, label, status="damaged", size=size, problem=error.cause)
    except (AttributeError, KeyError, TypeError, ValueError):
        return RunEntry(run, label, status="damaged", size=size, problem=f"{RUN_FILE} lacks what a run must have")


def _thumbnail(run: Path, views: list[str]) -> Path | None:
    """The first view's newest picture."""
    if not views:
        return None
    intervals = sorted((run / "intervals").glob(f"*/previews/{views[0]}.jpg"), reverse=True)
    candidates = [run / "edited" / f"{views[0]}.png", *intervals]
    return next((path for path in candidates if path.is_file()), None)


def disk_use(folder: Path) -> int:
    """Bytes that deleting a folder gives back; a file that another run shares counts by its share."""
    total = 0.0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                status = os.lstat(os.path.join(root, name))
            except OSError:
                continue
            total += status.st_size / max(1, status.st_nlink)
    return round(total)


def in_bytes(size: int) -> str:
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= scale:
            return f"{size / scale:.1f} {unit}" if size < 10 * scale else f"{size / scale:.0f} {unit}"
    return f"{size} B"
