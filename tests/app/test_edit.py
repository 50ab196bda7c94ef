"""`edit` from the command line, with the real engine on a tiny random model."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from app import cli_edit
from app.cli import main
from app.console import CANCELLED, USER_ERROR
from app.progress import EditProgress
from qnerf_core import assets
from qnerf_core.body.model import BodyModel
from qnerf_core.body.pose_file import read_pose
from qnerf_core.control.raster import rasterise_depth
from qnerf_core.editing import events
from qnerf_core.editing.inputs import prepare
from qnerf_core.files import read_json, write_json
from qnerf_core.runs.folder import RunFolder
from qnerf_core.scene.box_masks import box_mask
from qnerf_core.scene.capture_settings import CaptureSettings, write_settings
from tests.synthetic_capture import write_capture
from tests.tiny_models import builtin_like


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_capture(tmp_path_factory.mktemp("scenes") / "ball", views=3, heldout=1)
    shutil.copy(assets.poses_folder() / "stand.json", folder / "source_pose.json")
    for edit in ("up", "aside"):
        shutil.copy(assets.poses_folder() / "arms-raised.json", folder / "edits" / edit / "pose.json")
    return folder


@pytest.fixture
def command(capture: Path, tmp_path: Path) -> list[str]:
    choices = ["--scene", str(capture), "--edit", "up", "--backbone", str(builtin_like()), "--steps", "3", "--tau", "1"]
    # The QNeRF's own cost belongs to the tests of the engine.
    return ["edit", *choices, "--method", "independent", "--out", str(tmp_path / "run")]


def test_edit_writes_a_run_and_says_where(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--json", "--seed", "3"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["status"] == "finished"
    assert summary["spec"]["seed"] == 3
    assert len(summary["edited"]) == 2
    assert all(Path(path).is_file() for path in summary["edited"])
    assert main([*command, "--seed", "3"]) == USER_ERROR
    assert "already holds a run" in capsys.readouterr().err
    assert main(["edit", "--out", str(tmp_path / "run"), "--resume"]) == 0
    assert "finished already" in capsys.readouterr().err
    assert main([*command, "--seed", "4", "--resume"]) == USER_ERROR
    assert "seed was 3, now 4" in capsys.readouterr().err


def test_pictures_alone_are_edited_from_a_fitted_pose(
    capture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pictures = shutil.copytree(capture, tmp_path / "pictures")
    for name in ("capture.json", "source_pose.json"):
        (pictures / name).unlink()
    poses = assets.poses_folder()
    choices = ["--scene", str(pictures), "--edit", str(poses / "arms-raised.json"), "--backbone", str(builtin_like())]
    command = ["edit", *choices, "--steps", "3", "--tau", "1", "--method", "independent", "--views", "1", "--json"]
    assert main([*command, "--out", str(tmp_path / "none")]) == USER_ERROR
    assert "--source-pose" in capsys.readouterr().out
    source = str(poses / "stand.json")
    assert main([*command, "--out", str(tmp_path / "run"), "--source-pose", source]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["status"] == "finished"
    assert summary["spec"]["source"] == source


class Interrupted(EditProgress):
    """Ctrl-C after the first interval."""

    def show(self, event: events.Event) -> None:
        super().show(event)
        if isinstance(event, events.IntervalFinished) and event.interval == 0:
            os.kill(os.getpid(), signal.SIGINT)


def test_pose_files_that_are_gone_meanwhile_are_no_hindrance(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    poses = tmp_path / "mine"
    shutil.copytree(assets.poses_folder(), poses)
    command[4] = str(poses / "arms-raised.json")
    run = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(cli_edit, "EditProgress", Interrupted)
        assert main([*command, "--views", "1", "--source-pose", str(poses / "stand.json")]) == CANCELLED
    shutil.rmtree(poses)
    capsys.readouterr()
    assert main(["edit", "--out", str(run), "--resume"]) == 0
    assert "Going on from interval 2" in capsys.readouterr().err
    info = read_json(run / "run.json")
    assert info["status"] == "finished"
    assert info["spec"]["source"] == str(poses / "stand.json")
    assert read_json(run / "source_pose.json") == read_json(assets.poses_folder() / "stand.json")


def test_ctrl_c_keeps_what_is_finished_and_resume_goes_on(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(cli_edit, "EditProgress", Interrupted)
        assert main([*command, "--no-progressive", "--views", "1"]) == CANCELLED
    shown = capsys.readouterr().err
    assert f"edit --out {run} --resume" in shown
    assert read_json(run / "run.json")["status"] == "cancelled"
    assert main(["edit", "--out", str(run), "--resume"]) == 0
    assert "Going on from interval 2" in capsys.readouterr().err
    info = read_json(run / "run.json")
    assert info["status"] == "finished"
    assert (info["spec"]["views"], info["spec"]["progressive"], info["spec"]["tau"]) == (1, False, 1)


def test_wrong_names_and_settings_leave_nothing_behind(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command[4] = "fly"
    assert main(command) == USER_ERROR
    assert "its edits are: up, aside" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_outside_the_users_box_every_pixel_stays_the_photos(
    capture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QNERF_HOME", str(tmp_path / "home"))
    pictures = shutil.copytree(capture, tmp_path / "pictures")
    shutil.rmtree(pictures / "masks")
    for name in ("capture.json", "source_pose.json"):
        (pictures / name).unlink()
    content = read_json(pictures / "transforms.json")
    for frame in content["frames"]:
        del frame["mask_path"]
    write_json(pictures / "transforms.json", content)
    box = ((-0.3, -0.3, 0.1), (0.3, 0.3, 0.9))
    write_settings(pictures, CaptureSettings(region=box))
    poses = assets.poses_folder()
    choices = ["--scene", str(pictures), "--edit", str(poses / "arms-raised.json"), "--backbone", str(builtin_like())]
    options = ["--source-pose", str(poses / "stand.json"), "--method", "independent", "--views", "2", "--steps", "3"]
    assert main(["edit", *choices, *options, "--tau", "1", "--out", str(tmp_path / "run")]) == 0
    run = RunFolder(tmp_path / "run")
    inputs = prepare(run.spec)
    photos, edited = np.rint(inputs.images.numpy() * 255), np.rint(run.load_edited() * 255)
    body = BodyModel.load()(read_pose(poses / "arms-raised.json"))
    for view, camera in enumerate(inputs.cameras):
        scale = max(camera.width, camera.height) / 256
        reach = (run.spec.background.margin + run.spec.background.feather) * scale
        target = rasterise_depth(body.vertices, BodyModel.load().faces, camera) > 0
        outside = (box_mask(camera, np.array(box), None) == 0) & (ndimage.distance_transform_edt(~target) > reach)
        assert outside.mean() > 0.2
        assert np.array_equal(edited[view][:, outside], photos[view][:, outside])
        assert not np.array_equal(edited[view], photos[view])


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_everything_made_of_an_edit(
    command: list[str], capture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command[2] = str(write_capture(tmp_path / "wide", views=7, heldout=1))
    for path in capture.rglob("*pose.json"):
        shutil.copy(path, Path(command[2]) / path.relative_to(capture))
    assert main(command) == 0
    run = tmp_path / "run"
    capsys.readouterr()
    assert main(["export", str(run), "--frames", "4", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert set(made) == {"dataset", "picture", "nerf", "turntable", "mesh", "nerf_psnr"}
    assert all(Path(made[key]).exists() for key in made if key != "nerf_psnr")
    assert main(["scenes", made["dataset"]]) == 0
    capsys.readouterr()
    assert main(["evaluate", str(run), "--json", "--no-nerf"]) == 0
    report = json.loads(capsys.readouterr().out)
    keys = {"psnr_truth", "ssim_truth", "perceptual_truth", "silhouette_iou", "view_agreement_psnr"}
    keys |= {"heldout_nerf_psnr", "kid", "fid"}
    assert keys <= report.keys()
    assert keys <= report["source"].keys()
    assert main(["fit", str(run), "--out", str(tmp_path / "nerf"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["psnr"] > 0
