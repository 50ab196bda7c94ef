"""The queue, the worker and the child together."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QCoreApplication

from app.engine.process import EngineProcess
from app.jobs import Job, JobQueue
from qnerf_core.runs.folder import RunFolder
from tests.app.engine.small_edit import edited, small_capture, small_spec

pytestmark = pytest.mark.timeout(1500)

# Every stage takes long enough to be met.
LONG = {"diffusion": {"steps": 10, "view_batch": 1, "guidance": {"stop_fraction": 0.6}}, "tau": 2}


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_capture(tmp_path_factory.mktemp("scenes") / "ball")


@pytest.fixture(scope="module")
def queue(core_application: QCoreApplication, tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobQueue]:
    """One child for all these tests: each has to leave it in order."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QNERF_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("OMP_NUM_THREADS", "1")
        queue = JobQueue()
        queue.open(tmp_path_factory.mktemp("project"))
        yield queue
        queue.close(5.0)


class Events:
    def __init__(self, queue: JobQueue) -> None:
        self.seen: list[tuple[float, str, dict[str, Any]]] = []
        self._queue = queue
        queue.jobEvent.connect(self._keep)

    def _keep(self, job: str, event: dict[str, Any]) -> None:
        self.seen.append((time.monotonic(), job, event))

    def first(self, job: Job, **wanted: Any) -> float | None:
        for when, job_id, event in self.seen:
            if job_id == job.id and all(event.get(key) == value for key, value in wanted.items()):
                return when
        return None


def wait_until_over(job: Job) -> None:
    wait_for(lambda: not job.unfinished)


def wait_for(condition: Callable[[], bool], seconds: float = 600.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        QCoreApplication.processEvents()
        time.sleep(0.002)


def submit(queue: JobQueue, folder: Path, capture: Path, **changes: Any) -> Job:
    spec = small_spec(capture, **changes).model_dump(mode="json")
    return queue.add(Job(folder.name, "edit", folder.name, folder, {"spec": spec}))


def test_cancel_is_heard_at_once_and_retry_goes_on(queue: JobQueue, capture: Path, tmp_path: Path) -> None:
    events = Events(queue)
    job = submit(queue, tmp_path / "cancelled", capture, **LONG)
    wait_for(lambda: events.first(job, stage="kept") is not None)
    asked = time.monotonic()
    queue.cancel(job.id)
    wait_until_over(job)
    assert job.state == "cancelled"
    heard = events.first(job, event="CancelAcknowledged")
    assert heard is not None
    assert heard - asked < 0.2
    assert RunFolder(job.folder).status == "cancelled"
    queue.retry(job.id)
    wait_until_over(job)
    assert job.state == "finished"
    whole = submit(queue, tmp_path / "whole", capture, **LONG)
    wait_until_over(whole)
    assert whole.state == "finished"
    assert edited(job.folder) == edited(whole.folder) != {}
    assert events.first(job, event="JobFinished") is not None


def test_a_killed_child_fails_its_job_and_the_next_start_goes_on(
    queue: JobQueue, capture: Path, tmp_path: Path
) -> None:
    events = Events(queue)
    job = submit(queue, tmp_path / "killed", capture, **LONG)
    wait_for(lambda: events.first(job, event="IntervalFinished") is not None)
    before = queue.worker.engine_pid
    assert before is not None
    os.kill(before, signal.SIGKILL)
    wait_until_over(job)
    assert job.state == "failed"
    assert job.failure is not None
    assert "killed" in job.failure["cause"]
    assert "Retry" in job.failure["next_step"]
    queue.retry(job.id)
    wait_until_over(job)
    assert job.state == "finished"
    assert queue.worker.engine_pid not in (None, before)
    sessions = RunFolder(job.folder).info["sessions"]
    assert [session["first_interval"] > 0 for session in sessions] == [False, True]


def test_what_fails_says_what_to_change_and_the_next_job_runs(queue: JobQueue, capture: Path, tmp_path: Path) -> None:
    wrong = submit(queue, tmp_path / "wrong", capture, edit="fly")
    layers = submit(queue, tmp_path / "layers", capture, diffusion={"guidance": {"layers": (99,)}})
    right = submit(queue, tmp_path / "right", capture, method="independent")
    wait_until_over(right)
    assert right.state == "finished"
    assert (wrong.state, layers.state) == ("failed", "failed")
    assert wrong.failure is not None
    assert layers.failure is not None
    assert "its edits are: up, aside" in wrong.failure["cause"]
    assert "Choose among 0 to 5" in layers.failure["next_step"]
    assert not wrong.folder.exists()


@pytest.mark.slow
def test_pausing_keeps_what_is_finished_and_a_second_cancel_kills(
    queue: JobQueue, capture: Path, tmp_path: Path
) -> None:
    events = Events(queue)
    job = submit(queue, tmp_path / "paused", capture, **LONG)
    wait_for(lambda: events.first(job, event="IntervalFinished") is not None)
    queue.pause()
    wait_for(lambda: job.state == "paused")
    other = submit(queue, tmp_path / "other", capture, method="independent")
    wait_until_over(other)
    assert other.state == "finished"
    assert job.state == "paused"
    queue.resume()
    wait_for(lambda: job.state == "running" and events.first(job, event="RunStarted", first_interval=1) is not None)
    pid = queue.worker.engine_pid
    queue.cancel(job.id)
    queue.cancel(job.id)
    wait_until_over(job)
    assert job.state == "cancelled"
    assert pid is not None
    assert queue.worker.engine_pid != pid
    queue.retry(job.id)
    wait_until_over(job)
    assert job.state == "finished"


@pytest.mark.slow
def test_a_child_whose_window_is_gone_keeps_its_work_and_ends(capture: Path, tmp_path: Path) -> None:
    spec = small_spec(capture, **LONG).model_dump(mode="json")
    child = EngineProcess()
    folder = tmp_path / "orphan"
    child.send({"do": "start", "job": "a", "kind": "edit", "request": {"folder": str(folder), "spec": spec}})
    for message in child.messages():
        if message["event"] == "IntervalFinished":
            # As when the window is killed: nobody holds the other end of its pipes any more.
            child.hang_up()
    child.obituary()
    assert not child.alive
    run = RunFolder(folder)
    assert run.status == "cancelled"
    assert len(run.intervals()) >= 1
