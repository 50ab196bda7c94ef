"""Reading captures in the layout of NeRF's synthetic scenes, as scripts for Blender write them.

`transforms_train.json`, `transforms_val.json`, `transforms_test.json`: one `camera_angle_x`, and frames whose
`file_path` has no suffix. Blender's cameras have the axes used here and its world is z up.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from qnerf_core import files
from qnerf_core.errors import FileFormatError
from qnerf_core.scene.capture_settings import CaptureSettings
from qnerf_core.scene.json_values import focal, nearest_rotation, number, pose, pose_fault, unique_names
from qnerf_core.scene.lens import Lens
from qnerf_core.scene.pictures import SUFFIXES, picture_size
from qnerf_core.scene.problems import Problem, Repair
from qnerf_core.scene.raw import RawCapture, RawView

TRAIN_FILE = "transforms_train.json"
_SPLITS = ("train", "val", "test")


def is_blender(folder: Path) -> bool:
    """Tell whether a folder has this layout.

    Args:
        folder: Any.
    """
    return (folder / TRAIN_FILE).is_file()


def parse_blender(folder: Path, settings: CaptureSettings) -> RawCapture:
    """Read a capture and collect what is wrong instead of stopping at it.

    The views of `val` and `test` are kept out of edits.

    Args:
        folder: Holds the files.
        settings: Frames to skip and repairs of poses.
    """
    folder = Path(os.path.abspath(folder))
    views: list[RawView] = []
    problems: list[Problem] = []
    for split in _SPLITS:
        path = folder / f"transforms_{split}.json"
        if not path.is_file():
            continue
        try:
            content = files.read_json(path)
        except FileFormatError as error:
            problems.append(Problem("error", path.name, error.cause, error.next_step))
            continue
        parser = _Split(folder, path.name, settings, problems)
        views += [replace(view, heldout=split != "train") for view in parser.views(content)]
    by_key: dict[str, RawView] = {}
    for view in views:
        # A picture of two splits belongs to the first.
        by_key.setdefault(view.key, view)
    unique = list(by_key.values())
    names = unique_names([view.image_path for view in unique], [view.key for view in unique])
    named = tuple(replace(view, name=name) for view, name in zip(unique, names, strict=True))
    return RawCapture("blender", folder.name, folder, named, tuple(problems))


class _Split:
    """One of the files."""

    def __init__(self, folder: Path, name: str, settings: CaptureSettings, problems: list[Problem]) -> None:
        self.folder = folder
        self.name = name
        self.settings = settings
        self.problems = problems

    def views(self, content: Any) -> list[RawView]:
        frames = content.get("frames") if isinstance(content, dict) else None
        if not isinstance(frames, list) or not frames:
            self._error(self.name, "it has no list of frames, or an empty one", "Add at least one frame.")
            return []
        angle = number(content.get("camera_angle_x"))
        if focal(angle, 1) is None:
            what = "camera_angle_x is not an angle between 0 and 180 degrees, in radians"
            self._error(self.name, what, "Correct camera_angle_x.")
            return []
        found = (self._view(index, frame, angle) for index, frame in enumerate(frames))
        return [view for view in found if view is not None]

    def _view(self, index: int, frame: Any, angle: float | None) -> RawView | None:
        where = f"{self.name} frame {index}"
        if where in self.settings.skip:
            return None
        if not isinstance(frame, dict) or not isinstance(frame.get("file_path"), str):
            step = "Give the path of the picture as file_path."
            self._error(where, "it is not a JSON object with a file_path", step, Repair("skip", where))
            return None
        path = self._picture(frame["file_path"])
        if not path.is_relative_to(self.folder):
            step = "Move the file into the folder and give its relative path."
            what = f"file_path {frame['file_path']!r} leaves the capture's folder"
            self._error(where, what, step, Repair("skip", where))
            return None
        where = path.relative_to(self.folder).as_posix()
        skip = Repair("skip", where)
        if where in self.settings.skip:
            return None
        matrix = pose(frame.get("transform_matrix"))
        if matrix is None:
            self._error(where, "transform_matrix is not 4x4 finite numbers", "Correct the matrix.", skip)
            return None
        fault = pose_fault(matrix)
        if fault is not None:
            what, step, repairable = fault
            if not (repairable and self.settings.orthonormalise):
                self._error(where, what, step, Repair("orthonormalise") if repairable else skip)
                return None
            matrix = nearest_rotation(matrix)
        try:
            width, height = picture_size(path)
        except FileFormatError as error:
            self._error(where, f"its picture {path.name}: {error.cause}", error.next_step, skip)
            return None
        length = focal(angle, width)
        assert length is not None
        return RawView(where, where, path, Lens(length, length, width / 2, height / 2, width, height), matrix)

    def _picture(self, value: str) -> Path:
        path = Path(os.path.normpath(self.folder / value.replace("\0", "")))
        if path.suffix.lower() in SUFFIXES:
            return path
        return path.with_name(f"{path.name}.png")

    def _error(self, where: str, what: str, next_step: str, repair: Repair | None = None) -> None:
        self.problems.append(Problem("error", where, what, next_step, repair))
