from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from app.cli import main
from app.console import USER_ERROR
from qnerf_core import assets
from qnerf_core.diffusion.loading import load_controlnet
from qnerf_core.models.layout import find_model
from tests.model_files import write_lora
from tests.synthetic_capture import write_capture
from tests.tiny_models import sd15_like

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QNERF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return tmp_path


def test_a_model_is_added_listed_verified_and_deleted(home: Path, capsys: Captured) -> None:
    folder = home / "mine"
    shutil.copytree(sd15_like(), folder)
    assert main(["models", "list"]) == 0
    assert "Only the built-in model" in capsys.readouterr().out
    assert main(["models", "add", str(folder), "--name", "own", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "base"
    assert main(["models", "verify", "own", "--json"]) == 0
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert any(finding.startswith("9 query layers") for finding in findings)
    assert main(["models", "list", "--json"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)["models"]
    assert (listed["name"], listed["there"], listed["verified"] is not None) == ("own", True, True)
    assert main(["models", "delete", "own", "--yes"]) == 0
    assert "its files stay" in capsys.readouterr().out
    assert folder.is_dir()


def test_an_edit_takes_base_controlnet_and_lora_from_the_list(home: Path, capsys: Captured) -> None:
    """The tiny twin of `tests/diffusion/test_full_size.py`: two views, two intervals, nine query layers."""
    base = home / "base"
    shutil.copytree(sd15_like(), base, ignore=shutil.ignore_patterns("controlnet*"))
    shutil.copytree(sd15_like() / "controlnet_skeleton", home / "openpose")
    write_lora(load_controlnet(find_model(home / "openpose"), torch.float32), home / "loose.safetensors", "processor")
    capture = write_capture(home / "ball", views=3, heldout=1)
    shutil.copy(assets.poses_folder() / "stand.json", capture / "source_pose.json")
    shutil.copy(assets.poses_folder() / "arms-raised.json", capture / "edits" / "up" / "pose.json")
    for name in ("base", "openpose", "loose.safetensors"):
        assert main(["models", "add", str(home / name)]) == 0
    (home / "settings.json").write_text(json.dumps({"previews": False, "qnerf": {"iterations": 2}}))
    command = ["edit", "--scene", str(capture), "--edit", "up", "--out", str(home / "run"), "--model", "base"]
    command += ["--lora", "loose", "--lora-scale", "0.1", "--steps", "2", "--tau", "1", "--view-batch", "1"]
    assert main([*command, "--settings", str(home / "settings.json"), "--json"]) == 0
    run = json.loads((home / "run" / "run.json").read_text())
    assert run["status"] == "finished"
    assert run["spec"]["model"]["controlnet"] == str(home / "openpose"), "the only one that fits"
    assert run["spec"]["model"]["lora"] == str(home / "loose.safetensors")
    assert run["query_shapes"] == [[64, 2, 2]] * 3 + [[32, 4, 4]] * 3 + [[16, 8, 8]] * 3
    assert len(run["intervals"]) == 2
    assert run["denoiser_calls"]["guidance"] == 2


def test_pickles_unknown_names_and_the_network_end_in_words(home: Path, capsys: Captured) -> None:
    pickle = home / "model.ckpt"
    pickle.write_bytes(b"\x80")
    for command, words in (
        (["models", "add", str(pickle)], "pickle"),
        (["models", "verify", "nothing"], "known are: none yet"),
        (["edit", "--model", "nothing", "--out", str(home / "run")], "models list"),
    ):
        assert main([*command, "--json"] if command[0] == "edit" else command) == USER_ERROR
        captured = capsys.readouterr()
        assert words in " ".join((captured.out + captured.err).split())
