from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qnerf_core.errors import CaptureError
from qnerf_core.scene import child
from qnerf_core.scene.capture import load_scene
from qnerf_core.scene.capture_settings import CaptureSettings, write_settings
from qnerf_core.scene.colmap import _lens, parse_colmap, sparse_models
from qnerf_core.scene.lens import Lens
from qnerf_core.scene.validation import inspect_capture
from tests.scene.colmap_captures import HEIGHT, WIDTH, needs_pycolmap, write_colmap

pytestmark = needs_pycolmap


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("colmap") / "toy"
    return folder, write_colmap(folder)


def test_every_lens_shows_points_where_colmap_does(written: tuple[Path, dict[str, Any]]) -> None:
    facts = written[1]
    points = np.array(facts["points"])
    for model, expected in facts["lenses"].items():
        lens = _lens({"model": model, "params": expected["params"], "width": WIDTH, "height": HEIGHT})
        assert isinstance(lens, Lens), model
        np.testing.assert_allclose(lens.pixels(points[:, :2] / points[:, 2:]), expected["pixels"], atol=1e-9)


@pytest.mark.parametrize("place", ["sparse/0", "text"])
def test_binary_and_text_say_what_pycolmap_wrote(written: tuple[Path, dict[str, Any]], place: str) -> None:
    folder, facts = written
    raw = parse_colmap(folder, CaptureSettings(model=place))
    assert raw.problems == ()
    assert raw.points is not None
    np.testing.assert_allclose(np.sort(raw.points, axis=0), np.sort(facts["xyz"], axis=0), atol=1e-6)
    assert {view.key for view in raw.views} == set(facts["images"])
    for view in raw.views:
        expected = facts["images"][view.key]
        np.testing.assert_allclose(view.camera.position, expected["centre"], atol=1e-6)
        np.testing.assert_allclose(view.camera.forward, expected["forward"], atol=1e-6)
        local = np.array(facts["xyz"][:9]) @ view.camera.world_to_camera[:3, :3].T + view.camera.world_to_camera[:3, 3]
        plane = np.stack([-local[:, 0] / local[:, 2], local[:, 1] / local[:, 2]], axis=-1)
        np.testing.assert_allclose(view.lens.pixels(plane), expected["seen"], atol=1e-5)


def test_models_are_listed_and_chosen(written: tuple[Path, dict[str, Any]]) -> None:
    folder = written[0]
    assert [(model.name, model.images) for model in sparse_models(folder)] == [
        ("sparse/0", 6),
        ("text", 6),
        ("sparse/1", 4),
    ]
    report = inspect_capture(folder)
    assert report.usable
    assert "it holds 3 models; sparse/0 (6 images, 300 points) is used" in str(report.problems[0])
    assert report.problems[0].repair is not None
    assert report.problems[0].repair.kind == "model"
    write_settings(folder, CaptureSettings(model="sparse/1"))
    assert len(load_scene(folder)[0].views) == 4
    write_settings(folder, CaptureSettings(model="sparse/7"))
    assert "there is no such sparse model" in str(inspect_capture(folder).errors[0])


def test_a_prepared_model_stands_upright_with_its_points(written: tuple[Path, dict[str, Any]], home: Path) -> None:
    scene, _ = load_scene(written[0])
    assert scene.root.is_relative_to(home / "captures" / "prepared")
    assert scene.name == "toy"
    assert scene.bounds is not None
    distances = [np.linalg.norm(view.camera.position[:2]) for view in scene.views]
    assert 0.2 < np.median(distances) < 4
    up = np.mean([view.camera.camera_to_world[2, 1] for view in scene.views])
    assert up > 0
    with np.load(scene.root / "points.npz") as record:
        assert record["points"].shape == (300, 3)
    assert load_scene(written[0])[0].root == scene.root, "it is prepared once"


def test_without_pycolmap_it_says_how_to_install_it(
    written: tuple[Path, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(written[0], tmp_path / "other")
    monkeypatch.setattr(child.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(CaptureError, match="pip install pycolmap"):
        load_scene(folder)
    assert "need the package pycolmap" in str(inspect_capture(folder).errors[0])
