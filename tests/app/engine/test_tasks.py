"""What the child does, in this process: every stage can be cancelled, and gone on with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.document.opening import open_scene
from app.document.origin import origin_in_words
from app.engine import tasks
from app.engine.models import Models
from app.engine.service import Context, Engine
from app.job_state import stage_in_words
from qnerf_core import files
from qnerf_core.body.pose_file import read_pose
from qnerf_core.body.surface import BodySurface
from qnerf_core.diffusion.backbone import Backbone
from qnerf_core.errors import Cancelled, RunError
from qnerf_core.runs.folder import RunFolder
from tests.app.engine.small_edit import edited, small_capture, small_spec

pytestmark = pytest.mark.timeout(1500)


class Listener:
    """Stands where the pipe to the window is; asks to stop as soon as it hears of a stage."""

    def __init__(self, stop_at: str = "") -> None:
        self.stopped: set[str] = set()
        self.heard: list[Mapping[str, Any]] = []
        self._stop_at = stop_at

    def send(self, message: Mapping[str, Any]) -> None:
        self.heard.append(message)
        if message.get("stage") == self._stop_at:
            self.stopped.add("job")


MODELS = Models()


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_capture(tmp_path_factory.mktemp("scenes") / "ball")


@pytest.fixture(scope="module")
def whole(capture: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "whole"
    run(folder, capture)
    return folder


def run(folder: Path, capture: Path, stop_at: str = "", **request: Any) -> Listener:
    listener = Listener(stop_at)
    context = Context("job", listener, MODELS, listener.stopped)
    tasks.edit({"folder": str(folder), "spec": small_spec(capture).model_dump(mode="json"), **request}, context)
    return listener


STAGES = ["inversion", "qnerf", "kept", "decoding"]
OTHERS = [pytest.param(stage, marks=pytest.mark.slow) for stage in ("encoding", "look-ahead", "guidance")]


@pytest.mark.parametrize("stage", [*STAGES, *OTHERS])
def test_a_cancelled_edit_goes_on_to_the_same_pictures(stage: str, whole: Path, capture: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with pytest.raises(Cancelled):
        run(folder, capture, stage)
    assert RunFolder(folder).status == "cancelled"
    listener = run(folder, capture)
    assert RunFolder(folder).status == "finished"
    assert edited(folder) == edited(whole) != {}
    assert {message["job"] for message in listener.heard} == {"job"}
    fractions = [message["fraction"] for message in listener.heard if message["event"] == "StageProgress"]
    assert fractions == sorted(fractions)


@pytest.mark.parametrize("stage", ["views", "drafts"])
def test_an_edit_can_be_stopped_before_its_first_step(stage: str, capture: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    spec = small_spec(capture, diffusion={"correspondence": "on"}).model_dump(mode="json")
    with pytest.raises(Cancelled, match="being prepared"):
        run(folder, capture, stage, spec=spec)
    assert not folder.exists()
    listener = run(folder, capture, spec=spec)
    assert RunFolder(folder).status == "finished"
    told = [message for message in listener.heard if message.get("stage") == stage]
    assert {(message["fraction"], message["views"]) for message in told} == {(0.0, len(edited(folder)))}
    assert stage_in_words(told[0] | {"views_done": 2, "views": 3}).endswith("view 2 of 3")


def test_a_branch_starts_where_the_other_run_was(whole: Path, capture: Path, tmp_path: Path) -> None:
    same, other = tmp_path / "same", tmp_path / "other"
    branch = {"run": str(whole), "interval": 1}
    listener = run(same, capture, branch_from=branch)
    assert edited(same) == edited(whole)
    assert next(message for message in listener.heard if message["event"] == "RunStarted")["first_interval"] == 2
    spec = small_spec(capture, method="independent").model_dump(mode="json")
    run(other, capture, branch_from=branch, spec=spec)
    assert edited(other).keys() == edited(whole).keys()
    assert edited(other) != edited(whole)
    with pytest.raises(RunError, match="tau was 1, now 2"):
        run(tmp_path / "wrong", capture, branch_from=branch, spec=spec | {"tau": 2})


def test_a_pose_in_the_folder_is_edited_to_wherever_the_folder_is(capture: Path, tmp_path: Path) -> None:
    folder = tmp_path / "moved"
    poses = {
        "target_pose.json": capture / "edits" / "up" / "pose.json",
        "source_pose.json": capture / "source_pose.json",
    }
    spec = small_spec(capture, edit=str(tmp_path / "before" / "target_pose.json"), method="independent")
    own_files = {name: files.read_json(path) for name, path in poses.items()}
    run(folder, capture, spec=spec.model_dump(mode="json"), files=own_files)
    assert files.read_json(folder / "source_pose.json") == own_files["source_pose.json"]
    assert RunFolder(folder).spec.edit == str(folder / "target_pose.json")
    assert len(edited(folder)) == 3


def test_a_full_memory_fails_one_job_and_no_other(
    capture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def greedy(_backbone: Backbone, _latents: object) -> None:
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:118] DefaultCPUAllocator: can't allocate memory: 8 GB")

    listener = Listener()
    engine = Engine(listener)
    request = {"folder": str(tmp_path / "run"), "spec": small_spec(capture).model_dump(mode="json")}
    with monkeypatch.context() as patch:
        patch.setattr(Backbone, "decode_latents", greedy)
        engine.do({"job": "job", "kind": "edit", "request": request})
    failure = listener.heard[-1]["failure"]
    assert failure["title"] == "The memory is full"
    assert "smaller pictures" in failure["next_step"]
    assert "MB are free" in failure["details"]
    assert not failure["cancelled"]
    engine.do({"job": "job", "kind": "edit", "request": request})
    assert listener.heard[-1]["event"] == "JobFinished"
    with pytest.raises(KeyError):
        engine.do({"job": "job", "kind": "no such kind", "request": request})


def export(
    run_folder: Path, out: Path, parts: list[str], stop_at: str = "", **request: Any
) -> tuple[Listener, dict[str, Any]]:
    listener = Listener(stop_at)
    context = Context("job", listener, MODELS, listener.stopped)
    return listener, tasks.export({"run": str(run_folder), "parts": parts, "folder": str(out), **request}, context)


def test_an_exported_interval_opens_as_a_source_that_knows_its_origin(
    whole: Path, capture: Path, tmp_path: Path
) -> None:
    _, result = export(whole, tmp_path / "set", ["images"], interval=1)
    opened = open_scene(result["made"]["dataset"], BodySurface.load())
    previews = whole / "intervals" / "01" / "previews"
    shown = {view.name: view.image_path.read_bytes() for view in opened.scene.views}
    assert shown == {path.stem: path.read_bytes() for path in previews.glob("*.jpg")} != {}
    target = read_pose(capture / "edits" / "up" / "pose.json")
    assert np.array_equal(opened.source_pose.body_pose, target.body_pose)
    assert opened.provenance is not None
    assert opened.provenance["seed"] == RunFolder(whole).spec.seed
    assert origin_in_words(opened.provenance) == "ball, edited to up, interval 2"
    again = {**opened.provenance, "spec": {"scene": "dataset", "edit": "/x/pose.json"}, "source": opened.provenance}
    del again["interval"]
    assert origin_in_words(again) == "ball, edited to up, interval 2, edited to an own pose"


def test_what_is_exported_is_asked_for_and_can_be_stopped(whole: Path, tmp_path: Path) -> None:
    _, result = export(whole, tmp_path / "images", ["images"])
    assert set(result["made"]) == {"dataset", "picture"}
    assert len(list((tmp_path / "images" / "dataset" / "images").glob("*.png"))) == 3
    with pytest.raises(Cancelled):
        export(whole, tmp_path / "stopped", ["mesh"], stop_at="nerf")
    assert (tmp_path / "stopped" / "dataset" / "transforms.json").is_file()
    assert not (tmp_path / "stopped" / "nerf").exists()


@pytest.mark.slow
def test_a_field_is_fitted_once_for_all_that_needs_it(whole: Path, tmp_path: Path) -> None:
    listener, result = export(whole, tmp_path, ["nerf"])
    stages = [message["stage"] for message in listener.heard]
    assert [stage for index, stage in enumerate(stages) if stage not in stages[:index]] == ["images", "nerf"]
    assert set(result["made"]) == {"dataset", "picture", "nerf"}
    field = (tmp_path / "nerf" / "radiance.safetensors").read_bytes()
    with pytest.raises(Cancelled):
        export(whole, tmp_path, ["turntable"], stop_at="turntable")
    listener, result = export(whole, tmp_path, ["turntable", "nerf"])
    assert "nerf" not in {message["stage"] for message in listener.heard}
    assert (tmp_path / "turntable.mp4").is_file()
    assert (tmp_path / "nerf" / "radiance.safetensors").read_bytes() == field
    fractions = [message["fraction"] for message in listener.heard]
    assert fractions == sorted(fractions)
