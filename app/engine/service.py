"""The jobs of the engine: one at a time, the model kept loaded between them."""

from __future__ import annotations

import os
import threading
import time
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import psutil

from app.engine.channel import Channel
from app.engine.models import Models
from qnerf_core.errors import Cancelled, StudioError, is_out_of_memory

if TYPE_CHECKING:
    from qnerf_core.editing.events import Event

_SECONDS_TO_STOP = 20.0
_SECONDS_BETWEEN_PROGRESS = 0.05


class Context:
    """What a job's code sees: whether it should stop, where it reports to, and the models that are loaded."""

    def __init__(self, job_id: str, channel: Channel, models: Models, stopped: set[str]) -> None:
        self.models = models
        self._id = job_id
        self._channel = channel
        self._stopped = stopped
        self._last: tuple[float, object] = (0.0, None)

    def cancelled(self) -> bool:
        return self._id in self._stopped

    def progress(self, stage: str, fraction: float, detail: str = "") -> None:
        self.send({"event": "StageProgress", "stage": stage, "fraction": fraction, "detail": detail})

    def preparing(self, what: str, done: int, count: int) -> None:
        # The share of the work that a job has behind it does not count what is done before it.
        self.send({"event": "StageProgress", "stage": what, "fraction": 0.0, "views_done": done, "views": count})

    def event(self, event: Event) -> None:
        from qnerf_core.runs.records import event_to_record

        self.send(event_to_record(event, time.time()))

    def send(self, record: dict[str, Any]) -> None:
        now, stage = time.monotonic(), record.get("stage")
        if record["event"] == "StageProgress":
            # Tiny models make hundreds of steps a second.
            if stage == self._last[1] and now - self._last[0] < _SECONDS_BETWEEN_PROGRESS:
                return
            self._last = now, stage
        self._channel.send(record | {"job": self._id})


class Engine:
    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._requests: SimpleQueue[dict[str, Any] | None] = SimpleQueue()
        self._stopped: set[str] = set()
        self._models = Models()
        self._job: str | None = None

    def serve(self) -> None:
        self._channel.listen(self._on_message, self._on_end)
        while (request := self._requests.get()) is not None:
            self.do(request)

    def _on_message(self, message: dict[str, Any]) -> None:
        if message["do"] == "cancel":
            self._stopped.add(message["job"])
            self._channel.send({"event": "CancelAcknowledged", "job": message["job"]})
        else:
            # A job that was cancelled before is a new one now.
            self._stopped.discard(message["job"])
            self._requests.put(message)

    def _on_end(self) -> None:
        # The window is gone, or closing: what is being done stops after its step, and is kept.
        if self._job is not None:
            self._stopped.add(self._job)
        self._requests.put(None)
        deadline = threading.Timer(_SECONDS_TO_STOP, os._exit, (1,))
        deadline.daemon = True
        deadline.start()

    def do(self, request: dict[str, Any]) -> None:
        """One job, from its start to the message that ends it."""
        self._job = request["job"]
        job = Context(request["job"], self._channel, self._models, self._stopped)
        try:
            result = _run(request["kind"], request["request"], job)
        except (StudioError, OSError, MemoryError, RuntimeError) as error:
            # Whatever is none of these is a fault of the program: it ends this process with its traceback, and the
            # window goes on with a new one.
            failure = _failure(error)
            if failure is None:
                raise
            self._channel.send({"event": "JobFailed", "job": request["job"], "failure": failure})
        else:
            self._channel.send({"event": "JobFinished", "job": request["job"], "result": result})
        finally:
            self._job = None


def _run(kind: str, request: dict[str, Any], job: Context) -> dict[str, Any]:
    from app.engine import tasks

    try:
        return tasks.TASKS[kind](request, job)
    finally:
        job.models.rest()


def _failure(error: Exception) -> dict[str, Any] | None:
    if isinstance(error, StudioError):
        title, cause, next_step = error.title, error.cause, error.next_step
    elif isinstance(error, OSError):
        where = f" {error.filename}" if error.filename else " a file"
        title, cause = f"Cannot read or write{where}", error.strerror or str(error)
        next_step = "Check the path, its permissions and the free space, then retry."
    elif is_out_of_memory(error):
        title, cause = "The memory is full", _first_line(error)
        next_step = "Edit fewer views at once (views per batch), smaller pictures, or close other programs, then retry."
    else:
        return None
    free = psutil.virtual_memory()
    memory = f"Memory: {free.available / 1e6:.0f} MB of {free.total / 1e6:.0f} MB are free."
    details = f"{title}\n{cause}\n{next_step}\n{memory}"
    cancelled = isinstance(error, Cancelled)
    return {"title": title, "cause": cause, "next_step": next_step, "details": details, "cancelled": cancelled}


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
