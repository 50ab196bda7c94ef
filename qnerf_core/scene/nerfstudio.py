"""Reading and exact writing of nerfstudio's `transforms.json`.

Its world is taken as it is (right-handed, z up) and its cameras have the axes used here (OpenGL), so nothing is
converted. One own key, `qnerf`, holds a scene's name, prompt and bounds; other tools ignore it.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from qnerf_core import files
from qnerf_core.errors import FileFormatError
from qnerf_core.scene.camera import Camera
from qnerf_core.scene.problems import Problem, raise_first_error
from qnerf_core.scene.scene import Scene, View

FILE_NAME = "transforms.json"
_ORTHONORMAL_TOLERANCE = 1e-3
_DISTORTION_KEYS = ("k1", "k2", "k3", "k4", "p1", "p2")
_PINHOLE_MODELS = ("PINHOLE", "SIMPLE_PINHOLE", "OPENCV")
_HELDOUT_KEYS = ("val_filenames", "test_filenames")


@dataclass(frozen=True)
class ParsedTransforms:
    """A `transforms.json` as far as it could be understood.

    Attributes:
        scene: The frames without an error.
        problems: Everything wrong with the file itself (pictures are not opened, except for a missing size).
    """

    scene: Scene
    problems: tuple[Problem, ...]


def read_transforms(path: Path | str) -> Scene:
    """Read a `transforms.json`.

    Args:
        path: The file, or the folder that holds it.

    Returns:
        The scene, with absolute paths.

    Raises:
        FileFormatError: The file is missing or not JSON.
        CaptureError: A frame or a key is wrong.
    """
    parsed = parse_transforms(path)
    raise_first_error(f"Cannot use the capture {path}", parsed.problems)
    return parsed.scene


def write_transforms(views: Sequence[View], path: Path | str, *, extra: Mapping[str, Any] | None = None) -> None:
    """Write views as a `transforms.json`; numbers keep all their digits.

    Intrinsics that all views share are written once, others in every frame. Paths are written relative to the file.

    Args:
        views: The views; their files must lie in the folder of `path` or below.
        path: The file to write.
        extra: More keys for the top level, for example `scene_metadata(scene)`.

    Raises:
        ValueError: A file lies outside the folder, or a number is not finite.
    """
    path = Path(path)
    folder = Path(os.path.abspath(path)).parent
    intrinsics = [_intrinsics(view.camera) for view in views]
    shared = bool(intrinsics) and all(entry == intrinsics[0] for entry in intrinsics)
    frames: list[dict[str, Any]] = []
    for view, entry in zip(views, intrinsics, strict=True):
        frame: dict[str, Any] = {"file_path": _relative(view.image_path, folder)}
        if view.mask_path is not None:
            frame["mask_path"] = _relative(view.mask_path, folder)
        if view.depth_path is not None:
            frame["depth_file_path"] = _relative(view.depth_path, folder)
        if not shared:
            frame.update(entry)
        frame["transform_matrix"] = view.camera.camera_to_world.tolist()
        frames.append(frame)
    content: dict[str, Any] = {"camera_model": "OPENCV", **(extra or {})}
    if shared:
        content.update(intrinsics[0])
    if any(view.heldout for view in views):
        content["train_filenames"] = [_relative(view.image_path, folder) for view in views if not view.heldout]
        content["val_filenames"] = [_relative(view.image_path, folder) for view in views if view.heldout]
        content["test_filenames"] = content["val_filenames"]
    content["frames"] = frames
    files.write_json(path, content)


def scene_metadata(scene: Scene) -> dict[str, Any]:
    """Return the own key that keeps a scene's name, prompt and bounds through `write_transforms`.

    Args:
        scene: The scene.
    """
    entry: dict[str, Any] = {"name": scene.name, "prompt": scene.prompt}
    if scene.bounds is not None:
        entry["bounds"] = scene.bounds.tolist()
    return {"qnerf": entry}


def parse_transforms(path: Path | str) -> ParsedTransforms:
    """Read a `transforms.json` and collect what is wrong instead of stopping at it.

    Args:
        path: The file, or the folder that holds it.

    Raises:
        FileFormatError: The file is missing or not JSON.
    """
    path = Path(path)
    if path.is_dir():
        path = path / FILE_NAME
    content = files.read_json(path)
    # Not resolve(): a capture may hold its pictures by symbolic links.
    return _Parser(Path(os.path.abspath(path))).parse(content)


class _Parser:
    """Collects views and problems of one file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.folder = path.parent
        self.problems: list[Problem] = []

    def parse(self, content: Any) -> ParsedTransforms:
        if not isinstance(content, dict):
            self._error(self.path.name, "it is not a JSON object", "Check that it is a nerfstudio file.")
            content = {}
        frames = content.get("frames")
        if not isinstance(frames, list) or not frames:
            self._error(self.path.name, "it has no list of frames, or an empty one", "Add at least one frame.")
            frames = []
        heldout = self._heldout(content)
        views: list[View] = []
        names: set[str] = set()
        for index, frame in enumerate(frames):
            view = self._view(index, frame, content, heldout)
            if view is None:
                continue
            if view.name in names:
                self._error(view.name, "two frames name the same picture", "Remove one of them.")
                continue
            names.add(view.name)
            views.append(view)
        return ParsedTransforms(self._scene(content, _short_names(views)), tuple(self.problems))

    def _scene(self, content: dict[str, Any], views: tuple[View, ...]) -> Scene:
        own = content.get("qnerf", {})
        if not isinstance(own, dict):
            self._error("qnerf", "it is not a JSON object", "Remove the key.")
            own = {}
        name, prompt = own.get("name", self.folder.name), own.get("prompt", "")
        if not isinstance(name, str) or not isinstance(prompt, str):
            self._error("qnerf", "name and prompt must be texts", "Correct them.")
            name, prompt = self.folder.name, ""
        bounds = None
        if own.get("bounds") is not None:
            bounds = _matrix(own["bounds"], (2, 3))
            if bounds is None or not bool(np.all(bounds[0] < bounds[1])):
                self._error("qnerf.bounds", "it is not a lower and an upper corner [x, y, z]", "Correct or remove it.")
                bounds = None
        return Scene(name, self.folder, views, bounds, prompt)

    def _heldout(self, content: dict[str, Any]) -> set[str]:
        names: set[str] = set()
        for key in _HELDOUT_KEYS:
            entries = content.get(key, [])
            if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
                self._error(key, "it is not a list of texts", "Correct it.")
                continue
            names.update(str(PurePosixPath(entry)) for entry in entries)
        return names

    def _view(self, index: int, frame: Any, content: dict[str, Any], heldout: set[str]) -> View | None:
        where = f"frame {index}"
        if not isinstance(frame, dict):
            self._error(where, "it is not a JSON object", "Correct it.")
            return None
        image = self._path(where, frame, "file_path", required=True)
        mask = self._path(where, frame, "mask_path")
        depth = self._path(where, frame, "depth_file_path")
        if image is not None:
            where = _relative(image, self.folder)
        self._distortion(where, frame, content)
        matrix = self._pose(where, frame.get("transform_matrix"))
        intrinsics = self._intrinsics(where, frame, content, image)
        if image is None or matrix is None or intrinsics is None:
            return None
        return View(where, Camera(matrix, *intrinsics), image, mask, depth, where in heldout)

    def _path(self, where: str, frame: dict[str, Any], key: str, *, required: bool = False) -> Path | None:
        value = frame.get(key)
        if value is None and not required:
            return None
        if not isinstance(value, str) or not value:
            self._error(where, f"{key} is not a text", f"Give the path of the file as {key}.")
            return None
        path = Path(os.path.normpath(self.folder / value))
        if Path(value).is_absolute() or not path.is_relative_to(self.folder):
            step = "Move the file into the folder and give its relative path."
            self._error(where, f"{key} {value!r} leaves the capture's folder", step)
            return None
        return path

    def _pose(self, where: str, value: Any) -> np.ndarray | None:
        matrix = _matrix(value, (4, 4))
        if matrix is None and _matrix(value, (3, 4)) is not None:
            matrix = _matrix([*value, [0.0, 0.0, 0.0, 1.0]], (4, 4))
        if matrix is None:
            self._error(where, "transform_matrix is not 4x4 finite numbers", "Correct the matrix.")
            return None
        rotation = matrix[:3, :3]
        if not np.allclose(matrix[3], [0.0, 0.0, 0.0, 1.0], atol=1e-6):
            self._error(where, "the last row of transform_matrix is not 0 0 0 1", "Correct the matrix.")
            return None
        if not np.allclose(rotation.T @ rotation, np.eye(3), atol=_ORTHONORMAL_TOLERANCE):
            step = "Remove scale and shear from the matrix."
            self._error(where, "its rotation is not orthonormal (it scales or shears)", step)
            return None
        if np.linalg.det(rotation) < 0:
            self._error(where, "its rotation is left-handed (it mirrors)", "Flip one axis of the matrix.")
            return None
        return matrix

    def _intrinsics(
        self, where: str, frame: dict[str, Any], content: dict[str, Any], image: Path | None
    ) -> tuple[float, float, float, float, int, int] | None:
        values: dict[str, float | None] = {}
        valid = True
        for key in ("fl_x", "fl_y", "cx", "cy", "w", "h", "camera_angle_x", "camera_angle_y"):
            raw = frame.get(key, content.get(key))
            number = _number(raw)
            if raw is not None and (number is None or (number <= 0 and key not in ("cx", "cy"))):
                self._error(where, f"{key} is not a positive number", f"Correct {key}.")
                valid = False
            values[key] = number
        if not valid:
            return None
        size = self._size(where, values["w"], values["h"], image)
        if size is None:
            return None
        width, height = size
        fx = values["fl_x"] or _focal(values["camera_angle_x"], width)
        fy = values["fl_y"] or _focal(values["camera_angle_y"], height) or fx
        fx = fx or fy
        if not fx or not fy:
            self._error(where, "it has no usable focal length", "Give fl_x and fl_y, or camera_angle_x.")
            return None
        cx = width / 2 if values["cx"] is None else values["cx"]
        cy = height / 2 if values["cy"] is None else values["cy"]
        return fx, fy, cx, cy, width, height

    def _size(
        self, where: str, width: float | None, height: float | None, image: Path | None
    ) -> tuple[int, int] | None:
        if width is not None and height is not None:
            if width != int(width) or height != int(height):
                self._error(where, "w and h are not whole numbers", "Correct them.")
                return None
            return int(width), int(height)
        if image is None:
            return None
        try:
            return files.image_size(image)
        except FileFormatError as error:
            self._error(where, f"it has no w and h, and its picture cannot tell: {error.cause}", error.next_step)
            return None

    def _distortion(self, where: str, frame: dict[str, Any], content: dict[str, Any]) -> None:
        model = frame.get("camera_model", content.get("camera_model", "OPENCV"))
        step = "Undistort the pictures first (for example with COLMAP's image_undistorter)."
        if model not in _PINHOLE_MODELS:
            self._error(where, f"the camera model {model!r} is not supported, only pinhole cameras are", step)
        found = [key for key in _DISTORTION_KEYS if frame.get(key, content.get(key, 0)) not in (0, None)]
        if found:
            self._error(where, f"lens distortion ({', '.join(found)}) is not supported", step)

    def _error(self, where: str, what: str, next_step: str) -> None:
        self.problems.append(Problem("error", where, what, next_step))


