from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from qnerf_core import files
from qnerf_core.editing import events
from qnerf_core.editing.spec import EditSpec
from qnerf_core.errors import RunError
from qnerf_core.runs.disk import check_disk, estimate_disk_bytes
from qnerf_core.runs.folder import RunFolder
from qnerf_core.runs.opening import open_run
from qnerf_core.runs.store import SETTINGS_KEY
from tests.synthetic_run import STEPS, VIEWS, make_backbone, make_spec, stream, write_run

IMAGES = torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def spec(tmp_path: Path) -> EditSpec:
    return make_spec(tmp_path / "scene", make_backbone(tmp_path / "model"))


def record_until(folder: Path, spec: EditSpec, stop: type[events.Event], count: int = 1) -> None:
    """Record a run and break off right after the ``count``-th event of a type."""
    seen = 0
    with open_run(folder, spec) as store:
        for event in store.consume(stream(spec, IMAGES)):
            seen += isinstance(event, stop)
            if seen == count:
                return


def contents(folder: Path) -> dict[str, bytes]:
    """Everything that must not depend on interruptions."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for kind in ("intervals", "edited", "inversion")
        for path in sorted((folder / kind).rglob("*"))
        if path.is_file()
    }


def test_a_finished_run_can_be_read(tmp_path: Path, spec: EditSpec) -> None:
    run = RunFolder(write_run(tmp_path / "run", spec, IMAGES.numpy()))
    assert run.status == "finished"
    assert run.spec == spec
    assert run.views == VIEWS == run.edited_views()
    assert [record.steps_done for record in run.intervals()] == [2, 4, 6]
    assert set(run.intervals()[1].previews) == set(VIEWS)
    assert np.abs(run.load_edited() - IMAGES.numpy()).max() <= 0.5 / 255 + 1e-6
    assert run.info["interrupted"] is False
    assert run.info["steps_done"] == STEPS
    assert run.info["seconds"] == {"inversion": 2.0, "kept": 3.0, "decoding": 0.25}
    names = [record["event"] for record in run.records()]
    assert names[0] == "RunStarted"
    assert names[-1] == "RunFinished"
    assert next(r for r in run.records() if r["event"] == "FieldFitted")["losses"] == [1.0, None]
    assert files.read_json(run.path / "spec.json") == spec.model_dump(mode="json")


def test_pictures_carry_the_settings(tmp_path: Path, spec: EditSpec) -> None:
    run = RunFolder(write_run(tmp_path / "run", spec, IMAGES.numpy()))
    with Image.open(run.edited_path("001")) as picture:
        settings = json.loads(picture.text[SETTINGS_KEY])
    assert EditSpec.model_validate(settings["spec"]) == spec
    assert settings["view"] == "001"
    assert settings["steps_done"] == STEPS
    assert settings["interrupted"] is False
    assert len(settings["model"]["sha256"]) == 64
    assert settings["versions"]["torch"] == torch.__version__


def test_an_unchanged_field_is_stored_once(tmp_path: Path, spec: EditSpec) -> None:
    run = RunFolder(write_run(tmp_path / "run", spec, IMAGES.numpy()))
    assert (run.interval_folder(1) / "qnerf.safetensors").exists()
    assert not (run.interval_folder(2) / "qnerf.safetensors").exists()
    assert run.intervals()[2].info["qnerf"] == "intervals/01/qnerf.safetensors"


@pytest.mark.parametrize("finished", [1, 2, 3])
def test_resuming_after_each_interval_ends_with_the_same_bytes(tmp_path: Path, spec: EditSpec, finished: int) -> None:
    whole = contents(write_run(tmp_path / "whole", spec, IMAGES.numpy()))
    folder = tmp_path / "cut"
    record_until(folder, spec, events.IntervalFinished, finished)
    assert RunFolder(folder).status == "running"
    with open_run(folder, spec, resume=True) as store:
        state = store.resume_state()
        assert state is not None
        assert state.interval == finished - 1
        assert torch.equal(state.latents, torch.full((3, 4, 2, 2), 2.0 * finished))
        assert torch.equal(state.field_state["grid"], torch.full((3,), float(min(finished - 1, 1))))
        assert state.trajectory.shape == (STEPS + 1, 3, 4, 2, 2)
        for _ in store.consume(stream(spec, IMAGES, first=finished, run_id="again")):
            pass
    assert contents(folder) == whole
    info = RunFolder(folder).info
    assert info["interrupted"] is True
    assert [session["run_id"] for session in info["sessions"]] == ["run", "again"]
    assert info["seconds"]["kept"] == 3.0


def test_before_the_first_interval_only_the_inversion_is_kept(tmp_path: Path, spec: EditSpec) -> None:
    record_until(tmp_path / "a", spec, events.InversionFinished)
    with open_run(tmp_path / "a", spec, resume=True) as store:
        state = store.resume_state()
        assert state is not None
        assert state.interval == -1
    record_until(tmp_path / "b", spec, events.RunStarted)
    with open_run(tmp_path / "b", spec, resume=True) as store:
        assert store.resume_state() is None


def test_a_damaged_last_interval_falls_back_to_the_one_before(tmp_path: Path, spec: EditSpec) -> None:
    folder = tmp_path / "run"
    record_until(folder, spec, events.IntervalFinished, 3)
    damaged = folder / "intervals/02/latents.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-3] + b"xyz")
    assert len(RunFolder(folder).intervals()) == 2
    with open_run(folder, spec, resume=True) as store:
        state = store.resume_state()
        assert state is not None
        assert state.interval == 1
    assert not (folder / "intervals/02").exists()


def test_an_interval_without_its_last_file_was_never_finished(tmp_path: Path, spec: EditSpec) -> None:
    folder = tmp_path / "run"
    record_until(folder, spec, events.IntervalFinished, 2)
    (folder / "intervals/01/info.json").unlink()
    assert len(RunFolder(folder).intervals()) == 1


def test_a_damaged_inversion_starts_over(tmp_path: Path, spec: EditSpec) -> None:
    folder = tmp_path / "run"
    record_until(folder, spec, events.IntervalFinished, 2)
    (folder / "inversion/trajectory.safetensors").write_bytes(b"short")
    with open_run(folder, spec, resume=True) as store:
        assert store.resume_state() is None
    assert not list((folder / "intervals").iterdir())


def test_other_settings_are_refused_and_named(tmp_path: Path, spec: EditSpec) -> None:
    record_until(tmp_path / "run", spec, events.IntervalFinished)
    other = spec.model_copy(update={"seed": 7})
    with pytest.raises(RunError, match=r"other settings: seed was 0, now 7"):
        open_run(tmp_path / "run", other, resume=True)
    open_run(tmp_path / "run", spec, resume=True).close()


def test_another_model_is_refused(tmp_path: Path, spec: EditSpec) -> None:
    record_until(tmp_path / "run", spec, events.IntervalFinished)
    (tmp_path / "model/model_index.json").write_text('{"changed": true}')
    with pytest.raises(RunError, match="diffusion model have changed"):
        open_run(tmp_path / "run", spec, resume=True)


def test_existing_things_are_not_overwritten(tmp_path: Path, spec: EditSpec) -> None:
    write_run(tmp_path / "run", spec, IMAGES.numpy())
    with pytest.raises(RunError, match="already holds a run"):
        open_run(tmp_path / "run", spec)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("years")
    with pytest.raises(RunError, match="something else"):
        open_run(tmp_path / "mine", spec, resume=True)


def test_two_processes_cannot_write_one_run(tmp_path: Path, spec: EditSpec) -> None:
    with open_run(tmp_path / "run", spec), pytest.raises(RunError, match="another process"):
        open_run(tmp_path / "run", spec, resume=True)


def test_leftovers_and_a_torn_log_are_cleaned_up(tmp_path: Path, spec: EditSpec) -> None:
    folder = tmp_path / "run"
    record_until(folder, spec, events.IntervalFinished)
    left = folder / "intervals/00/.latents.0a1b2c3d.tmp.safetensors"
    left.write_bytes(b"half")
    with (folder / "events.jsonl").open("a") as log:
        log.write('{"event": "Stage')
    before = len(list(RunFolder(folder).records()))
    open_run(folder, spec, resume=True).close()
    assert not left.exists()
    assert len(list(RunFolder(folder).records())) == before
    assert (folder / "events.jsonl").read_bytes().endswith(b"}\n")


def test_failure_and_cancellation_are_recorded(tmp_path: Path, spec: EditSpec) -> None:
    with open_run(tmp_path / "run", spec) as store:
        store.record(next(stream(spec, IMAGES)))
        store.record(events.RunFailed("run", "Cancelled", "you asked", "--resume", True))
    run = RunFolder(tmp_path / "run")
    assert run.status == "cancelled"
    assert run.info["failure"]["next_step"] == "--resume"
    with pytest.raises(RunError, match="no result yet"):
        run.load_edited()


def test_a_full_disk_is_noticed_before_the_start(tmp_path: Path, spec: EditSpec) -> None:
    started = next(stream(spec, IMAGES))
    assert isinstance(started, events.RunStarted)
    few = estimate_disk_bytes(started)
    written = sum(path.stat().st_size for path in write_run(tmp_path / "run", spec, IMAGES.numpy()).rglob("edited/*"))
    assert few > written
    with pytest.raises(RunError, match="not enough room"):
        check_disk(tmp_path, 10**18)


def test_not_a_run_says_so(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"no run\.json"):
        RunFolder(tmp_path)


KILLED = """
import os, signal, sys
from pathlib import Path
from qnerf_core.editing.spec import EditSpec
from qnerf_core.runs.opening import open_run
from tests.runs.test_store import IMAGES
from tests.synthetic_run import stream
from qnerf_core import files
spec = EditSpec.model_validate_json(sys.argv[2])
real, writes = os.replace, 0
def replace(source, target):
    global writes
    writes += 1
    if writes == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
    real(source, target)
