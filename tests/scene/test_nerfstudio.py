from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qnerf_core.errors import CaptureError, FileFormatError
from qnerf_core.scene.camera import Camera
from qnerf_core.scene.nerfstudio import read_transforms, scene_metadata, write_transforms
from qnerf_core.scene.scene import Scene, View
from tests.scene.captures import edit_frame, edit_json, look_at, write_capture


def assert_same_cameras(actual: Camera, expected: Camera) -> None:
    np.testing.assert_array_equal(actual.camera_to_world, expected.camera_to_world)
    for name in ("fx", "fy", "cx", "cy", "width", "height"):
        assert getattr(actual, name) == getattr(expected, name)


def test_shared_intrinsics_round_trip(tmp_path: Path) -> None:
    views = write_capture(tmp_path)
    content = json.loads((tmp_path / "transforms.json").read_text())
    assert content["fl_x"] == 30.1
    assert "fl_x" not in content["frames"][0]
    assert content["frames"][2]["file_path"] == "images/002.png"
    scene = read_transforms(tmp_path)
    assert scene.root == tmp_path
    for actual, expected in zip(scene.views, views, strict=True):
        assert_same_cameras(actual.camera, expected.camera)
        assert replace(actual, camera=expected.camera) == expected


def test_per_frame_intrinsics_round_trip(tmp_path: Path) -> None:
    views = write_capture(tmp_path)
    views[1] = replace(views[1], camera=replace(views[1].camera, fx=31.25, cx=1 / 3))
    write_transforms(views, tmp_path / "transforms.json")
    content = json.loads((tmp_path / "transforms.json").read_text())
    assert "fl_x" not in content
    scene = read_transforms(tmp_path / "transforms.json")
    for actual, expected in zip(scene.views, views, strict=True):
        assert_same_cameras(actual.camera, expected.camera)


@given(
    st.lists(st.floats(-100, 100), min_size=3, max_size=3).filter(lambda p: np.hypot(p[0], p[1]) > 0.1),
    st.floats(1.0, 1e4),
)
def test_any_camera_is_written_exactly(
    tmp_path_factory: pytest.TempPathFactory, position: list[float], focal: float
) -> None:
    folder = tmp_path_factory.mktemp("capture")
    camera = Camera(look_at(position), focal, focal / 3, 7.7, 1.1, 10, 20)
    write_transforms([View("a", camera, folder / "a.png")], folder / "transforms.json")
    assert_same_cameras(read_transforms(folder).views[0].camera, camera)


def test_name_prompt_and_bounds_survive(tmp_path: Path) -> None:
    bounds = np.array([[-1.0, -1.0, 0.0], [1.0, 1.0, 2.1]])
    scene = Scene("edited", tmp_path, tuple(write_capture(tmp_path)), bounds, "a photo of a person")
    write_transforms(scene.views, tmp_path / "transforms.json", extra=scene_metadata(scene))
    read = read_transforms(tmp_path)
    assert (read.name, read.prompt) == ("edited", "a photo of a person")
    assert read.bounds is not None
    np.testing.assert_array_equal(read.bounds, bounds)


def test_camera_angle_and_size_from_the_picture(tmp_path: Path) -> None:
    write_capture(tmp_path)
    angle = 2 * np.arctan(0.5)
    edit_json(tmp_path / "transforms.json", fl_x=None, fl_y=None, cx=None, cy=None, w=None, h=None)
    edit_json(tmp_path / "transforms.json", camera_angle_x=angle)
    camera = read_transforms(tmp_path).views[0].camera
    assert (camera.width, camera.height, camera.cx, camera.cy) == (24, 16, 12, 8)
    assert camera.fx == camera.fy == pytest.approx(24)


def test_equal_stems_in_two_folders_keep_both_names(tmp_path: Path) -> None:
    views = write_capture(tmp_path, 2)
    (tmp_path / "left").mkdir()
    views[1].image_path.rename(tmp_path / "left" / "000.png")
    edit_frame(tmp_path, 1, file_path="./left/000.png")
    assert [view.name for view in read_transforms(tmp_path).views] == ["images/000.png", "left/000.png"]


def test_pictures_outside_cannot_be_written(tmp_path: Path) -> None:
    view = write_capture(tmp_path / "a", 1)[0]
    with pytest.raises(ValueError, match="subpath"):
        write_transforms([view], tmp_path / "b" / "transforms.json")


def test_first_error_is_raised_with_the_number_of_others(tmp_path: Path) -> None:
    write_capture(tmp_path)
    edit_frame(tmp_path, 1, transform_matrix=[[1, 0], [0, 1]])
    edit_frame(tmp_path, 2, file_path="../elsewhere.png")
    with pytest.raises(CaptureError, match=r"images/001.png: transform_matrix is not 4x4.*\(and 1 more\)"):
        read_transforms(tmp_path)
    with pytest.raises(FileFormatError, match="no such file"):
        read_transforms(tmp_path / "missing")