def _short_names(views: Sequence[View]) -> tuple[View, ...]:
    # A view is known by its file's stem, as people know it, unless two folders hold the same one.
    stems = [view.image_path.stem for view in views]
    if len(set(stems)) < len(stems):
        stems = [view.name for view in views]
    return tuple(replace(view, name=stem) for stem, view in zip(stems, views, strict=True))


def _intrinsics(camera: Camera) -> dict[str, float | int]:
    return {
        "fl_x": float(camera.fx),
        "fl_y": float(camera.fy),
        "cx": float(camera.cx),
        "cy": float(camera.cy),
        "w": int(camera.width),
        "h": int(camera.height),
    }


def _relative(path: Path, folder: Path) -> str:
    return Path(os.path.abspath(path)).relative_to(folder).as_posix()


def _focal(angle: float | None, size: int) -> float | None:
    # An angle of 180 degrees or more has no pinhole.
    if angle is None or angle >= math.pi:
        return None
    return 0.5 * size / math.tan(0.5 * angle)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _matrix(value: Any, shape: tuple[int, int]) -> np.ndarray | None:
    if not isinstance(value, list) or len(value) != shape[0]:
        return None
    if not all(isinstance(row, list) and len(row) == shape[1] for row in value):
        return None
    if not all(_number(entry) is not None for row in value for entry in row):
        return None
    return np.array(value, dtype=np.float64)
