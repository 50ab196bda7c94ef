"""Contact sheets of captures for the documentation: a row for the source and each edit, with what controls it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from qnerf_core import files
from qnerf_core.body.model import BodyModel
from qnerf_core.body.pose_file import read_pose
from qnerf_core.control.loose_depth import depth_control_image, proxy_depth
from qnerf_core.control.openpose import skeleton_image
from qnerf_core.proxy.files import read_proxy
from qnerf_core.scene.capture import Capture, load_capture
from qnerf_core.scene.scene import View, load_depth

_CELL = 160
_VIEWS = ("000", "005", "010", "016", "021", "026")
_QUALITY = 85


def _control_picture(capture: Capture, view: View, target: Path, body: BodyModel) -> np.ndarray:
    if capture.control == "skeleton":
        return skeleton_image(body(read_pose(target)).keypoints, view.camera)
    boundary = load_depth(View(view.name, view.camera, view.image_path, depth_path=view.boundary_path))
    return depth_control_image(proxy_depth(*read_proxy(target).mesh(), view.camera, boundary))


def write_contact_sheet(name: str, path: Path) -> None:
    """Writes a picture of a capture: source and edits below each other, the control first, then six views.

    Args:
        name: Of the capture, or its folder.
        path: A `.jpg`.
    """
    capture, body = load_capture(name), BodyModel.load()
    rows = [(capture.source_path, capture.scene)]
    rows += [(edit.target_path, edit.truth) for edit in capture.edits.values()]
    sheet = Image.new("RGB", (_CELL * (len(_VIEWS) + 1), _CELL * len(rows)))
    for row, (target, scene) in enumerate(rows):
        first = capture.scene.view(_VIEWS[0])
        cells = [_control_picture(capture, first, target, body)]
        cells += [files.read_image(scene.view(view).image_path) for view in _VIEWS]
        for column, cell in enumerate(cells):
            small = Image.fromarray(cell).resize((_CELL, _CELL), Image.Resampling.LANCZOS)
            sheet.paste(small, (column * _CELL, row * _CELL))
    path.parent.mkdir(parents=True, exist_ok=True)
    with files.atomic_path(path) as temporary:
        sheet.save(temporary, format="JPEG", quality=_QUALITY, optimize=True)
