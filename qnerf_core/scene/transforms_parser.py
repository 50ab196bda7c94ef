"""Understanding nerfstudio's `transforms.json`: everything that is in it, and everything that is wrong with it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from qnerf_core import files
from qnerf_core.errors import FileFormatError
from qnerf_core.scene.capture_settings import CaptureSettings
from qnerf_core.scene.json_values import focal, matrix, nearest_rotation, number, pose, pose_fault, unique_names
from qnerf_core.scene.lens import Lens
from qnerf_core.scene.pictures import picture_size
from qnerf_core.scene.points import read_points
from qnerf_core.scene.problems import Problem, Repair
from qnerf_core.scene.raw import RawCapture, RawView

FILE_NAME = "transforms.json"
_PERSPECTIVE_MODELS = ("PINHOLE", "SIMPLE_PINHOLE", "OPENCV", "SIMPLE_RADIAL", "RADIAL", "FULL_OPENCV")
_FISHEYE_MODELS = ("OPENCV_FISHEYE", "SIMPLE_RADIAL_FISHEYE", "RADIAL_FISHEYE")
_HELDOUT_KEYS = ("val_filenames", "test_filenames")
_DISTORTION_KEYS = ("k1", "k2", "k3", "k4", "k5", "k6", "p1", "p2")
_CARRIED_KEYS = ("applied_transform", "applied_scale")
_LARGEST_SIDE = 65_535


def parse_transforms(path: Path | str, settings: CaptureSettings | None = None) -> RawCapture:
    """Read a `transforms.json` and collect what is wrong instead of stopping at it.

    Args:
        path: The file, or the folder that holds it.
        settings: Frames to skip and repairs of poses; None for none.

    Raises:
        FileFormatError: The file is missing or not JSON.
    """
    path = Path(path)
    if path.is_dir():
        path = path / FILE_NAME
    content = files.read_json(path)
    # Not resolve(): a capture may hold its pictures by symbolic links.
    return _Parser(Path(os.path.abspath(path)), settings or CaptureSettings()).parse(content)


class _Parser:
    """Collects views and problems of one file."""

    def __init__(self, path: Path, settings: CaptureSettings) -> None:
        self.path = path
        self.folder = path.parent
        self.settings = settings
        self.problems: list[Problem] = []

    def parse(self, content: Any) -> RawCapture:
        if not isinstance(content, dict):
            self._error(self.path.name, "it is not a JSON object", "Check that it is a nerfstudio file.")
            content = {}
        frames = content.get("frames")
        if not isinstance(frames, list) or not frames:
            self._error(self.path.name, "it has no list of frames, or an empty one", "Add at least one frame.")
            frames = []
        heldout = self._heldout(content)
        views: list[RawView] = []
        names: set[str] = set()
        for index, frame in enumerate(frames):
            view = self._view(index, frame, content, heldout)
            if view is None:
                continue
            if view.key in names:
                self._error(view.key, "two frames name the same picture", "Remove one of them.")
                continue
            names.add(view.key)
            views.append(view)
        if frames and not views and not self.problems:
            self._error(self.path.name, "all its frames are skipped", "Take back a repair.")
        short = unique_names([view.image_path for view in views], [view.key for view in views])
        return self._capture(content, tuple(replace(view, name=name) for view, name in zip(views, short, strict=True)))

    def _capture(self, content: dict[str, Any], views: tuple[RawView, ...]) -> RawCapture:
        own = content.get("qnerf", {})
        if not isinstance(own, dict):
            self._error("qnerf", "it is not a JSON object", "Remove the key.")
            own = {}
        name, prompt = own.get("name", self.folder.name), own.get("prompt", "")
        if not isinstance(name, str) or not isinstance(prompt, str):
            self._error("qnerf", "name and prompt must be texts", "Correct them.")
            name, prompt = self.folder.name, ""
        bounds, region = (self._box(own, key) for key in ("bounds", "region"))
        points = self._points(content)
        carried = {key: content[key] for key in _CARRIED_KEYS if key in content}
        return RawCapture(
            "nerfstudio",
            name,
            self.folder,
            views,
            tuple(self.problems),
            points,
            bounds,
            prompt,
            own=bool(own),
            carried=carried,
            region=region,
        )

    def _box(self, own: Mapping[str, Any], key: str) -> np.ndarray | None:
        if own.get(key) is None:
            return None
        box = matrix(own[key], (2, 3))
        if box is None or not bool(np.all(box[0] < box[1])):
            self._error(f"qnerf.{key}", "it is not a lower and an upper corner [x, y, z]", "Correct or remove it.")
            return None
        return box

    def _points(self, content: dict[str, Any]) -> np.ndarray | None:
        if content.get("ply_file_path") is None:
            return None
        path = self._path("ply_file_path", content, "ply_file_path")
        if path is None:
            return None
        try:
            return read_points(path)
        except FileFormatError as error:
            self.problems.append(Problem("warning", "ply_file_path", error.cause, error.next_step))
            return None

    def _heldout(self, content: dict[str, Any]) -> set[str]:
        names: set[str] = set()
        for key in _HELDOUT_KEYS:
            entries = content.get(key, [])
            if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
                self._error(key, "it is not a list of texts", "Correct it.")
                continue
            names.update(str(PurePosixPath(entry)) for entry in entries)
        return names

    def _view(self, index: int, frame: Any, content: dict[str, Any], heldout: set[str]) -> RawView | None:
        where = f"frame {index}"
        if where in self.settings.skip:
            return None
        if not isinstance(frame, dict):
            self._error(where, "it is not a JSON object", "Correct it.", Repair("skip", where))
            return None
        image = self._path(where, frame, "file_path", required=True)
        if image is not None:
            where = Path(os.path.relpath(image, self.folder)).as_posix()
            if where in self.settings.skip:
                return None
        mask = self._path(where, frame, "mask_path")
        depth = self._path(where, frame, "depth_file_path")
        distortion = self._distortion(where, frame, content)
        matrix = self._pose(where, frame.get("transform_matrix"))
        intrinsics = self._intrinsics(where, frame, content, image)
        if image is None or matrix is None or intrinsics is None or distortion is None:
            return None
        return RawView(where, where, image, Lens(*intrinsics, *distortion), matrix, mask, depth, where in heldout)

    def _path(self, where: str, frame: dict[str, Any], key: str, *, required: bool = False) -> Path | None:
        value = frame.get(key)
        if value is None and not required:
            return None
        repair = Repair("skip", where)
        if not isinstance(value, str) or not value or "\0" in value:
            self._error(where, f"{key} is not a text", f"Give the path of the file as {key}.", repair)
            return None
        path = Path(os.path.normpath(self.folder / value))
        if Path(value).is_absolute() or not path.is_relative_to(self.folder):
            step = "Move the file into the folder and give its relative path."
            self._error(where, f"{key} {value!r} leaves the capture's folder", step, repair)
            return None
        return path

    def _pose(self, where: str, value: Any) -> np.ndarray | None:
        found = pose(value)
        skip = Repair("skip", where)
        if found is None:
            self._error(where, "transform_matrix is not 4x4 finite numbers", "Correct the matrix.", skip)
            return None
        fault = pose_fault(found)
        if fault is None:
            return found
        what, step, repairable = fault
        if repairable and self.settings.orthonormalise:
            return nearest_rotation(found)
        self._error(where, what, step, Repair("orthonormalise") if repairable else skip)
        return None

    def _intrinsics(
        self, where: str, frame: dict[str, Any], content: dict[str, Any], image: Path | None
    ) -> tuple[float, float, float, float, int, int] | None:
        values: dict[str, float | None] = {}
        valid = True
        for key in ("fl_x", "fl_y", "cx", "cy", "w", "h", "camera_angle_x", "camera_angle_y"):
            raw = frame.get(key, content.get(key))
            value = number(raw)
            if raw is not None and (value is None or (value <= 0 and key not in ("cx", "cy"))):
                self._error(where, f"{key} is not a positive number", f"Correct {key}.", Repair("skip", where))
                valid = False
            values[key] = value
        if not valid:
            return None
        size = self._size(where, values["w"], values["h"], image)
        if size is None:
            return None
        width, height = size
        fx = values["fl_x"] or focal(values["camera_angle_x"], width)
        fy = values["fl_y"] or focal(values["camera_angle_y"], height) or fx
        fx = fx or fy
        if not fx or not fy:
            step = "Give fl_x and fl_y, or camera_angle_x."
            self._error(where, "it has no usable focal length", step, Repair("skip", where))
            return None
        cx = width / 2 if values["cx"] is None else values["cx"]
        cy = height / 2 if values["cy"] is None else values["cy"]
        return fx, fy, cx, cy, width, height

    def _size(
        self, where: str, width: float | None, height: float | None, image: Path | None
    ) -> tuple[int, int] | None:
        skip = Repair("skip", where)
        if width is not None and height is not None:
            if width != int(width) or height != int(height):
                self._error(where, "w and h are not whole numbers", "Correct them.", skip)
                return None
            if max(width, height) > _LARGEST_SIDE:
                what = f"w and h ({width:.0f}x{height:.0f}) are larger than any picture"
                self._error(where, what, "Correct them.", skip)
                return None
            return int(width), int(height)
        if image is None:
            return None
        try:
            return picture_size(image)
        except FileFormatError as error:
            what = f"it has no w and h, and its picture cannot tell: {error.cause}"
            self._error(where, what, error.next_step, skip)
            return None

    def _distortion(self, where: str, frame: dict[str, Any], content: dict[str, Any]) -> tuple[Any, ...] | None:
        """What a `Lens` needs after its intrinsics."""
        model = frame.get("camera_model", content.get("camera_model", "OPENCV"))
        skip = Repair("skip", where)
        if model not in (*_PERSPECTIVE_MODELS, *_FISHEYE_MODELS):
            step = "Undistort the pictures first (for example with COLMAP's image_undistorter)."
            self._error(where, f"the camera model {model!r} is not supported", step, skip)
            return None
        k: dict[str, float] = {}
        for key in _DISTORTION_KEYS:
            raw = frame.get(key, content.get(key))
            value = 0.0 if raw is None else number(raw)
            if value is None:
                self._error(where, f"{key} is not a number", f"Correct {key}.", skip)
                return None
            k[key] = value
        if model in _FISHEYE_MODELS:
            return "fisheye", (k["k1"], k["k2"], k["k3"], k["k4"])
        tangential = (k["p1"], k["p2"])
        # nerfstudio's own k4 goes with r^8; OpenCV's full model divides by k4 to k6.
        if model == "FULL_OPENCV" or k["k5"] or k["k6"]:
            return "perspective", (k["k1"], k["k2"], k["k3"], 0.0), (k["k4"], k["k5"], k["k6"]), tangential
        return "perspective", (k["k1"], k["k2"], k["k3"], k["k4"]), (0.0, 0.0, 0.0), tangential

    def _error(self, where: str, what: str, next_step: str, repair: Repair | None = None) -> None:
        self.problems.append(Problem("error", where, what, next_step, repair))
