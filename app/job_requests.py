"""Jobs made of what the window holds."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.job_state import Job, new_job_id
from app.model_store import equipped
from app.run_titles import edit_title
from qnerf_core.body.pose import BodyPose
from qnerf_core.body.pose_file import pose_record
from qnerf_core.errors import SettingsError
from qnerf_core.proxy.files import proxy_record
from qnerf_core.runs.branching import check_branch
from qnerf_core.runs.folder import RunFolder
from qnerf_core.scene.capture import SOURCE_FILES, TARGET_FILES

if TYPE_CHECKING:
    from app.document.document import Document
    from qnerf_core.proxy.model import DepthProxy

CUSTOM = "custom"


def edit_job(document: Document, branch_from: tuple[Path, int] | None = None) -> Job:
    """Of the document's settings, with its poses or proxies if they are none of the capture's.

    Raises:
        BackboneError: several ControlNets fit the model.
        SettingsError: nothing is open, there is no proxy yet, or the run to branch from was made with other settings
            than a branch can change.
    """
    project = document.project
    if project is None:
        raise SettingsError("There is nothing to edit", "no project is open", "Open a capture first.")
    if document.control == "depth" and not (document.source_proxy.parts and document.target_proxy.parts):
        raise SettingsError(
            "There is no proxy to edit by",
            "nothing says yet where the subject is",
            "Fit one to the photos in the Proxy tab, or add boxes around the subject.",
        )
    folder = project.runs_folder / _run_name(document.edit_name)
    spec = equipped(document.spec, document.control)
    own_files: dict[str, Any] = {}
    if branch_from is not None:
        source, interval = branch_from
        began = RunFolder(source)
        spec = spec.model_copy(update={"edit": began.spec.edit, "source": began.spec.source})
        check_branch(began, interval, spec)
    elif document.edit_name == CUSTOM or document.source_is_own:
        after, before = TARGET_FILES[document.control], SOURCE_FILES[document.control]
        spec = spec.model_copy(update={"edit": str(folder / after)})
        # The engine writes them, for the disk may take its time.
        own_files = {after: _record(document.target_subject), before: _record(document.source_subject)}
    request: dict[str, Any] = {"spec": spec.model_dump(mode="json"), "files": own_files}
    title = edit_title(spec.edit)
    if branch_from is not None:
        request["branch_from"] = {"run": str(branch_from[0]), "interval": branch_from[1]}
        title += f", from interval {branch_from[1] + 1}"
    return Job(new_job_id(), "edit", title, folder, request)


def export_job(run: Path, parts: set[str], out: Path, interval: int | None = None) -> Job:
    request: dict[str, Any] = {"run": str(run), "parts": sorted(parts)}
    title = f"Export of {edit_title(RunFolder(run).spec.edit)}"
    if interval is not None:
        request["interval"] = interval
        title += f", interval {interval + 1}"
    return Job(new_job_id(), "export", title, out, request)


def fit_job(source: str | Path, out: Path) -> Job:
    """Of a capture (name or folder) or a run."""
    return Job(new_job_id(), "fit", f"NeRF of {Path(source).name}", out, {"source": str(source)})


def _record(subject: BodyPose | DepthProxy) -> dict[str, Any]:
    return pose_record(subject) if isinstance(subject, BodyPose) else proxy_record(subject)


def _run_name(edit: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", edit.lower()).strip("-") or "edit"
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{slug}-{new_job_id()[:4]}"
