from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from app.gallery.run_reader import RunReader
from app.gallery.run_state import RunState
from app.shell.tasks import beside

if TYPE_CHECKING:
    from app.jobs import JobQueue

_PAUSE = 200


class RunFollower(QObject):
    """Reads a run beside the window, again whenever it is asked to, but not more often than is of use."""

    changed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._reader: RunReader | None = None
        self._queue: JobQueue | None = None
        self._reading = False
        self._again = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._read)

    @property
    def path(self) -> Path | None:
        return self._reader.path if self._reader else None

    def follow(self, path: Path | None) -> None:
        self._reader = RunReader(path) if path else None
        self._again = False
        self._read()

    def follow_queue(self, queue: JobQueue) -> None:
        """Read again whenever a job that works on the run has something to say."""
        self._queue = queue
        queue.jobEvent.connect(self._on_job)
        queue.jobUpdated.connect(self._on_job)

    def _on_job(self, job_id: str, *_: object) -> None:
        job = self._queue.job(job_id) if self._queue else None
        if job is not None and job.folder == self.path:
            self.refresh()

    @property
    def _live(self) -> bool | None:
        """Whether a job works on the run; None where that is not known."""
        jobs = [job for job in self._queue.jobs if job.folder == self.path] if self._queue else []
        return any(job.state == "running" for job in jobs) if jobs else None

    def refresh(self) -> None:
        if self._reading:
            self._again = True
        elif not self._timer.isActive():
            self._timer.start(_PAUSE)

    def _read(self) -> None:
        reader, live = self._reader, self._live
        if reader is None:
            return
        self._reading = True
        beside(self, lambda: (reader, reader.read(live)), self._take)

    def _take(self, result: tuple[RunReader, RunState]) -> None:
        reader, state = result
        self._reading = False
        if reader is self._reader:
            self.changed.emit(state)
        if self._again:
            self._again = False
            self._timer.start(_PAUSE)
