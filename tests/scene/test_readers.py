from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from qnerf_core import files
from qnerf_core.errors import Cancelled, CaptureError
from qnerf_core.scene.capture import load_scene
from qnerf_core.scene.capture_settings import (
    CaptureSettings,
    FrameSettings,
    read_settings,
    settings_path,
    write_settings,
)
from qnerf_core.scene.photos import find_cameras, photo_paths
from qnerf_core.scene.readers import parse, recognise
from qnerf_core.scene.scene import load_mask
from qnerf_core.scene.transforms_parser import parse_transforms
from qnerf_core.scene.validation import inspect_capture
from tests.scene.captures import edit_frame, edit_json, look_at, write_capture


def write_blender(folder: Path) -> list[np.ndarray]:
    """As the scripts of NeRF's synthetic scenes write it: no suffixes, an angle, transparent pictures."""
    matrices = []
    for split, count in (("train", 4), ("test", 2)):
        frames = []
        for index in range(count):
            angle = index + (0.5 if split == "test" else 0.0)
            matrix = look_at((4 * np.cos(angle), 4 * np.sin(angle), 1.5), (0, 0, 0))
            matrices.append(matrix)
            pixels = np.zeros((40, 40, 4), dtype=np.uint8)
            pixels[10:30, 12:28] = [20 * index, 90, 200, 255]
            (folder / split).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(folder / split / f"r_{index}.png")
            frames.append({"file_path": f"./{split}/r_{index}", "rotation": 0.01, "transform_matrix": matrix.tolist()})
        files.write_json(folder / f"transforms_{split}.json", {"camera_angle_x": 0.6911112070083618, "frames": frames})
    return matrices


def test_blenders_capture_is_read_with_alpha_and_its_splits(tmp_path: Path) -> None:
    matrices = write_blender(tmp_path)
    assert recognise(tmp_path) == "blender"
    scene, capture = load_scene(tmp_path)
    assert capture is None
    assert [view.name for view in scene.training_views] == [f"train_r_{index}.png" for index in range(4)]
    assert len(scene.heldout_views) == 2
    for view, matrix in zip(scene.views, matrices, strict=True):
        np.testing.assert_array_equal(view.camera.camera_to_world, matrix)
        # NeRF's synthetic scenes of 800 pixels have the focal length 1111.11.
        assert view.camera.fx * 20 == pytest.approx(1111.11, abs=0.01)
    pixels = files.read_image(scene.views[1].image_path)
    assert pixels[0, 0].tolist() == [255, 255, 255]
    assert pixels[20, 20].tolist() == [20, 90, 200]
    assert load_mask(scene.views[1]).sum() == 20 * 16


def test_nerfstudios_keys_per_frame_and_its_points(tmp_path: Path) -> None:
    write_capture(tmp_path, masks=False, heldout=())
    applied = [[1.0, 0, 0, 0], [0, 0, 1.0, 0], [0, -1.0, 0, 0]]
    edit_json(tmp_path / "transforms.json", ply_file_path="sparse.ply", applied_transform=applied)
    edit_frame(tmp_path, 1, camera_model="OPENCV_FISHEYE", k1=0.1, k4=0.2)
    edit_frame(tmp_path, 2, k1=0.1, k2=0.2, k3=0.3, k4=0.4, p1=0.5, p2=0.6)
    edit_frame(tmp_path, 3, camera_model="FULL_OPENCV", k1=0.1, k4=0.2, k5=0.3, k6=0.4)
    points = np.random.default_rng(0).normal(size=(50, 3)).round(3)
    trimesh.PointCloud(points).export(tmp_path / "sparse.ply")
    raw = parse_transforms(tmp_path)
    assert raw.problems == ()
    assert [view.lens.kind for view in raw.views] == ["perspective", "fisheye", "perspective", "perspective"]
    assert raw.views[1].lens.radial == (0.1, 0.0, 0.0, 0.2)
    assert (raw.views[2].lens.radial, raw.views[2].lens.tangential) == ((0.1, 0.2, 0.3, 0.4), (0.5, 0.6))
    assert (raw.views[3].lens.radial, raw.views[3].lens.divisor) == ((0.1, 0.0, 0.0, 0.0), (0.2, 0.3, 0.4))
    assert raw.points is not None
    np.testing.assert_allclose(raw.points, points, atol=1e-6)
    assert raw.carried == {"applied_transform": applied}


def test_a_folder_that_nobody_understands(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(CaptureError, match="no sparse model of COLMAP and no photos"):
        parse(tmp_path, CaptureSettings())
    with pytest.raises(CaptureError, match="it is no capture"):
        recognise(tmp_path / "notes.txt")


def test_repairs_are_kept_beside_the_capture_and_leave_it_as_it_is(tmp_path: Path) -> None:
    views = write_capture(tmp_path, masks=False, heldout=())
    sheared = views[1].camera.camera_to_world @ np.diag([1.0, 1.1, 1.0, 1.0])
    edit_frame(tmp_path, 1, transform_matrix=sheared.tolist())
    views[2].image_path.write_bytes(b"")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    settings = CaptureSettings()
    for problem in inspect_capture(tmp_path).errors:
        assert problem.repair is not None
        settings = settings.repaired(problem.repair)
    write_settings(tmp_path, settings)
    assert inspect_capture(tmp_path).usable
    scene, _ = load_scene(tmp_path)
    assert [view.name for view in scene.views] == ["000", "001", "003"]
    np.testing.assert_allclose(scene.view("001").camera.camera_to_world, views[1].camera.camera_to_world, atol=1e-6)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    write_settings(tmp_path, CaptureSettings())
    assert not settings_path(tmp_path).exists()


def test_settings_are_read_as_they_were_written_and_damage_is_told(tmp_path: Path) -> None:
    settings = CaptureSettings(
        skip=("a.png",), frame=FrameSettings(mode="find", up=(0, 0, 1), scale=0.3), region=((0, 0, 0), (1, 1, 1))
    )
    write_settings(tmp_path, settings)
    assert read_settings(tmp_path) == settings
    settings_path(tmp_path).write_text('{"settings": {"skip": 3}}')
    with pytest.raises(CaptureError, match="is damaged"):
        read_settings(tmp_path)
    assert "--reset" in str(inspect_capture(tmp_path).errors[0])


def test_a_search_for_cameras_that_is_stopped_leaves_nothing(tmp_path: Path, home: Path) -> None:
    random = np.random.default_rng(0)
    for index in range(4):
        files.write_image(tmp_path / f"{index}.png", random.integers(0, 255, (20, 20, 3), dtype=np.uint8))
    assert len(photo_paths(tmp_path)) == 4
    with pytest.raises(Cancelled):
        find_cameras(tmp_path, cancelled=lambda: True)
    assert not [path for path in home.rglob("*") if path.is_file()]
    assert recognise(tmp_path) == "photos"
    assert "--find-cameras" in inspect_capture(tmp_path).errors[0].next_step
