from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from app.document.proxies import proxies_close
from app.document.state import close_to
from qnerf_core import assets
from qnerf_core.body.library import PoseLibrary
from qnerf_core.body.pose import BodyPose
from qnerf_core.body.pose_file import read_pose
from qnerf_core.body.surface import BodySurface
from qnerf_core.errors import CaptureError, StudioError
from qnerf_core.proxy.files import read_proxy
from qnerf_core.proxy.model import DepthProxy
from qnerf_core.scene.capture import TARGET_FILES, Capture, ControlKind, load_capture, load_scene
from qnerf_core.scene.child import Progress
from qnerf_core.scene.frame import focus_point
from qnerf_core.scene.nerfstudio import FILE_NAME
from qnerf_core.scene.problems import CaptureReport
from qnerf_core.scene.provenance import is_framed, read_origin, read_provenance
from qnerf_core.scene.scene import Scene
from qnerf_core.scene.validation import inspect_capture

_MOST_PROBLEMS_SHOWN = 8
_STANDING = "stand"


@dataclass(frozen=True, eq=False)
class OpenedScene:
    """A capture as it was found: `name` is what a run's settings call it.

    A capture that is edited by depth proxies has no poses: its body only stands there. What is no capture with edits
    starts with a body, unless it is a set that was edited by a proxy; the user may choose otherwise.
    """

    name: str
    scene: Scene
    capture: Capture | None
    source_pose: BodyPose
    edit_poses: Mapping[str, BodyPose]
    provenance: Mapping[str, Any] | None
    warnings: tuple[str, ...]
    source_proxy: DepthProxy | None = None
    edit_proxies: Mapping[str, DepthProxy] = field(default_factory=dict)

    @property
    def control(self) -> ControlKind:
        if self.capture is not None:
            return self.capture.control
        return "skeleton" if self.source_proxy is None else "depth"

    def edit_of(self, subject: BodyPose | DepthProxy) -> str | None:
        if isinstance(subject, BodyPose):
            return next((name for name, pose in self.edit_poses.items() if close_to(pose, subject)), None)
        return next((name for name, proxy in self.edit_proxies.items() if proxies_close(proxy, subject)), None)


class UnusableCapture(CaptureError):
    """Has errors, some of which the program may repair."""

    def __init__(self, path: Path, report: CaptureReport) -> None:
        super().__init__(f"Cannot use the capture {path}", _listed(report), report.errors[0].next_step)
        self.path = path
        self.report = report


def open_scene(
    name_or_path: str | Path,
    body: BodySurface,
    *,
    check_files: bool = True,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> OpenedScene:
    """Opens a built-in capture by name, the folder of a capture or of photos, or a file of one.

    `check_files` decodes every picture, which takes time with a large capture; without it only the JSON is checked.
    """
    if str(name_or_path) in assets.builtin_scenes():
        name = str(name_or_path)
        return _opened(name, assets.scene_folder(name), body, ())
    path = Path(name_or_path).expanduser()
    if not path.exists():
        known = ", ".join(assets.builtin_scenes())
        raise CaptureError(f"Cannot open {path}", "there is no such file or folder", f"Built in are: {known}.")
    path = path.resolve()
    folder = path if path.is_dir() else path.parent
    warnings = _checked(path, progress, cancelled) if check_files else ()
    name = str(folder if path.is_dir() or path.name == FILE_NAME else path)
    return _opened(name, path, body, warnings, progress, cancelled)


def _checked(path: Path, progress: Progress | None, cancelled: Callable[[], bool] | None) -> tuple[str, ...]:
    report = inspect_capture(path, progress, cancelled)
    if report.usable:
        return tuple(f"{problem.where}: {problem.what}. {problem.next_step}" for problem in report.problems)
    if not report.kind:
        raise CaptureError(f"Cannot open {path}", _listed(report), report.errors[0].next_step)
    raise UnusableCapture(path, report)


def _listed(report: CaptureReport) -> str:
    lines = [f"{problem.where}: {problem.what}" for problem in report.errors[:_MOST_PROBLEMS_SHOWN]]
    more = len(report.errors) - len(lines)
    return "\n".join([*lines, f"and {more} more"] if more else lines)


def _opened(
    name: str,
    path: Path,
    body: BodySurface,
    warnings: tuple[str, ...],
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> OpenedScene:
    folder = path if path.is_dir() else path.parent
    scene, capture = load_scene(path, progress, cancelled)
    origin = read_origin(scene.root) if capture is None else None
    if origin is not None and scene.root != folder:
        # The prepared copy is what runs are made with: it never changes, whatever is repaired later on.
        name = str(scene.root)
    provenance = read_provenance(folder) if (folder / FILE_NAME).is_file() else None
    poses: dict[str, BodyPose] = {}
    proxies: dict[str, DepthProxy] = {}
    source: BodyPose | None = None
    source_proxy: DepthProxy | None = None
    if capture is None:
        subject = _subject_of_edited_set(provenance)
        if isinstance(subject, BodyPose):
            source = subject
        else:
            source_proxy = subject
    elif capture.control == "skeleton":
        source = read_pose(capture.source_pose_path)
        poses = {edit: read_pose(target.pose_path) for edit, target in capture.edits.items()}
    else:
        source_proxy = read_proxy(capture.source_proxy_path)
        proxies = {edit: read_proxy(target.proxy_path) for edit, target in capture.edits.items()}
    pose = source or _standing(scene, body, framed=origin is not None and is_framed(origin))
    return OpenedScene(name, scene, capture, pose, poses, provenance, warnings, source_proxy, proxies)


def _subject_of_edited_set(provenance: Mapping[str, Any] | None) -> BodyPose | DepthProxy | None:
    """An exported set shows the subject as its run's target shaped it, if that can still be found."""
    spec = provenance.get("spec") if provenance else None
    if not isinstance(spec, dict):
        return None
    edit, scene = str(spec.get("edit", "")), str(spec.get("scene", ""))
    try:
        if Path(edit).is_file():
            return read_proxy(edit) if Path(edit).name == TARGET_FILES["depth"] else read_pose(edit)
        target = load_capture(scene).edit(edit)
        return read_pose(target.target_path) if target.control == "skeleton" else read_proxy(target.target_path)
    except StudioError:
        return None


def _standing(scene: Scene, body: BodySurface, *, framed: bool) -> BodyPose:
    library = PoseLibrary(assets.poses_folder(), assets.poses_folder())
    pose = library.load(_STANDING) if _STANDING in library.names() else BodyPose.rest()
    pose = body.on_floor(pose)
    pelvis = body.joints(pose)[0]
    if framed:
        return pose.replaced(translation=pose.translation - np.array([pelvis[0], pelvis[1], 0.0]))
    if scene.bounds is not None:
        centre = scene.bounds.mean(axis=0)
        floor = float(scene.bounds[0, 2])
    else:
        centre = centre_of_views(scene)
        floor = float(centre[2] - pelvis[2])
    shift = np.array([centre[0] - pelvis[0], centre[1] - pelvis[1], floor])
    return pose.replaced(translation=pose.translation + shift)


def centre_of_views(scene: Scene) -> np.ndarray:
    """(3,) the point nearest to all viewing axes."""
    return focus_point([view.camera for view in scene.views])
