from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from app.cli import main
from app.console import USER_ERROR
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
