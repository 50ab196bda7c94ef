"""Inspecting a capture: every problem at once, before anything is computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from qnerf_core import files
from qnerf_core.errors import Cancelled, CaptureError, FileFormatError, StudioError
from qnerf_core.scene.camera import Camera
from qnerf_core.scene.capture import CAPTURE_FILE, load_capture
from qnerf_core.scene.capture_settings import CaptureSettings, read_settings
from qnerf_core.scene.child import Progress
from qnerf_core.scene.frame import focus_point, up_of_cameras
from qnerf_core.scene.opening import source_of
from qnerf_core.scene.pictures import decode, read_header
from qnerf_core.scene.problems import CaptureReport, Problem, Repair, Severity
from qnerf_core.scene.raw import RawCapture, RawView
from qnerf_core.scene.readers import parse

_LOOK_SIDE = 256
_UPRIGHT = 0.8
_NEAREST, _FARTHEST = 0.3, 30.0
_FEWEST_VIEWS = 3
_OVERLAP_GRID = 12
_OVERLAP_DEPTHS = 16
_OVERLAP_SHARE = 0.05


def inspect_capture(
    path: Path | str, progress: Progress | None = None, cancelled: Callable[[], bool] | None = None
) -> CaptureReport:
    """List everything wrong with a capture of any kind; never raises for a bad one.

    Checked: the files and their types, poses, intrinsics, paths, that every picture, mask and depth can be decoded and
    has the camera's size, duplicate and empty pictures, cameras at one place, view cones that meet no other, and
    whether the subject stands where the window expects it. The repairs chosen earlier are applied.

    Args:
        path: The folder of a capture, or a file of one.
        progress: Told of every picture.
        cancelled: Asked as often, and for every camera.

    Returns:
        All problems, in the order of the file.

    Raises:
        Cancelled: It was.
    """
    path = Path(path)
    try:
        settings = read_settings(source_of(path))
        raw = parse(path, settings, cancelled)
    except FileFormatError as error:
        return CaptureReport((Problem("error", error.title.rsplit("/", 1)[-1], error.cause, error.next_step),))
    except CaptureError as error:
        return CaptureReport((Problem("error", path.name, error.cause or error.title, error.next_step),))
    problems = list(raw.problems)
    seen: dict[str, str] = {}
    for index, view in enumerate(raw.views):
        _go_on(cancelled)
        problems.extend(_picture_problems(view, seen))
        problems.extend(_mask_problems(view))
        problems.extend(_depth_problems(view))
        if progress is not None:
            progress("Looking at pictures", index + 1, len(raw.views))
    problems.extend(_camera_problems(raw, settings, cancelled))
    points = 0 if raw.points is None else len(raw.points)
    names = tuple(model.name for model in raw.models)
    report = CaptureReport(tuple(problems), raw.kind, len(raw.views), points, names)
    if not (path.is_dir() and (path / CAPTURE_FILE).exists()):
        return report
    # What a capture.json tells of its frames would not fit to repaired ones.
    problems = [replace(problem, repair=None) for problem in problems]
    if not CaptureReport(tuple(problems)).errors:
        problems.extend(_capture_problems(path))
    return replace(report, problems=tuple(problems))


def _capture_problems(folder: Path) -> list[Problem]:
    try:
        load_capture(folder)
    except StudioError as error:
        return [Problem("error", CAPTURE_FILE, error.cause or error.title, error.next_step)]
    return []


def _picture_problems(view: RawView, seen: dict[str, str]) -> list[Problem]:
    skip = Repair("skip", view.key)
    try:
        header = read_header(view.image_path)
        pixels = decode(view.image_path, _LOOK_SIDE)[0]
    except FileFormatError as error:
        what = f"its picture {view.image_path.name}: {error.cause}"
        return [Problem("error", view.name, what, error.next_step, skip)]
    problems = []
    size = (view.lens.width, view.lens.height)
    if size not in ((header.width, header.height), header.upright_size):
        problems.append(_wrong_size(view, "picture", (header.width, header.height)))
    if pixels.min() == pixels.max():
        problems.append(Problem("warning", view.name, "its picture is empty (one colour)", "Remove the frame.", skip))
    digest = files.sha256_of(view.image_path)
    if digest in seen:
        what = f"its picture is the same as that of {seen[digest]}"
        problems.append(Problem("warning", view.name, what, "Remove one of the two frames.", skip))
    seen.setdefault(digest, view.name)
    return problems


def _mask_problems(view: RawView) -> list[Problem]:
    if view.mask_path is None:
        return []
    try:
        pixels = files.read_raw_image(view.mask_path, mode="L")
    except FileFormatError as error:
        return [Problem("error", view.name, f"its mask: {error.cause}", error.next_step, Repair("skip", view.key))]
    problems = _size_problems(view, "mask", pixels)
    if not (pixels > 127).any():
        problems.append(Problem("warning", view.name, "its mask is empty", "Check that the subject is in the view."))
    return problems


def _depth_problems(view: RawView) -> list[Problem]:
    if view.depth_path is None:
        return []
    skip = Repair("skip", view.key)
    try:
        pixels = files.read_raw_image(view.depth_path)
    except FileFormatError as error:
        return [Problem("error", view.name, f"its depth: {error.cause}", error.next_step, skip)]
    if pixels.ndim != 2 or pixels.dtype.itemsize < 2:
        what, step = "its depth is not a 16-bit grey PNG", "Store millimetres in 16 bits."
        return [Problem("error", view.name, what, step, skip)]
    problems = _size_problems(view, "depth", pixels)
    if not pixels.any():
        problems.append(Problem("warning", view.name, "its depth is unknown everywhere", "Remove the depth picture."))
    return problems


def _size_problems(view: RawView, kind: str, pixels: np.ndarray) -> list[Problem]:
    height, width = pixels.shape[:2]
    if (width, height) == (view.lens.width, view.lens.height):
        return []
    return [_wrong_size(view, kind, (width, height))]


def _wrong_size(view: RawView, kind: str, size: tuple[int, int]) -> Problem:
    what = f"its {kind} has {size[0]}x{size[1]} pixels, its intrinsics say {view.lens.width}x{view.lens.height}"
    step = "Correct the intrinsics or resize the file."
    return Problem("error", view.name, what, step, Repair("skip", view.key))


def _go_on(cancelled: Callable[[], bool] | None) -> None:
    if cancelled is not None and cancelled():
        raise Cancelled("Looking at the capture is stopped", "nothing was changed", "Start it again any time.")


def _camera_problems(raw: RawCapture, settings: CaptureSettings, cancelled: Callable[[], bool] | None) -> list[Problem]:
    problems: list[Problem] = []
    views = raw.views
    if views and len(views) < _FEWEST_VIEWS:
        problems.append(_scene_problem("warning", f"it has only {len(views)} views", "Add views."))
    if settings.shape == "keep" and len({(view.lens.width, view.lens.height) for view in views}) > 1:
        step = "An edit needs one size: choose to crop or to pad them."
        problems.append(_scene_problem("warning", "its pictures differ in size", step))
    if len(views) < 2:
        return problems
    positions = np.stack([view.camera.position for view in views])
    extent = float(np.linalg.norm(positions.max(axis=0) - positions.min(axis=0)))
    if extent < 1e-6:
        problems.append(_scene_problem("error", "all cameras stand at one place", "Move the camera between pictures."))
        return problems
    cameras = [view.camera for view in views]
    for index, view in enumerate(views):
        _go_on(cancelled)
        for other in views[:index]:
            if np.allclose(view.camera.camera_to_world, other.camera.camera_to_world, atol=1e-9):
                what = f"its camera is the same as that of {other.name}"
                step = "Remove one of the two frames."
                problems.append(Problem("warning", view.name, what, step, Repair("skip", view.key)))
        if not _overlaps(index, cameras, extent):
            what = "its view cone meets no other camera's"
            step = "Check its pose, or remove the frame."
            problems.append(Problem("warning", view.name, what, step, Repair("skip", view.key)))
    problems.extend(_frame_problems(raw, settings, extent))
    return problems


def _frame_problems(raw: RawCapture, settings: CaptureSettings, extent: float) -> list[Problem]:
    if raw.own or not raw.upright or settings.frame.mode == "find":
        return []
    cameras = [view.camera for view in raw.views]
    centre = focus_point(cameras)
    distance = float(np.median(np.linalg.norm(np.stack([camera.position for camera in cameras]) - centre, axis=1)))
    faults = []
    if up_of_cameras(cameras)[2] < _UPRIGHT:
        faults.append("its cameras do not stand upright")
    if not _NEAREST < max(distance, extent) < _FARTHEST:
        faults.append(f"its cameras stand {distance:.3g} metres from what they look at")
    if float(np.linalg.norm(centre[:2])) > max(distance, 1e-9):
        faults.append("what they look at is far from the origin")
    if not faults:
        return []
    step = "Let the program stand it upright at the size of a person."
    return [Problem("warning", "capture", " and ".join(faults), step, Repair("recentre"))]


def _overlaps(index: int, cameras: Sequence[Camera], extent: float) -> bool:
    # Points spread through the cone: some share of them must be in another camera's picture. None are close to the
    # camera, since a camera that only sees this one from outside shares nothing with it.
    camera = cameras[index]
    steps = (np.arange(_OVERLAP_GRID) + 0.5) / _OVERLAP_GRID
    depths = extent * np.geomspace(0.25, 5.0, _OVERLAP_DEPTHS)
    x, y, depth = np.meshgrid(steps * camera.width, steps * camera.height, depths, indexing="ij")
    points = camera.unproject(np.stack([x, y], axis=-1), depth)
    return any(_sees(other, points) for number, other in enumerate(cameras) if number != index)


def _sees(camera: Camera, points: np.ndarray) -> bool:
    pixels, _ = camera.project(points)
    inside = (pixels >= 0) & (pixels <= np.array([camera.width, camera.height]))
    return bool(inside.all(axis=-1).mean() > _OVERLAP_SHARE)


def _scene_problem(severity: Severity, what: str, next_step: str) -> Problem:
    return Problem(severity, "capture", what, next_step)
