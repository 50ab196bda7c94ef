from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from qnerf_core.editing.spec import EditSpec
from qnerf_core.errors import StudioError
from qnerf_core.evaluation import table
from tests.synthetic_capture import write_capture
from tests.synthetic_run import make_backbone, stream, truth_as_result


def test_all_edits_and_methods_are_in_the_table_and_nothing_is_done_twice(tmp_path: Path) -> None:
    scene = write_capture(tmp_path / "scene", views=3, size=32, heldout=1)
    backbone = make_backbone(tmp_path / "model")
    done: list[str] = []

    finish = partial(truth_as_result, done=done)
    wanted = table.specs(str(scene), ["qnerf", "independent"], backbone=str(backbone), diffusion={"steps": 6}, tau=2)
    assert list(wanted) == [("up", "qnerf"), ("up", "independent"), ("aside", "qnerf"), ("aside", "independent")]
    reports = table.collect(wanted, tmp_path / "runs", nerf=False, finish=finish)
    assert len(done) == 4
    again = table.collect(wanted, tmp_path / "runs", nerf=False, finish=finish)
    assert len(done) == 4
    text = table.markdown(again, "the command")
    assert text == table.markdown(reports, "the command")
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| ")]
    labels = [(row[0].strip("| "), row[1]) for row in rows[1:]]
    assert labels == [
        *(("up", name) for name in ("qnerf", "independent", "unedited source", "truth (ceiling)")),
        *(("aside", name) for name in ("qnerf", "independent", "unedited source", "truth (ceiling)")),
        *(("mean", name) for name in ("qnerf", "independent", "unedited source")),
    ]
    assert rows[1][2] == "**100.00**"  # the truth was given as the result of qnerf
    assert rows[2][2] == rows[3][2]  # and the source as that of independent
    assert "`the command`" in text
    assert "EfficientNet-Lite0" in text


def test_methods_are_the_ablations_of_the_paper() -> None:
    made = {name: EditSpec(**fields) for name, fields in table.METHODS.items()}
    assert made["independent"].method == "independent"
    assert made["hard-injection"].hard_injection
    assert not made["not-progressive"].progressive
    assert made["qnerf-unmoved-kept"] == EditSpec()
    kept = {name for name, spec in made.items() if spec.background.keep}
    assert kept == {
        f"{method}-{what}"
        for method in ("qnerf", "independent")
        for what in ("background-kept", "unmoved-kept", "unled")
    }
    assert {name for name in kept if not made[name].background.unmoved} == {
        "qnerf-background-kept",
        "independent-background-kept",
    }
    unled = {name for name, spec in made.items() if spec.diffusion.correspondence == "off"}
    assert unled == {"qnerf-unled", "independent-unled"}


def test_a_method_and_the_choices_for_all_may_be_about_the_same_part(tmp_path: Path) -> None:
    scene = write_capture(tmp_path / "scene", views=3, size=16, heldout=1)
    made = table.specs(str(scene), ["independent-unled"], diffusion={"steps": 3}, views=2)
    spec = next(iter(made.values()))
    assert (spec.diffusion.steps, spec.diffusion.correspondence, spec.views) == (3, "off", 2)
    assert spec.method == "independent"


def test_a_scene_without_edits_cannot_be_tabulated(tmp_path: Path) -> None:
    (write_capture(tmp_path / "scene", views=3, size=16, heldout=1) / "capture.json").unlink()
    with pytest.raises(StudioError, match="brings no edits"):
        table.specs(str(tmp_path / "scene"), ["qnerf"])


def test_the_synthetic_stream_is_what_the_store_expects(tmp_path: Path) -> None:
    # Guards the helper the tests above stand on: every tensor has the view axis first.
    spec = EditSpec(scene="x", backbone=str(make_backbone(tmp_path / "m")))
    images = torch.from_numpy(np.zeros((3, 3, 16, 16), dtype=np.float32))
    assert [type(event).__name__ for event in stream(spec, images)][:2] == ["RunStarted", "StageProgress"]
