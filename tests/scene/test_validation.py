from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qnerf_core import files
from qnerf_core.scene.capture_settings import CaptureSettings, write_settings
from qnerf_core.scene.problems import CaptureReport
from qnerf_core.scene.validation import inspect_capture
from tests.scene.captures import HEIGHT, WIDTH, edit_frame, edit_json, look_at, write_capture

NAN = float("nan")


def mirrored() -> list[list[float]]:
    return (look_at((2.0, 0.0, 1.0)) @ np.diag([-1.0, 1.0, 1.0, 1.0])).tolist()


def sheared() -> list[list[float]]:
    return (look_at((2.0, 0.0, 1.0)) @ np.diag([1.0, 1.1, 1.0, 1.0])).tolist()


def texts(report: CaptureReport) -> str:
    return "\n".join(str(problem) for problem in report.problems)


def test_good_capture_has_no_problem(tmp_path: Path) -> None:
    write_capture(tmp_path)
    report = inspect_capture(tmp_path)
    assert report.problems == ()
    assert report.usable


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"transform_matrix": sheared()}, "not orthonormal"),
        ({"transform_matrix": mirrored()}, "left-handed"),
        ({"transform_matrix": [[NAN, 0, 0, 0], *np.eye(4)[1:].tolist()]}, "not 4x4 finite numbers"),
        ({"transform_matrix": [*np.eye(4)[:3].tolist(), [0, 0, 1, 1]]}, "last row"),
        ({"transform_matrix": "identity"}, "not 4x4 finite numbers"),
        ({"transform_matrix": None}, "not 4x4 finite numbers"),
        ({"file_path": "../secret.png"}, "leaves the capture's folder"),
        ({"file_path": "/etc/hostname"}, "leaves the capture's folder"),
        ({"file_path": 7}, "file_path is not a text"),
        ({"file_path": None}, "file_path is not a text"),
        ({"file_path": "images/000.png"}, "two frames name the same picture"),
        ({"file_path": "images/none.png"}, "there is no such file"),
        ({"mask_path": "masks/none.png"}, "its mask: there is no such file"),
        ({"depth_file_path": "masks/001.png"}, "not a 16-bit grey PNG"),
        ({"fl_x": "30"}, "fl_x is not a positive number"),
        ({"fl_x": 0}, "fl_x is not a positive number"),
        ({"fl_y": True}, "fl_y is not a positive number"),
        ({"w": 24.5}, "not whole numbers"),
        ({"w": 25}, "its picture has 24x16 pixels, its intrinsics say 25x16"),
        ({"k1": "0.01"}, "k1 is not a number"),
        ({"camera_model": "THIN_PRISM"}, "'THIN_PRISM' is not supported"),
    ],
)
def test_one_wrong_frame(tmp_path: Path, changes: dict[str, Any], expected: str) -> None:
    write_capture(tmp_path)
    edit_frame(tmp_path, 1, **changes)
    report = inspect_capture(tmp_path)
    assert expected in texts(report)
    assert not report.usable
    assert all(problem.next_step for problem in report.problems)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"frames": []}, "no list of frames"),
        ({"frames": {}}, "no list of frames"),
        ({"frames": [3]}, "frame 0: it is not a JSON object"),
        ({"fl_x": None, "fl_y": None}, "no usable focal length"),
        ({"fl_x": None, "fl_y": None, "camera_angle_x": 3.5}, "no usable focal length"),
        ({"val_filenames": "images/003.png"}, "val_filenames: it is not a list of texts"),
        ({"qnerf": 1}, "qnerf: it is not a JSON object"),
        ({"qnerf": {"name": 1}}, "must be texts"),
        ({"qnerf": {"bounds": [[0, 0, 0], [1, 1, -1]]}}, "lower and an upper corner"),
    ],
)
def test_wrong_top_level(tmp_path: Path, changes: dict[str, Any], expected: str) -> None:
    write_capture(tmp_path)
    edit_json(tmp_path / "transforms.json", **changes)
    assert expected in texts(inspect_capture(tmp_path))


def test_everything_at_once(tmp_path: Path) -> None:
    views = write_capture(tmp_path, 6)
    assert views[1].mask_path is not None
    views[0].image_path.write_bytes(views[0].image_path.read_bytes()[:300])
    files.write_image(views[1].mask_path, np.zeros((4, 4), dtype=np.uint8))
    files.write_image(views[2].image_path, np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8))
    edit_frame(tmp_path, 3, transform_matrix=sheared())
    edit_frame(tmp_path, 4, mask_path="images/nothing.png")
    views[5].image_path.write_bytes(views[1].image_path.read_bytes())
    report = inspect_capture(tmp_path)
    assert [(problem.severity, problem.where) for problem in report.problems] == [
        ("error", "images/003.png"),
        ("error", "000"),
        ("error", "001"),
        ("warning", "001"),
        ("warning", "002"),
        ("error", "004"),
        ("warning", "005"),
    ]
    assert "damaged" in texts(report)
    assert "its mask has 4x4 pixels" in texts(report)
    assert "empty (one colour)" in texts(report)
    assert "the same as that of 001" in texts(report)


def test_camera_that_looks_away_meets_no_other(tmp_path: Path) -> None:
    write_capture(tmp_path)
    away = look_at((3.0, 0.0, 1.0), (4.0, 0.0, 9.0))
    edit_frame(tmp_path, 0, transform_matrix=away.tolist())
    problems = inspect_capture(tmp_path).problems
    assert [(problem.where, problem.what) for problem in problems] == [
        ("000", "its view cone meets no other camera's"),
    ]


def test_cameras_at_one_place_and_equal_cameras(tmp_path: Path) -> None:
    views = write_capture(tmp_path, 3)
    pose = views[0].camera.camera_to_world.tolist()
    edit_frame(tmp_path, 1, transform_matrix=pose)
    assert "001: its camera is the same as that of 000" in texts(inspect_capture(tmp_path))
    edit_frame(tmp_path, 2, transform_matrix=pose)
    report = inspect_capture(tmp_path)
    assert "all cameras stand at one place" in texts(report)
    assert not report.usable


def test_few_views_and_kept_sizes_are_warnings(tmp_path: Path) -> None:
    views = write_capture(tmp_path, 2, masks=False)
    files.write_image(views[1].image_path, np.random.default_rng(0).integers(0, 9, (8, 12, 3), dtype=np.uint8))
    edit_frame(tmp_path, 1, w=12, h=8)
    report = inspect_capture(tmp_path)
    assert report.usable
    assert "only 2 views" in texts(report)
    assert "differ in size" not in texts(report), "they are cropped to one"
    write_settings(tmp_path, CaptureSettings(shape="keep"))
    assert "differ in size" in texts(inspect_capture(tmp_path))


@pytest.mark.parametrize("content", [None, "{", "[1, 2]"])
def test_files_that_are_no_capture(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "transforms.json").write_text(content)
    report = inspect_capture(tmp_path)
    assert not report.usable
    assert report.problems[0].where == ("transforms.json" if content else tmp_path.name)


def test_a_wrong_capture_file_is_reported_too(tmp_path: Path) -> None:
    write_capture(tmp_path)
    files.write_json(tmp_path / "capture.json", {"version": 9})
    assert "error: capture.json: capture.json: version" in texts(inspect_capture(tmp_path))
