from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli import main
from app.console import CANCELLED, USER_ERROR
from qnerf_core import files
from tests.scene.captures import edit_frame, write_capture

ROOT = Path(__file__).resolve().parents[2]


def run_main(*arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "main.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Assets that hold one small capture with one edit."""
    folder = tmp_path / "assets" / "scenes" / "small"
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
    monkeypatch.setenv("QNERF_ASSETS", str(tmp_path / "assets"))
    return folder


def test_without_a_display_it_says_what_to_do() -> None:
    unset = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    result = run_main(env=environment)
    assert result.returncode == USER_ERROR
    assert "The window cannot open: there is no display" in result.stderr
    assert "xvfb-run" in result.stderr
    assert "python main.py scenes" in result.stderr
    result = run_main(env=environment | {"DISPLAY": ":987"})
    assert result.returncode == USER_ERROR
    assert "the display :987 does not answer" in result.stderr


def test_nothing_heavy_is_imported() -> None:
    code = "import sys, main, app.launch, app.cli, app.progress, app.doctor\nprint(*sorted(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    heavy = {"torch", "diffusers", "transformers", "smplx", "nerfacc", "scipy", "pyvista", "PySide6", "skimage"}
    assert heavy.isdisjoint(result.stdout.split())


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    for command in ("edit", "fit-body", "fit-proxy", "fit", "export", "evaluate", "scenes", "doctor"):
        assert f" {command} " in shown


def test_scenes_for_people_and_for_scripts(library: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scenes"]) == 0
    assert "edits: wave" in capsys.readouterr().out
    assert main(["scenes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["scenes"] == [
        {
            "name": "small",
            "folder": str(library),
            "views": 3,
            "heldout": 1,
            "width": 24,
            "height": 16,
            "prompt": "a photo of a person",
            "edits": ["wave"],
        }
    ]


def test_inspecting_a_capture_lists_every_problem(library: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scenes", "small"]) == 0
    assert "No problem was found" in capsys.readouterr().out
    edit_frame(library, 0, fl_x=-1)
    edit_frame(library, 1, file_path="images/none.png")
    assert main(["scenes", str(library)]) == USER_ERROR
    shown = capsys.readouterr().out
    assert "fl_x is not a positive number" in shown
    assert "no such file" in shown
    assert main(["scenes", str(library), "--json"]) == USER_ERROR
    report = json.loads(capsys.readouterr().out)
    assert not report["usable"]
    assert [problem["severity"] for problem in report["problems"]] == ["error", "error"]


def test_errors_are_title_cause_and_next_step(library: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scenes", "nowhere"]) == USER_ERROR
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "There is no built-in scene named 'nowhere'" in captured.err
    assert "why:  built in are: small" in captured.err
    assert "next: " in captured.err
    assert "Traceback" not in captured.err
    assert main(["scenes", "nowhere", "--json"]) == USER_ERROR
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["cause"] == "built in are: small"


def test_unknown_options_and_commands_are_user_errors(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["paint"]) == USER_ERROR
    assert main(["edit", "--no-such-option"]) == USER_ERROR
    assert "No such option" in capsys.readouterr().err


def test_stopping_at_once_is_told_from_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop() -> list[str]:
        raise KeyboardInterrupt

    monkeypatch.setattr("qnerf_core.assets.builtin_scenes", stop)
    assert main(["scenes"]) == CANCELLED


def test_file_system_errors_have_no_traceback(
    library: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> list[str]:
        raise PermissionError(13, "Permission denied", "/secret")

    monkeypatch.setattr("qnerf_core.assets.builtin_scenes", fail)
    assert main(["scenes"]) == USER_ERROR
    assert "Cannot read or write /secret" in capsys.readouterr().err
