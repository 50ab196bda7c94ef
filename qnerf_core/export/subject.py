"""Where the edited subject is: the box that its mesh is cut out of."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from qnerf_core.body.model import BodyModel
from qnerf_core.body.pose_file import read_pose
from qnerf_core.editing.edit_files import try_to_find_edit
from qnerf_core.errors import ExportError
from qnerf_core.proxy.files import read_proxy
from qnerf_core.runs.folder import RunFolder
from qnerf_core.runs.scenes import load_run_scene

# Clothes, hair and shoes stand off the body by about this much, metres.
MARGIN = 0.12


def subject_box(run_folder: Path | str) -> np.ndarray:
    """The box (2, 3) in metres around the run's target, body with its clothes or proxy, without the scene's walls.

    Args:
        run_folder: The run.

    Returns:
        Lower and upper corner, inside the scene's bounds if it states any.

    Raises:
        ExportError: The target of the run is not known any more.
        StudioError: The pose, the body or the proxy cannot be read.
    """
    run = RunFolder(run_folder)
    scene, capture = load_run_scene(run.spec.scene)
    edit = try_to_find_edit(run.spec, scene, capture)
    if edit is None:
        raise ExportError(f"{run.spec.edit} is gone", "where the edited subject is, is not known", "Give a box.")
    if edit.control == "depth":
        vertices = read_proxy(edit.target).mesh()[0]
    else:
        vertices = BodyModel.load()(read_pose(edit.target)).vertices
    box = np.stack([vertices.min(axis=0) - MARGIN, vertices.max(axis=0) + MARGIN]).astype(np.float64)
    return box if scene.bounds is None else np.clip(box, scene.bounds[0], scene.bounds[1])
