"""The thread that drives the engine: one job at a time, its events as signals."""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import Any

from PySide6.QtCore import QObject, QThread, Signal

from app.engine.process import EngineProcess

Failure = dict[str, Any]


class EngineWorker(QThread):
    eventReceived = Signal(str, object)  # job id, event record
    jobFinished = Signal(str, object)  # job id, result
    jobFailed = Signal(str, object)  # job id, {title, cause, next_step, details, cancelled}

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._requests: SimpleQueue[dict[str, Any] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._child: EngineProcess | None = None
        self._job: str | None = None
        self._asked_to_stop = 0

    @property
    def job(self) -> str | None:
        """The id of the job being done."""
        return self._job

    @property
    def engine_pid(self) -> int | None:
        child = self._child
        return child.pid if child is not None and child.alive else None

    def submit(self, job: str, kind: str, request: dict[str, Any]) -> None:
        with self._lock:
            self._job = job
            self._asked_to_stop = 0
        self._requests.put({"do": "start", "job": job, "kind": kind, "request": request})
        if not self.isRunning():
            self.start()

    def cancel(self, job: str) -> None:
        """Stop after the step being done, keeping what is finished; asked again, stop at once."""
        with self._lock:
            if job != self._job:
                return
            self._asked_to_stop += 1
            child, again = self._child, self._asked_to_stop > 1
        if child is None:
            return
        if again:
            child.kill()
        else:
            child.send({"do": "cancel", "job": job})

    def shutdown(self, timeout: float = 2.0) -> None:
        """End the thread and the child, within the timeout and a moment."""
        self._requests.put(None)
        with self._lock:
            job, child = self._job, self._child
        if child is not None and job is not None:
            child.send({"do": "cancel", "job": job})
        if not self.wait(round(timeout * 1000)):
            if child is not None:
                child.kill()
            self.wait()

    def run(self) -> None:
        while (request := self._requests.get()) is not None:
            self._serve(request)
        if self._child is not None:
            self._child.close(1.0)
            self._child = None

    def _serve(self, request: dict[str, Any]) -> None:
        job = request["job"]
        try:
            child = self._ready_child()
        except OSError as error:
            self._fail(job, _failure("The engine cannot be started", str(error), "Run `python main.py doctor`."))
            return
        child.send(request)
        with self._lock:
            asked = self._asked_to_stop
        if asked > 1:
            child.kill()
        elif asked:
            child.send({"do": "cancel", "job": job})
        for event in child.messages():
            if event.get("job") != job:
                continue
            if event["event"] == "JobFinished":
                self._forget()
                self.jobFinished.emit(job, event["result"])
                return
            if event["event"] == "JobFailed":
                self._fail(job, event["failure"])
                return
            self.eventReceived.emit(job, event)
        self._died(job, child)

    def _ready_child(self) -> EngineProcess:
        # Only this thread starts and buries children; the lock is for those who look.
        child = self._child
        if child is not None and child.alive:
            return child
        if child is not None:
            child.obituary()
        child = EngineProcess()
        with self._lock:
            self._child = child
        return child

    def _died(self, job: str, child: EngineProcess) -> None:
        cause, words = child.obituary()
        with self._lock:
            self._child = None
            stopped = self._asked_to_stop > 1
        if stopped:
            failure = _failure("Stopped at once", "", "What was finished is kept; Retry goes on from there.")
            self._fail(job, failure | {"cancelled": True})
            return
        next_step = "Retry goes on from what is finished. If it fails again, edit fewer views or smaller pictures."
        self._fail(job, _failure("The engine stopped", cause, next_step, words))

    def _fail(self, job: str, failure: Failure) -> None:
        self._forget()
        self.jobFailed.emit(job, failure)

    def _forget(self) -> None:
        with self._lock:
            self._job = None
            self._asked_to_stop = 0


def _failure(title: str, cause: str, next_step: str, details: str = "") -> Failure:
    return {"title": title, "cause": cause, "next_step": next_step, "details": details, "cancelled": False}
