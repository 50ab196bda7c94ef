from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qnerf_core.body.model import BodyModel
from qnerf_core.body.pose_file import read_pose
from qnerf_core.editing.spec import EditSpec
from qnerf_core.errors import ExportError
from qnerf_core.export.subject import MARGIN, subject_box
from qnerf_core.proxy.files import read_proxy
from qnerf_core.scene.capture import load_capture
from qnerf_core.scene.scene import load_images
from tests.synthetic_capture import BOUNDS, write_depth_capture
from tests.synthetic_run import write_run


def _run(folder: Path, edit: str, scene: str = "person") -> Path:
    capture = load_capture("person")
    names = tuple(view.name for view in capture.scene.views[:2])
    images = load_images(capture.scene.subset(names).views)
    write_run(folder, EditSpec(scene=scene, edit=edit), images, names)
    return folder


def test_the_box_holds_the_posed_body_and_stays_in_the_room(tmp_path: Path) -> None:
    capture = load_capture("person")
    box = subject_box(_run(tmp_path / "run", "raise-arms"))
    vertices = BodyModel.load()(read_pose(capture.edit("raise-arms").pose_path)).vertices
    assert (vertices.min(0) >= box[0]).all()
    assert (vertices.max(0) <= box[1]).all()
    assert box[0, 2] == 0.0
    np.testing.assert_allclose(box[1], vertices.max(0) + MARGIN)
    # Raised arms make the box higher than the standing figure is.
    assert box[1, 2] > 2.0


def test_a_pose_file_of_the_users_own_is_the_edit(tmp_path: Path) -> None:
    pose = load_capture("person").edit("kick").pose_path
    run = _run(tmp_path / "run", str(pose))
    np.testing.assert_allclose(subject_box(run), subject_box(_run(tmp_path / "named", "kick")))


def test_without_a_pose_there_is_no_box(tmp_path: Path) -> None:
    run = _run(tmp_path / "run", "a-pose-that-is-gone.json", str(load_capture("person").edit("kick").truth.root))
    with pytest.raises(ExportError, match="is gone"):
        subject_box(run)


def test_a_proxy_is_boxed_as_well(tmp_path: Path) -> None:
    scene = write_depth_capture(tmp_path / "capture", views=3, size=32, heldout=1)
    proxy = load_capture(scene).edit("up").proxy_path
    vertices = read_proxy(proxy).mesh()[0]
    expected = np.clip([vertices.min(0) - MARGIN, vertices.max(0) + MARGIN], *BOUNDS)
    np.testing.assert_allclose(subject_box(_run(tmp_path / "run", "up", str(scene))), expected)
    np.testing.assert_allclose(subject_box(_run(tmp_path / "mine", str(proxy), str(scene))), expected)