os.replace = replace
with open_run(Path(sys.argv[1]), spec, resume=True) as store:
    for _ in store.consume(stream(spec, IMAGES)):
        pass
"""


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_a_process_killed_while_writing_loses_only_the_unfinished_interval(tmp_path: Path, spec: EditSpec) -> None:
    whole = contents(write_run(tmp_path / "whole", spec, IMAGES.numpy()))
    folder = tmp_path / "killed"
    # run.json, spec.json, run.json, trajectory, info, then the first interval: 2 + 3 previews + info, run.json;
    # the fourteenth write is in the middle of the second interval.
    command = [sys.executable, "-c", KILLED, str(folder), spec.model_dump_json(), "14"]
    root = Path(__file__).parents[2]
    killed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert list(folder.rglob(".*.tmp*"))
    with open_run(folder, spec, resume=True) as store:
        assert not list(folder.rglob(".*.tmp*"))
        state = store.resume_state()
        assert state is not None
        assert state.interval == 0
        for _ in store.consume(stream(spec, IMAGES, first=1)):
            pass
    assert contents(folder) == whole


def test_a_run_of_before_there_was_a_choice_kept_no_background(tmp_path: Path, spec: EditSpec) -> None:
    record_until(tmp_path / "run", spec, events.RunFinished)
    file = tmp_path / "run" / "run.json"
    content = files.read_json(file)
    del content["spec"]["background"]
    files.write_json(file, content)
    assert spec.background.keep
    assert not RunFolder(tmp_path / "run").spec.background.keep
