from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qnerf_core import files
from qnerf_core.errors import AssetError, CaptureError, FileFormatError
from qnerf_core.scene.capture import load_capture
from qnerf_core.scene.scene import load_boundary, write_depth
from tests.scene.captures import edit_json, write_capture


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "scenes" / "small"
    write_capture(folder, heldout=())
    write_capture(folder / "edits" / "wave", heldout=())
    files.write_json(folder / "source_pose.json", {})
    files.write_json(folder / "edits" / "wave" / "pose.json", {})
    content = {
        "version": 1,
        "name": "small",
        "prompt": "a photo of a person",
        "bounds": [[-1, -1, 0], [1, 1, 2]],
        "heldout": ["003"],
        "source_pose": "source_pose.json",
        "edits": {"wave": {"pose": "edits/wave/pose.json", "truth": "edits/wave/transforms.json"}},
    }
    files.write_json(folder / "capture.json", content)
    return folder


def test_capture_by_folder_and_by_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QNERF_ASSETS", str(folder.parent.parent))
    for capture in (load_capture(folder), load_capture("small")):
        assert capture.scene.prompt == "a photo of a person"
        assert capture.scene.bounds is not None
        np.testing.assert_array_equal(capture.scene.bounds, [[-1, -1, 0], [1, 1, 2]])
        assert [view.name for view in capture.scene.heldout_views] == ["003"]
        truth = capture.edit("wave").truth
        assert [view.name for view in truth.heldout_views] == ["003"]
        assert truth.views[1].image_path == folder / "edits" / "wave" / "images" / "001.png"
        assert capture.edit("wave").pose_path == folder / "edits" / "wave" / "pose.json"
    with pytest.raises(CaptureError, match="its edits are: wave"):
        capture.edit("kick")


def test_unknown_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QNERF_ASSETS", str(folder.parent.parent))
    with pytest.raises(AssetError, match="built in are: small"):
        load_capture("large")


def test_wrong_content_is_named(folder: Path) -> None:
    file = folder / "capture.json"
    edit_json(file, heldout=["9"])
    with pytest.raises(CaptureError, match="unknown views: 9"):
        load_capture(folder)
    edit_json(file, heldout=[], bounds=[[0, 0], [1, 1, 1]])
    with pytest.raises(CaptureError, match=r"bounds\.0\.2"):
        load_capture(folder)
    edit_json(file, bounds=[[-1, -1, 0], [1, 1, 2]], source_pose="none.json")
    with pytest.raises(CaptureError, match=r"no none\.json"):
        load_capture(folder)


def test_truth_must_have_every_view(folder: Path) -> None:
    write_capture(folder / "edits" / "wave", 3, heldout=())
    with pytest.raises(CaptureError, match="lacks the views 003"):
        load_capture(folder)
    (folder / "edits" / "wave" / "transforms.json").unlink()
    with pytest.raises(FileFormatError, match="no such file"):
        load_capture(folder)


def as_depth_capture(folder: Path) -> None:
    for path in (folder / "source_proxy.json", folder / "edits" / "wave" / "proxy.json"):
        files.write_json(path, {})
    content = files.read_json(folder / "capture.json")
    del content["source_pose"]
    content |= {"control": "depth", "source_proxy": "source_proxy.json"}
    content["edits"] = {"wave": {"proxy": "edits/wave/proxy.json", "truth": "edits/wave/transforms.json"}}
    files.write_json(folder / "capture.json", content)


def test_a_capture_edited_by_proxies(folder: Path) -> None:
    assert load_capture(folder).control == "skeleton", "where the file does not say"
    as_depth_capture(folder)
    capture = load_capture(folder)
    assert capture.control == capture.edit("wave").control == "depth"
    assert capture.source_proxy_path == folder / "source_proxy.json"
    assert capture.edit("wave").proxy_path == folder / "edits" / "wave" / "proxy.json"
    with pytest.raises(CaptureError, match="capture small has no poses: it is edited by depth proxies"):
        _ = capture.source_pose_path
    with pytest.raises(CaptureError, match="edit wave has no poses"):
        _ = capture.edit("wave").pose_path
    edit_json(folder / "capture.json", control="skeleton")
    with pytest.raises(CaptureError, match="'skeleton' and pose is missing"):
        load_capture(folder)


def test_the_depth_of_the_empty_scene_is_found_where_it_is(folder: Path) -> None:
    first, second = load_capture(folder).scene.views[:2]
    assert first.boundary_path is None
    with pytest.raises(CaptureError, match="no boundary depth"):
        load_boundary(first)
    depth = np.full((first.camera.height, first.camera.width), 2.5, np.float32)
    (folder / "boundary").mkdir()
    write_depth(folder / "boundary" / f"{first.name}.png", depth)
    scene = load_capture(folder).scene
    np.testing.assert_allclose(load_boundary(scene.views[0]), depth)
    assert scene.view(second.name).boundary_path is None
