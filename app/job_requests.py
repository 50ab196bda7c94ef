"""Jobs made of what the window holds."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.job_state import Job, new_job_id
from qnerf_core.body.pose_file import write_pose
from qnerf_core.errors import SettingsError
from qnerf_core.runs.branching import check_branch
from qnerf_core.runs.folder import POSE_FILE, RunFolder

if TYPE_CHECKING:
    from app.document.document import Document

CUSTOM = "custom"


def edit_job(document: Document, branch_from: tuple[Path, int] | None = None) -> Job:
    """Make the folder of a run of the document's settings, with the pose if it is none of the capture's.

    Raises:
        SettingsError: nothing is open, or the run to branch from was made with other settings than a branch can change.
    """
    project = document.project
    if project is None:
        raise SettingsError("There is nothing to edit", "no project is open", "Open a capture first.")
    folder = project.runs_folder / _run_name(document.edit_name)
    spec = document.spec
    if branch_from is not None:
        source, interval = branch_from
        spec = spec.model_copy(update={"edit": RunFolder(source).spec.edit})
        check_branch(RunFolder(source), interval, spec)
    elif document.edit_name == CUSTOM:
        write_pose(folder / POSE_FILE, document.target_pose)
        spec = spec.model_copy(update={"edit": str(folder / POSE_FILE)})
    else:
        spec = spec.model_copy(update={"edit": document.edit_name})
    request: dict[str, Any] = {"spec": spec.model_dump(mode="json")}
    title = "My pose" if document.edit_name == CUSTOM else document.edit_name
    if branch_from is not None:
        request["branch_from"] = {"run": str(branch_from[0]), "interval": branch_from[1]}
        title = f"{_title_of(spec.edit)}, from interval {branch_from[1] + 1}"
    return Job(new_job_id(), "edit", title, folder, request)


def export_job(run: Path, parts: set[str], out: Path) -> Job:
    request = {"run": str(run), "parts": sorted(parts)}
    return Job(new_job_id(), "export", f"Export {run.name}", out, request)


def fit_job(source: str | Path, out: Path) -> Job:
    """Of a capture (name or folder) or a run."""
    return Job(new_job_id(), "fit", f"NeRF of {Path(source).name}", out, {"source": str(source)})


def _title_of(edit: str) -> str:
    return "My pose" if Path(edit).name == POSE_FILE else Path(edit).stem


def _run_name(edit: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", edit.lower()).strip("-") or "edit"
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{slug}-{new_job_id()[:4]}"
