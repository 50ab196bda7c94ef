from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from qnerf_core import files
from qnerf_core.evaluation import captures_page
from tests.synthetic_capture import write_capture
from tests.synthetic_run import make_backbone, truth_as_result


def test_an_edit_is_on_the_page_with_its_picture(tmp_path: Path) -> None:
    scene = write_capture(tmp_path / "ball", views=12, size=32, heldout=1)
    backbone = make_backbone(tmp_path / "model")
    done: list[str] = []
    page = tmp_path / "docs" / "page.md"
    page.parent.mkdir()
    arguments = ["--scenes", str(scene), "--backbone", str(backbone), "--steps", "6", "--tau", "2"]
    arguments += ["--runs", str(tmp_path / "runs"), "--out", str(page), "--first-edits", "1"]
    arguments += ["--also", "independent"]
    assert captures_page.main(arguments, finish=partial(truth_as_result, done=done)) == 0
    assert done == [f"up-{method}" for method in (*captures_page.METHODS.values(), "independent")]
    text = page.read_text()
    place = "pictures/results/ball-up.jpg"
    assert f"![ball, up]({place})" in text
    picture = files.read_image(page.parent / place)
    # Five rows of six cells under their captions.
    assert picture.shape[0] > 5 * 128
    assert picture.shape[1] > 6 * 128
    # The truth was given as our result: the same as the truth, and agreeing better than the source does.
    assert text.count("| up | ours | 100.00 |") == 1
    assert [line.split("|")[2].strip() for line in text.splitlines() if line.startswith("| up |")] == [
        "ours",
        "independent",
        "independent, all repainted",
        "unedited",
    ]
    verdicts = [line for line in text.splitlines() if "| yes |" in line or "| no |" in line]
    assert len(verdicts) == 4
    assert "| no |" not in verdicts[1]
    assert "below on all" in verdicts[3]


def test_an_unknown_method_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        captures_page.main(["--also", "magic"])
    assert "magic" in capsys.readouterr().err


def test_an_unknown_scene_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert captures_page.main(["--scenes", "nowhere", "--out", str(tmp_path / "page.md")]) == 1
    assert "nowhere" in capsys.readouterr().err
    assert not (tmp_path / "page.md").exists()
