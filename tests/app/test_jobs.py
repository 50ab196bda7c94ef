"""The rules of the queue, with a worker whose work is done by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QCoreApplication, QObject, Signal

from app.jobs import QUEUE_FILE, Job, JobQueue

STOPPED = {"title": "The edit was stopped", "cause": "", "next_step": "", "details": "", "cancelled": True}
BROKEN = {"title": "The memory is full", "cause": "8 GB", "next_step": "Less.", "details": "", "cancelled": False}


class Hands(QObject):
    """An engine that does nothing until it is told what came of it."""

    eventReceived = Signal(str, object)
    jobFinished = Signal(str, object)
    jobFailed = Signal(str, object)

    def __init__(self) -> None:
        super().__init__()
        self.job: str | None = None
        self.asked: list[str] = []

    def submit(self, job: str, kind: str, request: dict[str, Any]) -> None:
        self.job, self.kind, self.request = job, kind, request

    def cancel(self, job: str) -> None:
        self.asked.append(job)

    def shutdown(self, _timeout: float) -> None:
        self.job = None

    def progress(self, fraction: float, **more: Any) -> None:
        assert self.job is not None
        event = {"event": "StageProgress", "stage": "kept", "fraction": fraction, **more}
        self.eventReceived.emit(self.job, event)

    def finish(self) -> None:
        job, self.job = self.job, None
        self.jobFinished.emit(job, {})
        QCoreApplication.processEvents()

    def fail(self, failure: dict[str, Any]) -> None:
        job, self.job = self.job, None
        self.jobFailed.emit(job, failure)
        QCoreApplication.processEvents()


@pytest.fixture
def hands(core_application: QCoreApplication) -> Hands:
    return Hands()


@pytest.fixture
def queue(hands: Hands, tmp_path: Path) -> Iterator[JobQueue]:
    queue = JobQueue(hands)  # type: ignore[arg-type]  # hands instead of a worker
    queue.open(tmp_path)
    yield queue
    queue.close()


def fill(queue: JobQueue, *names: str) -> list[Job]:
    folder = Path("/somewhere/else")
    jobs = [queue.add(Job(name, "export", name, folder / name, {"run": "r"})) for name in names]
    QCoreApplication.processEvents()
    return jobs


def states(queue: JobQueue) -> dict[str, str]:
    return {job.id: job.state for job in queue.jobs}


def test_one_after_the_other_in_the_order_of_the_list(queue: JobQueue, hands: Hands) -> None:
    fill(queue, "a", "b", "c", "d")
    assert states(queue) == {"a": "running", "b": "queued", "c": "queued", "d": "queued"}
    queue.move("d", 1)
    queue.cancel("b")
    assert hands.asked == []
    hands.finish()
    assert hands.job == "d"
    assert hands.request == {"run": "r", "folder": "/somewhere/else/d"}
    hands.fail(BROKEN)
    assert hands.job == "c"
    hands.finish()
    assert states(queue) == {"a": "finished", "d": "failed", "b": "cancelled", "c": "finished"}
    failed = queue.job("d")
    assert failed is not None
    assert failed.failure == BROKEN
    queue.retry("d")
    QCoreApplication.processEvents()
    assert hands.job == "d"
    assert failed.failure is None
    queue.clear_done()
    assert states(queue) == {"d": "running"}


def test_cancelling_acts_on_the_job_named(queue: JobQueue, hands: Hands) -> None:
    a, b = fill(queue, "a", "b")
    queue.cancel("b")
    assert (a.state, b.state, hands.asked) == ("running", "cancelled", [])
    queue.cancel("a")
    assert (a.state, a.stage, hands.asked) == ("running", "Stopping", ["a"])
    hands.progress(0.5)
    assert a.stage == "Stopping"
    queue.cancel("a")
    assert (a.stage, hands.asked) == ("Stopping at once", ["a", "a"])
    hands.fail(STOPPED)
    assert a.state == "cancelled"
    assert a.failure is None


def test_pausing_holds_everything_until_resumed(queue: JobQueue, hands: Hands) -> None:
    a, b = fill(queue, "a", "b")
    hands.progress(0.4, interval=1, intervals=5, step=7, views_done=8, views=24)
    assert a.stage == "Denoising, interval 2 of 5, step 8, view 8 of 24"
    queue.pause()
    assert hands.asked == ["a"]
    hands.fail(STOPPED)
    assert states(queue) == {"a": "paused", "b": "paused"}
    assert hands.job is None
    (c,) = fill(queue, "c")
    assert c.state == "running"
    queue.resume("b")
    hands.finish()
    assert (b.state, a.state) == ("running", "paused")
    queue.resume()
    hands.finish()
    assert a.state == "running"
    # Somebody who pauses and then cancels wants it cancelled.
    queue.pause("a")
    queue.cancel("a")
    hands.fail(STOPPED)
    assert a.state == "cancelled"


def test_what_was_not_finished_is_restored_paused(queue: JobQueue, hands: Hands, tmp_path: Path) -> None:
    fill(queue, "a", "b", "c")
    hands.finish()
    runs = tmp_path / "runs"
    request = {"spec": {"edit": str(runs / "d" / "target_pose.json"), "views": ["1", "2"]}, "from": str(runs / "c")}
    inside = queue.add(Job("d", "edit", "d", runs / "d", request))
    hands.progress(0.25)
    queue.open(None)
    moved = tmp_path.rename(tmp_path.with_name("moved"))
    queue.open(moved)
    assert states(queue) == {"a": "finished", "b": "paused", "c": "paused", "d": "paused"}
    restored = queue.job("d")
    assert restored is not None
    assert restored is not inside
    assert restored.folder == moved / "runs" / "d"
    assert restored.request == json.loads(json.dumps(request).replace(str(tmp_path), str(moved)))
    assert hands.asked == ["b"]
    # The other project's job ends only now; it is nobody's any more.
    queue.resume("c")
    QCoreApplication.processEvents()
    assert hands.job == "b"
    hands.fail(STOPPED)
    assert hands.job == "c"


def test_a_damaged_queue_is_put_aside_and_said(hands: Hands, tmp_path: Path) -> None:
    file = tmp_path / QUEUE_FILE
    for content in ("{", "[]", '{"jobs": [{"id": "a"}]}', json.dumps({"version": 1, "jobs": [{"folder": 3}]})):
        file.write_text(content)
        queue = JobQueue(hands)  # type: ignore[arg-type]  # hands instead of a worker
        said: list[dict[str, str]] = []
        queue.problem.connect(said.append)
        queue.open(tmp_path)
        queue.close()
        assert queue.jobs == []
        assert "damaged" in said[0]["title"]
        assert (tmp_path / "queue.damaged.json").read_text() == content
