from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from app.cli import main
from app.console import USER_ERROR
from qnerf_core.scene.capture import load_scene, settled_path
from qnerf_core.scene.capture_settings import CaptureSettings, read_settings
from tests.scene.captures import edit_frame, write_capture


@pytest.fixture
def capture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QNERF_HOME", str(tmp_path / "home"))
    folder = tmp_path / "toy"
    views = write_capture(folder, masks=False, heldout=())
    sheared = views[1].camera.camera_to_world @ np.diag([1.0, 1.1, 1.0, 1.0])
    edit_frame(folder, 1, transform_matrix=sheared.tolist())
    views[2].image_path.write_bytes(b"")
    return folder


def test_what_is_wrong_is_listed_and_repaired(capture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(capture)]) == USER_ERROR
    shown = capsys.readouterr().out
    assert "nerfstudio: 3 views" in shown
    assert "[Correct the rotations]" in shown
    assert "[Skip images/002.png]" in shown
    assert "--repair all" in shown
    assert main(["inspect", str(capture), "--repair", "orthonormalise"]) == USER_ERROR
    capsys.readouterr()
    assert main(["inspect", str(capture), "--repair", "all", "--json"]) == 0
    captured = capsys.readouterr()
    report = json.loads(captured.out)
    assert report["usable"]
    assert report["views"] == 3
    assert report["settings"]["skip"] == ["images/002.png"]
    assert report["settings"]["orthonormalise"]
    assert "Repaired: Skip images/002.png" in captured.err
    assert main(["inspect", str(capture), "--reset"]) == USER_ERROR
    assert read_settings(capture) == CaptureSettings()


def test_placement_is_set_and_kept(capture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--frame", "find", "--turn", "90", "--up", "0,0,1", "--region", "-1,-1,0,1,1,2", "--aspect", "1:1"]
    assert main(["inspect", str(capture), "--repair", "all", *options, "--size", "64"]) == 0
    settings = read_settings(capture)
    assert settings.frame.turn == 90
    assert settings.frame.up == (0, 0, 1)
    np.testing.assert_array_equal(np.array(settings.region), [[-1, -1, 0], [1, 1, 2]])
    scene, _ = load_scene(capture)
    assert {(view.camera.width, view.camera.height) for view in scene.views} == {(24, 24)}
    assert settled_path(str(capture)) == str(scene.root)
    capsys.readouterr()
    assert main(["inspect", str(capture), "--region", "1,1,1,0,0,0"]) == USER_ERROR
    assert "its second corner is not above the first" in capsys.readouterr().err
    assert main(["inspect", str(capture), "--up", "north"]) == USER_ERROR
    assert "it is not 3 numbers" in capsys.readouterr().err
    assert main(["inspect", str(capture), "--scale", "-2"]) == USER_ERROR
    assert "frame.scale" in capsys.readouterr().err
