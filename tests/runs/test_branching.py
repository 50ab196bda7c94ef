from __future__ import annotations

import secrets
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from qnerf_core.editing import consolidate
from qnerf_core.editing.spec import EditSpec
from qnerf_core.errors import RunError
from qnerf_core.runs.branching import branch_run, check_branch
from qnerf_core.runs.folder import RunFolder
from qnerf_core.runs.opening import open_run
from qnerf_core.scene.capture import TARGET_FILES
from tests.editing.conftest import SHORT, changed, inputs_of
from tests.synthetic_capture import write_capture
from tests.synthetic_run import make_backbone, make_spec, write_run
from tests.tiny_models import builtin_like

POSE = TARGET_FILES["skeleton"]


@pytest.fixture
def source(tmp_path: Path) -> RunFolder:
    scene = write_capture(tmp_path / "scene", views=4, heldout=1)
    spec = make_spec(scene, make_backbone(tmp_path / "model"))
    return RunFolder(write_run(tmp_path / "run", spec, np.zeros((3, 3, 16, 16), np.float32)))


def test_it_takes_over_the_past_and_only_that(source: RunFolder, tmp_path: Path) -> None:
    spec = changed(source.spec, diffusion__guidance__alpha=0.3, method="independent", seed=5, prompt="a red ball")
    run = branch_run(source, 1, spec, tmp_path / "branch")
    assert run.spec == spec
    assert run.status == "cancelled"
    assert [record.index for record in run.intervals()] == [0, 1]
    assert run.info["steps_done"] == 4
    assert run.info["prompt"] == "a red ball"
    assert run.info["branched_from"] == {"run": str(source.path), "interval": 1}
    assert not (run.path / "edited").exists()
    kinds = [record["event"] for record in run.records()]
    assert kinds.count("IntervalFinished") == 2
    assert "RunFinished" not in kinds
    assert run.intervals()[0].previews.keys() == source.intervals()[0].previews.keys()
    shutil.rmtree(source.path)
    assert len(run.intervals()) == 2


def test_what_is_past_cannot_be_changed(source: RunFolder, tmp_path: Path) -> None:
    for changes, name in (
        ({"tau": 1}, "tau was 2, now 1"),
        ({"diffusion__steps": 8}, "diffusion.steps was 6, now 8"),
        ({"qnerf__hidden_width": 32}, "qnerf.hidden_width"),
        ({"control__uncertain_band": 0.0}, "control"),
    ):
        with pytest.raises(RunError, match=name):
            branch_run(source, 1, changed(source.spec, **changes), tmp_path / "branch")
    with pytest.raises(RunError, match=r"interval 4 of run.*it is not finished"):
        check_branch(source, 3, source.spec)
    assert not (tmp_path / "branch").exists()
    with pytest.raises(RunError, match="holds something"):
        branch_run(source, 1, source.spec, source.path)
    (source.interval_folder(0) / "latents.safetensors").write_bytes(b"")
    with pytest.raises(RunError, match="interval 1 is damaged"):
        branch_run(source, 1, source.spec, tmp_path / "branch")


def test_a_pose_of_its_own_goes_along(tmp_path: Path) -> None:
    spec = make_spec(write_capture(tmp_path / "scene", views=4, heldout=1), make_backbone(tmp_path / "model"))
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / POSE).write_text("{}")
    spec = spec.model_copy(update={"edit": str(folder / POSE)})
    write_run(folder, spec, np.zeros((3, 3, 16, 16), np.float32))
    moved = Path(shutil.move(folder, tmp_path / "moved"))
    source = RunFolder(moved)
    assert source.spec.edit == str(moved / POSE)
    run = branch_run(source, 0, source.spec, tmp_path / "branch")
    assert run.spec.edit == str(run.path / POSE)
    assert Path(run.spec.edit).is_file()


def finish(folder: Path, spec: EditSpec) -> RunFolder:
    with open_run(folder, spec, resume=True) as store:
        stream = consolidate.run(
            inputs_of(builtin_like()), spec, run_id=secrets.token_hex(2), resume=store.resume_state()
        )
        for _ in store.consume(stream):
            pass
    return RunFolder(folder)


def test_with_the_same_settings_it_ends_in_the_same_bytes(tmp_path: Path) -> None:
    scene = write_capture(tmp_path / "scene", views=4, heldout=1)
    spec = changed(SHORT, backbone=str(builtin_like()), scene=str(scene), edit="up", prompt="a ball")
    whole = finish(tmp_path / "whole", spec)
    branch = finish(branch_run(whole, 1, spec, tmp_path / "branch").path, spec)
    other_spec = changed(spec, diffusion__guidance__alpha=0.5)
    other = finish(branch_run(whole, 1, other_spec, tmp_path / "other").path, other_spec)
    assert branch.status == other.status == "finished"
    assert branch.load_edited().tobytes() == whole.load_edited().tobytes()
    assert not torch.equal(torch.from_numpy(other.load_edited()), torch.from_numpy(whole.load_edited()))
    names = [path.relative_to(whole.path) for path in sorted((whole.path / "intervals").rglob("*.safetensors"))]
    assert [(branch.path / name).read_bytes() for name in names] == [(whole.path / name).read_bytes() for name in names]
    assert branch.info["sessions"][0]["first_interval"] == 2
    first = [(record["interval"]) for record in branch.records() if record["event"] == "IntervalFinished"]
    assert first == [0, 1, 2, 3]
