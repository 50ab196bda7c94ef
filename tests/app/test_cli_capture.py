from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from app import cli_edit, cli_fit_subject, cli_results
from app.cli import main
from app.console import CANCELLED, USER_ERROR
from app.progress import ResultProgress
from qnerf_core.errors import EvaluationError
from qnerf_core.scene.capture import load_scene, settled_path
from qnerf_core.scene.capture_settings import CaptureSettings, captures_folder, read_settings, write_settings
from qnerf_core.scene.scene import load_images
from tests.scene.captures import edit_frame, write_capture
from tests.synthetic_run import make_backbone, make_spec, write_run


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


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A capture whose pictures are made smaller before anything is done with them."""
    monkeypatch.setenv("QNERF_HOME", str(tmp_path / "home"))
    folder = tmp_path / "large"
    write_capture(folder, heldout=())
    write_settings(folder, CaptureSettings(longest_side=64, aspect=1.0))
    return folder


@pytest.mark.parametrize(
    ("module", "command"),
    [
        (cli_results, ["fit"]),
        (cli_fit_subject, ["fit-proxy"]),
        (cli_edit, ["edit", "--edit", "wave", "--scene"]),
    ],
)
def test_preparing_is_told_and_ctrl_c_leaves_nothing_of_it(
    module: ModuleType,
    command: list[str],
    large: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Interrupted(ResultProgress):
        def show(self, part: str, fraction: float, detail: str) -> None:
            super().show(part, fraction, detail)
            if (part, detail) == ("Preparing pictures", "2/4"):
                os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(module, "ResultProgress", Interrupted)
    assert main([*command, str(large), "--out", str(tmp_path / "out")]) == CANCELLED
    assert "Preparing pictures" in capsys.readouterr().err
    assert not [path for path in captures_folder().rglob("*") if "prepared" in path.parts and path.is_file()]
    assert not (tmp_path / "out").exists()


def test_measuring_a_run_tells_that_its_capture_is_prepared(
    large: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def measured(_run: Path, **_options: object) -> dict[str, object]:
        assert list((captures_folder() / "prepared").glob("*/*/transforms.json")), "that is done before"
        raise EvaluationError("Measuring has tests of its own")

    monkeypatch.setattr("qnerf_core.evaluation.report.evaluate", measured)
    views = load_scene(large)[0].training_views
    spec = make_spec(large, make_backbone(tmp_path / "model"))
    run = write_run(tmp_path / "run", spec, load_images(views), tuple(view.name for view in views))
    shutil.rmtree(captures_folder() / "prepared")
    assert main(["evaluate", str(run), "--no-nerf"]) == USER_ERROR
    told = capsys.readouterr().err
    assert "Preparing pictures" in told
    assert "tests of its own" in told
