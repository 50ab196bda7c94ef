from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qnerf_core import files
from qnerf_core.errors import AssetError, CaptureError, FileFormatError
from qnerf_core.scene.capture import load_capture
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
