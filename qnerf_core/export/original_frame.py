"""An edited set in the frame of the capture that it was made from: cutting, bordering, turning and moving undone."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from qnerf_core import files
from qnerf_core.errors import StudioError
from qnerf_core.scene.camera import Camera
from qnerf_core.scene.capture_settings import CaptureSettings
from qnerf_core.scene.framing import PicturePlan, decoding_side, plan_pictures, turned_camera, whole_picture
from qnerf_core.scene.nerfstudio import write_transforms
from qnerf_core.scene.pictures import decode, read_header
from qnerf_core.scene.provenance import read_origin
from qnerf_core.scene.readers import parse
from qnerf_core.scene.scene import View
from qnerf_core.scene.transforms_parser import FILE_NAME

FOLDER = "original"

_Plan = tuple[PicturePlan, Path]


def write_original_frame(views: Sequence[View], prepared: Path, out: Path) -> list[View] | None:
    """Write edited pictures with the cameras that their capture came with, as far as a pinhole camera can.

    Pictures are uncut: what was bordered loses its border, what was cut out lies in the photo again (read from the
    capture, undistorted), if that is still there; where it is not, the cut stays, and the principal point tells of it.
    Poses are those of the capture's own files to the last digits.

    Args:
        views: Edited pictures, of any size, named as in the prepared copy.
        prepared: The prepared copy that was edited.
        out: Folder of the set; its folder `original` is replaced.

    Returns:
        What was written; None, and nothing written, if the set was not made from a prepared copy.

    Raises:
        FileFormatError: A picture is damaged.
    """
    origin = read_origin(prepared)
    folder = out / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    if origin is None:
        return None
    plans = _plans(origin)
    written = []
    for view in views:
        entry = origin["views"].get(view.name)
        if entry is None:
            continue
        upright = Camera(np.eye(4), *entry["intrinsics"])
        pixels = files.read_image(view.image_path)
        pixels, camera = _uncut(pixels, upright, entry["size"], entry["offset"], plans.get(entry["key"]))
        camera = turned_camera(camera, -entry["quarters"])
        # The pose is taken as it was, not turned back, so that it keeps its last digits.
        camera = replace(camera, camera_to_world=np.array(entry["camera_to_world"]))
        path = folder / "images" / f"{view.name}.png"
        files.write_image(path, np.ascontiguousarray(np.rot90(pixels, -entry["quarters"])))
        written.append(View(view.name, camera, path, heldout=view.heldout))
    write_transforms(written, folder / FILE_NAME, extra=origin["carried"])
    return written


def _uncut(
    pixels: np.ndarray, upright: Camera, size: Sequence[int], offset: Sequence[int], plan: _Plan | None
) -> tuple[np.ndarray, Camera]:
    """The picture of all that the upright camera sees, and its camera."""
    (width, height), (x, y) = size, offset
    image = Image.fromarray(pixels)
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    if x <= 0 and y <= 0:
        return np.asarray(image.crop((-x, -y, upright.width - x, upright.height - y))), upright
    if plan is None:
        cut = replace(upright, cx=upright.cx - x, cy=upright.cy - y, width=width, height=height)
        return np.asarray(image), cut
    around, path = plan
    photo = decode(path, decoding_side(around))[0]
    whole = Image.fromarray(whole_picture(photo, around))
    whole.paste(image, (x, y))
    return np.asarray(whole), upright


def _plans(origin: dict[str, Any]) -> dict[str, _Plan]:
    """How every picture was prepared, by its key, if the capture is still there."""
    settings = CaptureSettings.model_validate(origin["settings"])
    try:
        raw = parse(origin["source"], settings)
        headers = [read_header(view.image_path) for view in raw.views]
    except StudioError:
        return {}
    plans = plan_pictures(raw.views, headers, settings)
    return {view.key: (plan, view.image_path) for view, plan in zip(raw.views, plans, strict=True)}
