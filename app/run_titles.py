"""What runs are called where people read of them."""

from __future__ import annotations

import time
from pathlib import Path

from qnerf_core.errors import StudioError
from qnerf_core.runs.folder import RunFolder
from qnerf_core.runs.labels import read_label
from qnerf_core.scene.capture import TARGET_FILES


def edit_title(edit: str) -> str:
    """An edit of a run's settings: "Raise arms", or "My pose" for a file."""
    if Path(edit).name in TARGET_FILES.values():
        return "My pose" if Path(edit).name == TARGET_FILES["skeleton"] else "My proxy"
    words = Path(edit).stem.replace("-", " ").replace("_", " ")
    return words[:1].upper() + words[1:]


def run_title(run: Path) -> str:
    """What its label says, or what it edits to; of a damaged one the folder's name."""
    try:
        return read_label(run).title or edit_title(RunFolder(run).spec.edit)
    except StudioError:
        return run.name


def moment(created: float) -> str:
    """When a run began: "Today 14:02", "03 Nov 14:02", or "03 Nov 2025"."""
    if not created:
        return ""
    then, now = time.localtime(created), time.localtime()
    if then[:3] == now[:3]:
        return time.strftime("Today %H:%M", then)
    return time.strftime("%d %b %H:%M" if then.tm_year == now.tm_year else "%d %b %Y", then)
