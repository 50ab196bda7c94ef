from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from pydantic import ValidationError

from app.document import recent
from app.document.migrations import FORMAT, VERSION, NewerProjectError, migrated
from app.document.recent import BACKUP_FILE, PROJECT_FILE
from app.document.state import State
from app.paths import projects_folder
from qnerf_core import assets, files
from qnerf_core.body.keypoints import KEYPOINTS, Keypoints, Sighting
from qnerf_core.body.pose import SMPL_JOINTS
from qnerf_core.body.pose_file import parse_pose, pose_record
from qnerf_core.editing.spec import EditSpec
from qnerf_core.errors import FileFormatError, StudioError
from qnerf_core.proxy.files import proxy_of_record, proxy_record
from qnerf_core.proxy.model import DepthProxy
from qnerf_core.scene.capture import SOURCE_FILES, ControlKind

AUTOSAVE_FILE = "autosave.json"
LOCK_FILE = ".lock"
RUNS_FOLDER = "runs"


class ProjectError(StudioError):
    """A project cannot be read or written."""


@dataclass
class Project:
    """The folder of an open project; held by a lock until it is released."""

    folder: Path
    name: str
    untitled: bool
    lock: FileLock = field(repr=False)

    @property
    def runs_folder(self) -> Path:
        return self.folder / RUNS_FOLDER

    def runs(self) -> list[Path]:
        """Folders of the project's runs, the oldest first."""
        found = self.runs_folder.glob("*/run.json")
        return sorted((file.parent for file in found), key=lambda run: (run.name, str(run)))

    def release(self) -> None:
        self.lock.release()

    def discard(self) -> None:
        """Removes an untitled project, if it is still where the program put it."""
        recent.forget(self.folder)
        if self.untitled and self.folder.parent == projects_folder().resolve():
            shutil.rmtree(self.folder, ignore_errors=True)


@dataclass(frozen=True)
class Content:
    """What `project.json` says."""

    name: str
    untitled: bool
    scene: str
    state: State
    current_view: str | None
    saved: float = 0.0


@dataclass(frozen=True)
class Loaded:
    content: Content
    from_autosave: bool
    notices: tuple[str, ...]


def lock_project(folder: Path) -> FileLock:
    try:
        (folder / RUNS_FOLDER).mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK_FILE)
        lock.acquire(timeout=0)
    except Timeout as error:
        raise ProjectError(
            f"The project {folder.name} is open already", "another window works on it", "Close the other window first."
        ) from error
    except OSError as error:
        raise _cannot("open", folder, error) from error
    return lock


def untitled_folder(name: str) -> Path:
    """A new folder for a project that the user has not named yet."""
    base = re.sub(r"[^\w\-]+", "-", name).strip("-") or "project"
    stamp = time.strftime("%Y-%m-%d-%H%M")
    for number in range(1, 1000):
        folder = projects_folder().resolve() / (f"{base}-{stamp}" + (f"-{number}" if number > 1 else ""))
        try:
            folder.mkdir()
            return folder
        except FileExistsError:
            continue
    raise ProjectError("Cannot make a new project", f"{projects_folder()} is full", "Remove projects from it.")


def write_project(folder: Path, content: Content) -> None:
    """Writes `project.json`; the one that was there becomes the backup, unless it is damaged."""
    path = folder / PROJECT_FILE
    try:
        if path.is_file():
            _keep_as_backup(path)
        _write_json(path, content, folder)
    except OSError as error:
        raise _cannot("save", folder, error) from error


def write_autosave(folder: Path, content: Content) -> None:
    try:
        _write_json(folder / AUTOSAVE_FILE, content, folder)
    except OSError as error:
        raise _cannot("autosave", folder, error) from error


def _write_json(path: Path, content: Content, folder: Path) -> None:
    proxies = filter(None, (content.state.source_proxy, content.state.target_proxy))
    has_mesh = any(part.kind == "mesh" for proxy in proxies for part in proxy.parts)
    # A number a line would make meshes three times as long.
    files.write_json(path, to_record(content, folder), indent=None if has_mesh else 1)


def remove_autosave(folder: Path) -> None:
    (folder / AUTOSAVE_FILE).unlink(missing_ok=True)


