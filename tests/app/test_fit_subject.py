from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from app import cli_fit_subject
from app.cli import main
from app.console import CANCELLED, USER_ERROR
from app.progress import ResultProgress
from qnerf_core import assets
from qnerf_core.body.keypoints import read_keypoints, write_keypoints
from qnerf_core.body.pose_file import read_pose
from qnerf_core.body.surface import BodySurface
from qnerf_core.evaluation.body_fitting import clicked, true_keypoints
from qnerf_core.proxy.files import read_proxy
from qnerf_core.scene.capture import load_capture
from tests.synthetic_capture import write_capture


def test_a_body_is_fitted_from_a_file_of_clicks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capture = load_capture("alligator")
    body, truth = BodySurface.load(), read_pose(capture.source_pose_path)
    views = capture.scene.training_views[::8]
    seen = clicked(true_keypoints(body, truth), views, np.random.default_rng(0))
    write_keypoints(tmp_path / "clicks.json", seen, capture.scene)
    command = ["fit-body", "alligator", "--keypoints", str(tmp_path / "clicks.json"), "--out", str(tmp_path / "p.json")]
    assert main([*command, "--json", "--save-keypoints", str(tmp_path / "used.json")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["pose"] == str(tmp_path / "p.json")
    assert told["in_metres"]
    assert len(told["residuals"]) == len(seen)
    assert 1 < told["error_pixels"] < 4
    off = np.linalg.norm(body.joints(read_pose(tmp_path / "p.json")) - body.joints(truth), axis=1)
    assert off.mean() < 0.03
    assert set(read_keypoints(tmp_path / "used.json", capture.scene)) == set(seen)
    assert main([*command, "--target", "kick"]) == 0
    assert "pixels off in the mean" in capsys.readouterr().out
    fitted, target = read_pose(tmp_path / "p.json"), read_pose(tmp_path / "p-kick.json")
    assert np.array_equal(target.betas, fitted.betas)
    kicking = read_pose(assets.poses_folder() / "kick.json")
    np.testing.assert_allclose(target.body_pose, kicking.body_pose)
    assert body.vertices(target)[:, 2].min() == pytest.approx(body.vertices(fitted)[:, 2].min(), abs=1e-5)
    assert main([*command, "--target", "fly"]) == USER_ERROR
    assert "fly" in capsys.readouterr().err


def test_too_little_leaves_no_pose_behind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit-body", "person", "--out", str(tmp_path / "p.json")]) == USER_ERROR
    assert "--keypoints" in capsys.readouterr().err
    assert main(["fit-body", "person", "--detector", "ghost", "--out", str(tmp_path / "p.json")]) == USER_ERROR
    assert "no detector" in capsys.readouterr().err
    assert not (tmp_path / "p.json").exists()


def test_a_proxy_is_fitted_to_the_masks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capture = write_capture(tmp_path / "ball", views=6, heldout=1)
    assert main(["fit-proxy", str(capture), "--out", str(tmp_path / "x.json"), "--boxes", "2", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert 1 <= len(told["parts"]) <= 2
    np.testing.assert_allclose(told["box"], read_proxy(tmp_path / "x.json").box(), atol=1e-6)
    assert main(["fit-proxy", str(capture), "--out", str(tmp_path / "y.json"), "--kind", "mesh"]) == 0
    told = capsys.readouterr()
    assert "Fitting the proxy" in told.err
    assert "1 parts" in told.out


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_ctrl_c_leaves_no_half_written_proxy(
    share: float, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(ResultProgress):
        def share(self, stage: str, fraction: float) -> None:
            super().share(stage, fraction)
            if fraction >= share and not told:
                told.append(fraction)
                os.kill(os.getpid(), signal.SIGINT)

    told: list[float] = []
    capture = write_capture(tmp_path / "ball", views=6, heldout=1)
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "x.json").write_text("an older one")
    monkeypatch.setattr(cli_fit_subject, "ResultProgress", Interrupted)
    code = main(["fit-proxy", str(capture), "--out", str(folder / "x.json")])
    # With its last step it is done, and is written.
    assert code == (0 if share == 1.0 else CANCELLED)
    assert [path.name for path in folder.iterdir()] == ["x.json"]
    if share < 1.0:
        assert (folder / "x.json").read_text() == "an older one"
        assert "stopped" in capsys.readouterr().err
    else:
        assert read_proxy(folder / "x.json").parts
