"""Starting a run in a folder, or opening the one that it holds to go on with it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from qnerf_core import files
from qnerf_core.editing.edit_files import given_files, kind_of
from qnerf_core.editing.spec import EditSpec
from qnerf_core.errors import RunError
from qnerf_core.runs.folder import FORMAT_VERSION, LOCK_FILE, RUN_FILE, SPEC_FILE, RunFolder
from qnerf_core.runs.provenance import model_hash, versions
from qnerf_core.runs.store import RunStore
from qnerf_core.scene.capture import SOURCE_FILES, TARGET_FILES


def open_run(path: Path | str, spec: EditSpec, *, resume: bool = False) -> RunStore:
    """Create a run, or open one to go on with it.

    Args:
        path: The run's folder; made when missing.
        spec: What to do.
        resume: Go on with the run that the folder holds; a folder without one is started.

    Returns:
        The store, which holds a lock on the folder until it is closed.

    Raises:
        RunError: the folder holds something else, another process works on it, it holds a run and `resume` is false,
            or the run was made with other settings or another model.
    """
    path = Path(path)
    exists = (path / RUN_FILE).is_file()
    if not exists and _holds_something(path):
        raise RunError(f"Cannot use {path} for a run", "it holds something else", "Choose an empty or new folder.")
    if exists and not resume:
        raise RunError(
            f"{path} already holds a run",
            f"its status is {RunFolder(path).status}",
            "Go on with it by --resume, or choose another folder.",
        )
    path.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path / LOCK_FILE)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise RunError(
            f"Cannot use the run {path}", "another process is working on it", "Wait for it or stop it."
        ) from error
    try:
        remove_leftovers(path)
        model = {"backbone": spec.backbone, "sha256": model_hash(spec.backbone, spec.model)}
        if exists:
            _check_same(path, spec, model)
        else:
            _create(path, spec, model)
        return RunStore(path, lock)
    except BaseException:
        lock.release()
        raise


def remove_leftovers(path: Path) -> list[Path]:
    """Remove temporary files that a killed process left behind in a run's folder.

    Returns:
        What was removed.
    """
    leftovers = [file for file in path.rglob(".*.tmp*") if file.is_file()]
    for file in leftovers:
        file.unlink()
    return leftovers


def _holds_something(path: Path) -> bool:
    def known(entry: Path) -> bool:
        # Whoever starts a run may put target and source there first.
        return entry.name.startswith(".") or entry.name in (*TARGET_FILES.values(), *SOURCE_FILES.values())

    return path.is_file() or (path.is_dir() and not all(known(entry) for entry in path.iterdir()))


def _create(path: Path, spec: EditSpec, model: Mapping[str, Any]) -> None:
    content = {
        "version": FORMAT_VERSION,
        "status": "new",
        "created": time.time(),
        "spec": spec.model_dump(mode="json"),
        "seed": spec.seed,
        "model": model,
        "versions": versions(),
        "sessions": [],
        "steps_done": 0,
        "interrupted": False,
    }
    _keep_files(path, spec)
    # `run.json` before `spec.json`: a folder that holds only the other would not be known as a run.
    files.write_json(path / RUN_FILE, content)
    files.write_json(path / SPEC_FILE, content["spec"])


def _keep_files(path: Path, spec: EditSpec) -> None:
    """Copy the files that the spec names into the run: it is understood, and goes on, without them."""
    given = given_files(spec)
    for file, names in ((given.target, TARGET_FILES), (given.source, SOURCE_FILES)):
        own = None if file is None else path / names[kind_of(file)]
        if file is not None and own is not None and not (own.exists() and own.samefile(file)):
            files.write_bytes(own, file.read_bytes())


def _check_same(path: Path, spec: EditSpec, model: Mapping[str, Any]) -> None:
    run = RunFolder(path)
    differences = _differences(run.spec.model_dump(mode="json"), spec.model_dump(mode="json"))
    if differences:
        raise RunError(
            f"Cannot resume the run {path}",
            f"it was started with other settings: {'; '.join(differences)}",
            "Use the settings it was started with, or choose another folder.",
        )
    if run.info["model"] != model:
        raise RunError(
            f"Cannot resume the run {path}",
            "the files of its diffusion model have changed since it began",
            "Start it anew in another folder.",
        )
    if not (path / SPEC_FILE).is_file():
        files.write_json(path / SPEC_FILE, run.info["spec"])


def _differences(before: Mapping[str, Any], after: Mapping[str, Any], prefix: str = "") -> list[str]:
    found = []
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key), after.get(key)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            found += _differences(old, new, f"{prefix}{key}.")
        elif old != new:
            found.append(f"{prefix}{key} was {old!r}, now {new!r}")
    return found