def read_project(folder: Path) -> Loaded:
    """Reads a project: what was autosaved after the last save goes first, the backup replaces a damaged file."""
    if not any((folder / name).is_file() for name in (PROJECT_FILE, BACKUP_FILE, AUTOSAVE_FILE)):
        raise ProjectError(
            f"{folder} is not a project", f"there is no {PROJECT_FILE}", "Choose the folder of a project."
        )
    notices: list[str] = []
    failure: StudioError | None = None
    saved: Content | None = None
    for name in (PROJECT_FILE, BACKUP_FILE):
        try:
            saved = read_content(folder / name)
        except NewerProjectError:
            raise
        except StudioError as error:
            failure = failure or error
            continue
        if failure is not None:
            notices.append(f"{PROJECT_FILE} was damaged ({failure.cause}). The version saved before it is open.")
        break
    if (folder / AUTOSAVE_FILE).is_file():
        try:
            autosaved = read_content(folder / AUTOSAVE_FILE)
        except StudioError as error:
            notices.append(f"The autosaved changes cannot be read ({error.cause}). The last save is open.")
        else:
            if saved is None or autosaved.saved >= saved.saved:
                when = time.strftime("%H:%M on %d %b", time.localtime(autosaved.saved))
                notices = [f"The program ended without saving. Your work of {when} is restored; save it to keep it."]
                return Loaded(autosaved, True, tuple(notices))
    if saved is None:
        assert failure is not None
        raise failure
    return Loaded(saved, False, tuple(notices))


def read_content(path: Path) -> Content:
    title = f"Cannot open the project {path.parent}"
    try:
        return from_record(migrated(files.read_json(path), title), path.parent, title)
    except FileFormatError as error:
        raise ProjectError(title, f"{path.name}: {error.cause}", error.next_step) from error


def to_record(content: Content, folder: Path) -> dict[str, Any]:
    state = content.state
    return {
        "format": FORMAT,
        "version": VERSION,
        "saved": content.saved or time.time(),
        "name": content.name,
        "untitled": content.untitled,
        "scene": _stored_path(content.scene, folder),
        "current_view": content.current_view,
        "control": {
            "kind": state.control,
            "source": pose_record(state.source_pose),
            "target": pose_record(state.target_pose),
            "pinned": sorted(state.pinned),
            "proxies": _proxy_records(state),
            "keypoints": [asdict(one) for one in state.keypoints],
        },
        "spec": state.spec.model_dump(mode="json", exclude={"scene", "edit"}),
    }


def from_record(record: Mapping[str, Any], folder: Path, title: str) -> Content:
    try:
        scene = _found_path(record["scene"], folder)
        spec = EditSpec.model_validate({**record["spec"], "scene": scene})
        view, control = record["current_view"], record["control"]
        state = State(
            parse_pose(control["source"], title),
            parse_pose(control["target"], title),
            frozenset(joint for joint in control["pinned"] if joint in SMPL_JOINTS),
            spec,
            keypoints=_keypoints(control),
            control=_kind(control["kind"]),
            **_proxies(control["proxies"], title),
        )
        return Content(
            str(record["name"]), bool(record["untitled"]), scene, state, view if isinstance(view, str) else None,
            float(record["saved"]),
        )  # fmt: skip
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ProjectError(
            title, f"its settings are not understood: {where}: {first['msg']}", _OTHER_VERSION
        ) from error
    except (KeyError, TypeError, ValueError) as error:
        raise ProjectError(title, f"it is incomplete ({error!r})", _OTHER_VERSION) from error


def _proxy_records(state: State) -> dict[str, Any] | None:
    if state.source_proxy is None or state.target_proxy is None:
        return None
    return {"source": proxy_record(state.source_proxy), "target": proxy_record(state.target_proxy)}


def _proxies(records: Mapping[str, Any] | None, title: str) -> dict[str, DepthProxy]:
    if records is None:
        return {}
    return {f"{name}_proxy": proxy_of_record(records[name], title) for name in ("source", "target")}


def _kind(stored: Any) -> ControlKind:
    if stored not in SOURCE_FILES:
        raise ValueError(f"control {stored!r}")
    return "depth" if stored == "depth" else "skeleton"


def _keypoints(control: Mapping[str, Any]) -> Keypoints:
    # Projects had none before there was a fit.
    sightings = (Sighting(**one) for one in control.get("keypoints", ()))
    return Keypoints(tuple(one for one in sightings if one.keypoint in KEYPOINTS))


_OTHER_VERSION = "Open it with the version of the program that made it."


def _stored_path(scene: str, folder: Path) -> dict[str, str]:
    # A project and its capture that are moved together find each other again by the relative path.
    if scene in assets.builtin_scenes():
        return {"builtin": scene}
    return {"path": scene, "relative": os.path.relpath(scene, folder)}


def _found_path(stored: Mapping[str, str], folder: Path) -> str:
    if "builtin" in stored:
        return str(stored["builtin"])
    path = Path(stored["path"])
    moved = Path(os.path.normpath(folder / stored["relative"]))
    return str(moved if not path.exists() and moved.exists() else path)


def _keep_as_backup(path: Path) -> None:
    try:
        read_content(path)
    except StudioError:
        return
    files.write_bytes(path.with_name(BACKUP_FILE), path.read_bytes())


def _cannot(what: str, folder: Path, error: OSError) -> ProjectError:
    reason = error.strerror or str(error)
    return ProjectError(f"Cannot {what} the project {folder}", reason, "Check the folder's permissions and free space.")
