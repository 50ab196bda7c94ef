"""Inspecting a capture: every problem at once, before anything is computed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from qnerf_core import files
from qnerf_core.errors import FileFormatError, StudioError
from qnerf_core.scene.camera import Camera
from qnerf_core.scene.capture import CAPTURE_FILE, load_capture
from qnerf_core.scene.nerfstudio import FILE_NAME, parse_transforms
from qnerf_core.scene.problems import CaptureReport, Problem, Severity
from qnerf_core.scene.scene import Scene, View

_FEWEST_VIEWS = 3
_OVERLAP_GRID = 12
_OVERLAP_DEPTHS = 16
_OVERLAP_SHARE = 0.05


def inspect_capture(path: Path | str) -> CaptureReport:
    """List everything wrong with a capture; never raises for a bad one.

    Checked: the JSON and its types, poses, intrinsics, paths, that every picture, mask and depth can be decoded and
    has the camera's size, duplicate and empty pictures, cameras at one place, and view cones that meet no other.

    Args:
        path: A `transforms.json`, or the folder of a capture.

    Returns:
        All problems, in the order of the file.
    """
    path = Path(path)
    folder = path if path.is_dir() else path.parent
    problems: list[Problem] = []
    try:
        parsed = parse_transforms(path)
    except FileFormatError as error:
        return CaptureReport((Problem("error", FILE_NAME, error.cause, error.next_step),))
    problems.extend(parsed.problems)
    seen: dict[str, str] = {}
    for view in parsed.scene.views:
        problems.extend(_picture_problems(view, seen))
        problems.extend(_mask_problems(view))
        problems.extend(_depth_problems(view))
    problems.extend(_camera_problems(parsed.scene))
    if path.is_dir() and (folder / CAPTURE_FILE).exists() and not CaptureReport(tuple(problems)).errors:
        problems.extend(_capture_problems(folder))
    return CaptureReport(tuple(problems))


def _capture_problems(folder: Path) -> list[Problem]:
    try:
        load_capture(folder)
    except StudioError as error:
        return [Problem("error", CAPTURE_FILE, error.cause or error.title, error.next_step)]
    return []


def _picture_problems(view: View, seen: dict[str, str]) -> list[Problem]:
    try:
        pixels = files.read_image(view.image_path)
    except FileFormatError as error:
        return [Problem("error", view.name, f"its picture {view.image_path.name}: {error.cause}", error.next_step)]
    problems = _size_problems(view, "picture", pixels)
    if pixels.min() == pixels.max():
        problems.append(Problem("warning", view.name, "its picture is empty (one colour)", "Remove the frame."))
    digest = files.sha256_of(view.image_path)
    if digest in seen:
        what = f"its picture is the same as that of {seen[digest]}"
        problems.append(Problem("warning", view.name, what, "Remove one of the two frames."))
    seen.setdefault(digest, view.name)
    return problems


def _mask_problems(view: View) -> list[Problem]:
    if view.mask_path is None:
        return []
    try:
        pixels = files.read_raw_image(view.mask_path, mode="L")
    except FileFormatError as error:
        return [Problem("error", view.name, f"its mask: {error.cause}", error.next_step)]
    problems = _size_problems(view, "mask", pixels)
    if not (pixels > 127).any():
        problems.append(Problem("warning", view.name, "its mask is empty", "Check that the subject is in the view."))
    return problems


def _depth_problems(view: View) -> list[Problem]:
    if view.depth_path is None:
        return []
    try:
        pixels = files.read_raw_image(view.depth_path)
    except FileFormatError as error:
        return [Problem("error", view.name, f"its depth: {error.cause}", error.next_step)]
    if pixels.ndim != 2 or pixels.dtype.itemsize < 2:
        what, step = "its depth is not a 16-bit grey PNG", "Store millimetres in 16 bits."
        return [Problem("error", view.name, what, step)]
    problems = _size_problems(view, "depth", pixels)
    if not pixels.any():
        problems.append(Problem("warning", view.name, "its depth is unknown everywhere", "Remove the depth picture."))
    return problems


def _size_problems(view: View, kind: str, pixels: np.ndarray) -> list[Problem]:
    height, width = pixels.shape[:2]
    camera = view.camera
    if (width, height) == (camera.width, camera.height):
        return []
    what = f"its {kind} has {width}x{height} pixels, its intrinsics say {camera.width}x{camera.height}"
    return [Problem("error", view.name, what, "Correct the intrinsics or resize the file.")]


def _camera_problems(scene: Scene) -> list[Problem]:
    problems: list[Problem] = []
    views = scene.views
    if views and len(views) < _FEWEST_VIEWS:
        problems.append(_scene_problem("warning", f"it has only {len(views)} views", "Add views."))
    if len({(view.camera.width, view.camera.height) for view in views}) > 1:
        step = "An edit needs one size: resize the pictures."
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
        for other in views[:index]:
            if np.allclose(view.camera.camera_to_world, other.camera.camera_to_world, atol=1e-9):
                what = f"its camera is the same as that of {other.name}"
                problems.append(Problem("warning", view.name, what, "Remove one of the two frames."))
        if not _overlaps(index, cameras, extent):
            what = "its view cone meets no other camera's"
            problems.append(Problem("warning", view.name, what, "Check its pose, or remove the frame."))
    return problems


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
