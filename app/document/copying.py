from __future__ import annotations

import os
import shutil
from pathlib import Path

from filelock import FileLock, Timeout

from app.document.project import AUTOSAVE_FILE, BACKUP_FILE, LOCK_FILE, PROJECT_FILE, RUNS_FOLDER, ProjectError

# Everything else in a project is replaced as a whole when it changes, so that two projects can share the file.
_APPENDED = ".jsonl"


def copy_project(source: Path, folder: Path) -> None:
    """Copies a project's runs and poses into a new or empty folder; large files are shared where the disk allows."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ProjectError(f"Cannot save the project as {folder}", "it holds something else", "Choose a new folder.")
    if folder.is_relative_to(source):
        raise ProjectError(f"Cannot save the project as {folder}", "it lies inside the project", "Choose another.")
    _refuse_while_running(source)
    ignored = shutil.ignore_patterns(LOCK_FILE, AUTOSAVE_FILE, BACKUP_FILE, PROJECT_FILE, ".*.tmp*")
    try:
        shutil.copytree(source, folder, ignore=ignored, copy_function=_share_or_copy, dirs_exist_ok=True)
    except (OSError, shutil.Error) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise ProjectError(
            f"Cannot save the project as {folder}", str(error), "Check the folder's permissions and free space."
        ) from error


def _share_or_copy(source: str, target: str) -> None:
    if not source.endswith(_APPENDED):
        try:
            os.link(source, target)
            return
        except OSError:
            pass
    shutil.copy2(source, target)


def _refuse_while_running(source: Path) -> None:
    for file in (source / RUNS_FOLDER).glob(f"*/{LOCK_FILE}"):
        lock = FileLock(file)
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise ProjectError(
                "The project cannot be copied now",
                f"the run {file.parent.name} is being computed",
                "Wait or cancel it.",
            ) from error
        lock.release()
