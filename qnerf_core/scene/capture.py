"""Captures that bring their edits: target poses or proxies and, for rendered ones, the true pictures of the edits.

Layout: `capture.json`, `transforms.json`, `images/`, `masks/`, `depth/`, perhaps `boundary/` (depth of the scene
without its subject, as `depth/`), a source pose or proxy, and under `edits/<edit>/` a target and the `transforms.json`
of the truth. In `capture.json`, `control` says what edits it: "skeleton" (poses; also where it is missing) or "depth"
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from qnerf_core import assets, files
from qnerf_core.errors import CaptureError
from qnerf_core.scene.capture_settings import captures_folder
from qnerf_core.scene.child import Progress
from qnerf_core.scene.nerfstudio import FILE_NAME, read_transforms
from qnerf_core.scene.opening import open_capture
from qnerf_core.scene.scene import Scene

CAPTURE_FILE = "capture.json"
BOUNDARY_FOLDER = "boundary"

ControlKind = Literal["skeleton", "depth"]

# Of an edit that no capture brings: its target, and beside it the subject as the pictures show it, which goes before
# what the capture says.
TARGET_FILES: dict[ControlKind, str] = {"skeleton": "target_pose.json", "depth": "target_proxy.json"}
SOURCE_FILES: dict[ControlKind, str] = {"skeleton": "source_pose.json", "depth": "source_proxy.json"}


@dataclass(frozen=True)
class EditTarget:
    """An edit that a capture brings.

    Attributes:
        name: For people and the command line.
        control: What the target is: "skeleton" a pose, "depth" a proxy.
        target_path: File of the target pose or proxy.
        truth: The true views of the edited subject, with the cameras of the capture.
    """

    name: str
    control: ControlKind
    target_path: Path
    truth: Scene

    @property
    def pose_path(self) -> Path:
        """File of the target pose.

        Raises:
            CaptureError: The target is a proxy.
        """
        return _of_kind(self.target_path, self.control, "skeleton", f"The edit {self.name}")

    @property
    def proxy_path(self) -> Path:
        """File of the target proxy.

        Raises:
            CaptureError: The target is a pose.
        """
        return _of_kind(self.target_path, self.control, "depth", f"The edit {self.name}")


@dataclass(frozen=True)
class Capture:
    """A scene with its subject's pose or proxy and its edits.

    Attributes:
        scene: The views.
        control: What edits it: "skeleton" poses, "depth" proxies.
        source_path: File of the subject's pose or proxy in the views.
        edits: By name, all of that kind.
    """

    scene: Scene
    control: ControlKind
    source_path: Path
    edits: Mapping[str, EditTarget]

    @property
    def source_pose_path(self) -> Path:
        """File of the subject's pose.

        Raises:
            CaptureError: It is edited by a proxy.
        """
        return _of_kind(self.source_path, self.control, "skeleton", f"The capture {self.scene.name}")

    @property
    def source_proxy_path(self) -> Path:
        """File of the subject's proxy.

        Raises:
            CaptureError: It is edited by poses.
        """
        return _of_kind(self.source_path, self.control, "depth", f"The capture {self.scene.name}")

    def edit(self, name: str) -> EditTarget:
        """Return the edit of that name.

        Args:
            name: One of `edits`.

        Raises:
            CaptureError: There is no such edit.
        """
        if name not in self.edits:
            raise CaptureError(
                f"The capture {self.scene.name} has no edit {name!r}",
                f"its edits are: {', '.join(self.edits) or 'none'}",
                "Choose one of them.",
            )
        return self.edits[name]


class _EditEntry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    pose: str | None = None
    proxy: str | None = None
    truth: str


class _CaptureFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1]
    name: str
    prompt: str
    bounds: tuple[tuple[float, float, float], tuple[float, float, float]] | None = None
    heldout: tuple[str, ...] = ()
    control: ControlKind = "skeleton"
    source_pose: str | None = None
    source_proxy: str | None = None
    edits: dict[str, _EditEntry] = {}


def capture_path(name_or_path: str | Path) -> Path:
    """Return where a capture is that is named or pointed to.

    A text that is the name of a built-in capture means that one, whatever the current folder holds: a run that was made
    with it must mean the same from everywhere.

    Args:
        name_or_path: Name of a built-in capture, or the path of a folder or of a `transforms.json`.

    Raises:
        AssetError: It is neither.
        CaptureError: It is a prepared copy that was deleted.
    """
    if Path(name_or_path).is_relative_to(captures_folder()) and not Path(name_or_path).exists():
        raise CaptureError(
            f"The prepared copy {Path(name_or_path).name} is gone",
            f"there is no {name_or_path}",
            "Open the capture that it was made of again: with the same settings the copy is made anew in its place.",
        )
    if name_or_path in assets.builtin_scenes() or not Path(name_or_path).exists():
        return assets.scene_folder(str(name_or_path))
    return Path(name_or_path)


def load_capture(name_or_folder: str | Path) -> Capture:
    """Load a built-in capture by its name, or a folder that holds a `capture.json`.

    Args:
        name_or_folder: See `capture_path`.

    Returns:
        The capture; its scene and its truths name the same views as kept out.

    Raises:
        AssetError: It is neither a folder nor a built-in capture.
        FileFormatError: A file is missing or not JSON.
        CaptureError: A file's content is wrong.
    """
    folder = capture_path(name_or_folder)
    title = f"Cannot use the capture {folder}"
    try:
        content = _CaptureFile.model_validate(files.read_json(folder / CAPTURE_FILE))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise CaptureError(title, f"{CAPTURE_FILE}: {where}: {first['msg']}", "Correct the file.") from error
    scene = _with_boundaries(_described(read_transforms(folder / FILE_NAME), content), folder)
    unknown = sorted(set(content.heldout) - {view.name for view in scene.views})
    if unknown:
        raise CaptureError(title, f"heldout names unknown views: {', '.join(unknown)}", f"Correct {CAPTURE_FILE}.")
    edits = {name: _edit(name, entry, folder, scene, content) for name, entry in content.edits.items()}
    source = _path(folder, content.control, content.source_pose, content.source_proxy, "source_", title)
    return Capture(scene, content.control, source, edits)


def load_scene(
    name_or_path: str | Path, progress: Progress | None = None, cancelled: Callable[[], bool] | None = None
) -> tuple[Scene, Capture | None]:
    """Load a capture of whatever kind and format: one that brings edits, or only pictures with cameras.

    Args:
        name_or_path: See `capture_path`.
        progress: Told of every picture, if there is anything to prepare.
        cancelled: Asked before every picture.

    Returns:
        The scene, and the capture around it if it is one that brings edits.

    Raises:
        StudioError: It cannot be read.
        Cancelled: It was cancelled; nothing is kept.
    """
    path = capture_path(name_or_path)
    if (path / CAPTURE_FILE).is_file():
        capture = load_capture(path)
        return capture.scene, capture
    return open_capture(path, progress, cancelled), None


def settled_path(
    name_or_path: str, progress: Progress | None = None, cancelled: Callable[[], bool] | None = None
) -> str:
    """Return how a run names a capture so that it means the same for good.

    Args:
        name_or_path: See `capture_path`.
        progress: Told of every picture, if there is anything to prepare.
        cancelled: Asked before every picture.

    Returns:
        The folder of the prepared copy, which no later repair changes; what was given if it needs no copy.

    Raises:
        StudioError: It cannot be read.
        Cancelled: It was cancelled; nothing is kept.
    """
    path = capture_path(name_or_path)
    root = load_scene(path, progress, cancelled)[0].root
    return name_or_path if root in (path, path.parent, path.resolve(), path.resolve().parent) else str(root)


def _edit(name: str, entry: _EditEntry, folder: Path, scene: Scene, content: _CaptureFile) -> EditTarget:
    title = f"Cannot use the edit {name} of {folder}"
    truth = _described(read_transforms(folder / entry.truth), content)
    names = {view.name for view in truth.views}
    missing = [view.name for view in scene.views if view.name not in names]
    if missing:
        raise CaptureError(title, f"the truth lacks the views {', '.join(missing)}", "Render them too.")
    target = _path(folder, content.control, entry.pose, entry.proxy, "", title)
    return EditTarget(name, content.control, target, truth)


def _described(scene: Scene, content: _CaptureFile) -> Scene:
    views = tuple(replace(view, heldout=view.heldout or view.name in content.heldout) for view in scene.views)
    bounds = None if content.bounds is None else np.array(content.bounds)
    return replace(scene, name=content.name, prompt=content.prompt, views=views, bounds=bounds)


def _with_boundaries(scene: Scene, folder: Path) -> Scene:
    paths = {view.name: folder / BOUNDARY_FOLDER / f"{view.name}.png" for view in scene.views}
    views = (
        replace(view, boundary_path=paths[view.name]) if paths[view.name].is_file() else view for view in scene.views
    )
    return replace(scene, views=tuple(views))


def _path(folder: Path, control: ControlKind, pose: str | None, proxy: str | None, prefix: str, title: str) -> Path:
    wanted, name = (pose, "pose") if control == "skeleton" else (proxy, "proxy")
    if wanted is None:
        raise CaptureError(title, f"its control is {control!r} and {prefix}{name} is missing", "Name the file.")
    path = folder / wanted
    if not path.is_file():
        raise CaptureError(title, f"there is no {path.name}", "Check the path in the capture's files.")
    return path


def _of_kind(path: Path, control: ControlKind, wanted: ControlKind, what: str) -> Path:
    if control != wanted:
        names = {"skeleton": "poses", "depth": "depth proxies"}
        raise CaptureError(f"{what} has no {names[wanted]}", f"it is edited by {names[control]}", "Choose another one.")
    return path
