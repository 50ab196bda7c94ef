"""Which files an edit is made of, and what they hold."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from qnerf_core.body.model import BodyModel
from qnerf_core.body.pose import BodyPose
from qnerf_core.body.pose_file import FORMAT as POSE_FORMAT
from qnerf_core.body.pose_file import read_pose
from qnerf_core.editing.spec import EditSpec
from qnerf_core.errors import CaptureError, SettingsError
from qnerf_core.files import read_json
from qnerf_core.proxy.files import read_proxy
from qnerf_core.proxy.model import DepthProxy
from qnerf_core.scene.capture import SOURCE_FILES, Capture, ControlKind
from qnerf_core.scene.scene import Scene


@dataclass(frozen=True)
class EditFiles:
    """What an edit is made of on the disk.

    Attributes:
        control: Whether the files hold poses ("skeleton") or proxies ("depth").
        source: The subject as the pictures show it.
        target: The subject after the edit.
    """

    control: ControlKind
    source: Path
    target: Path


def find_edit(spec: EditSpec, scene: Scene, capture: Capture | None) -> EditFiles:
    """Find the files of an edit.

    Args:
        spec: Its `edit` names one of the capture's edits, or a file. What the pictures show is its `source`, or a
            `source_pose.json` or `source_proxy.json` beside that file, or else what the capture says.
        scene: What is edited.
        capture: What came with it.

    Raises:
        CaptureError: There is no such edit or file, or what the pictures show is not known.
        SettingsError: The settings ask for another kind of control.
    """
    files = given_files(spec)
    given = files.target
    if files.source is not None:
        known: tuple[ControlKind, Path] | None = kind_of(files.source), files.source
    else:
        known = None if capture is None else (capture.control, capture.source_path)
    if known is None:
        raise CaptureError(
            f"Cannot edit {scene.name}",
            "what the subject in its pictures looks like is not known",
            "Fit a body to it (fit-body) and give its pose (--source-pose), or put that beside the target's file, "
            f"named {SOURCE_FILES['skeleton']}; the window does so.",
        )
    if given is None and capture is None:
        raise CaptureError(
            f"Cannot edit {scene.name}",
            f"it brings no edits, and there is no file {spec.edit}",
            "Give a pose or proxy file as the edit.",
        )
    kind, source = known
    target = given if given is not None or capture is None else capture.edit(spec.edit).target_path
    assert target is not None
    found = EditFiles(kind, source, target)
    if spec.control.kind not in (None, found.control):
        raise SettingsError(
            f"{scene.name} cannot be edited by {spec.control.kind}",
            f"its control is {found.control}",
            "Leave the kind of control to the capture.",
        )
    return found


def try_to_find_edit(spec: EditSpec, scene: Scene, capture: Capture | None) -> EditFiles | None:
    """Find the files of an edit whose target may be gone: a file deleted since, or an edit the capture has lost.

    Args:
        spec, scene, capture: As for `find_edit`.

    Returns:
        None if the target is not known.

    Raises:
        CaptureError: It is, and what the pictures show is not.
    """
    if Path(spec.edit).is_file() or (capture is not None and spec.edit in capture.edits):
        return find_edit(spec, scene, capture)
    return None


@dataclass(frozen=True)
class GivenFiles:
    """Files that a spec names, or that lie where it says.

    Attributes:
        target: Of the subject after the edit; None if the edit is one of the capture's.
        source: Of the subject as the pictures show it; None if that is what the capture says.
    """

    target: Path | None
    source: Path | None


def given_files(spec: EditSpec) -> GivenFiles:
    """Find the files of an edit that are none of its capture's.

    Args:
        spec: See `find_edit`.

    Raises:
        CaptureError: The file of what the pictures show is missing.
    """
    target = Path(spec.edit) if Path(spec.edit).is_file() else None
    if spec.source is not None:
        if not Path(spec.source).is_file():
            raise CaptureError(
                "What the pictures show is missing",
                f"there is no file {spec.source}",
                "Give the pose or proxy of the subject.",
            )
        return GivenFiles(target, Path(spec.source))
    beside = [] if target is None else [target.with_name(name) for name in SOURCE_FILES.values()]
    return GivenFiles(target, next((path for path in beside if path.is_file()), None))


def kind_of(path: Path) -> ControlKind:
    """Tell whether a file holds a pose ("skeleton") or, as all others are taken to do, a proxy ("depth").

    Args:
        path: The file.

    Raises:
        FileFormatError: It is damaged.
    """
    content = read_json(path) if path.suffix == ".json" else None
    return "skeleton" if isinstance(content, dict) and content.get("format") == POSE_FORMAT else "depth"


def read_states(files: EditFiles) -> tuple[BodyPose | DepthProxy, BodyPose | DepthProxy, BodyModel | None]:
    """Read what an edit's files hold.

    Args:
        files: See `find_edit`.

    Returns:
        The subject before and after, and the body model, which only poses need.

    Raises:
        FileFormatError: A file is damaged.
    """
    if files.control == "skeleton":
        return read_pose(files.source), read_pose(files.target), BodyModel.load()
    return read_proxy(files.source), read_proxy(files.target), None
