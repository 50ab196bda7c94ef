"""The queue of what is to be computed: one job after the other, on disk, restored paused."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal

from app import estimate, job_requests
from app.job_state import KEPT_WHEN_DONE, Job, read_jobs, record_of, stage_in_words
from app.pace import Pace
from app.worker import EngineWorker
from qnerf_core import files
from qnerf_core.runs.folder import RUN_FILE

if TYPE_CHECKING:
    from app.document.document import Document

QUEUE_FILE = "queue.json"
VERSION = 1
_NEW_RUN = "RunStarted"

__all__ = ["QUEUE_FILE", "Job", "JobQueue"]


class JobQueue(QObject):
    jobsChanged = Signal()
    jobUpdated = Signal(str)
    jobEvent = Signal(str, object)
    problem = Signal(object)  # {title, cause, next_step, details} that belongs to no job

    def __init__(self, worker: EngineWorker | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.jobs: list[Job] = []
        self.worker = worker or EngineWorker(self)
        self.worker.eventReceived.connect(self._on_event)
        self.worker.jobFinished.connect(self._on_finished)
        self.worker.jobFailed.connect(self._on_failed)
        self._file: Path | None = None
        self._pausing: str | None = None
        self._paces: dict[str, Pace] = {}
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="queue")
        self._document: Document | None = None
        self._closed = False

    @property
    def running(self) -> Job | None:
        return next((job for job in self.jobs if job.state == "running"), None)

    @property
    def waiting(self) -> list[Job]:
        return [job for job in self.jobs if job.state == "queued"]

    def job(self, job_id: str) -> Job | None:
        return next((job for job in self.jobs if job.id == job_id), None)

    def open(self, project_folder: Path | None) -> None:
        """Show a project's queue: what was not finished is paused. What runs for another project is paused there."""
        file = None if project_folder is None else project_folder / QUEUE_FILE
        if self._closed or file == self._file:
            return
        self.pause()
        self._flush()
        self._file = file
        self.jobs = []
        if file is not None and file.is_file():
            self.jobs, problem = read_jobs(file)
            if problem is not None:
                self.problem.emit(problem)
        self.jobsChanged.emit()

    def attach(self, document: Document) -> None:
        """Follow the project of a document."""
        self._document = document
        document.projectChanged.connect(self._follow)
        self._follow()

    def _follow(self) -> None:
        project = self._document.project if self._document is not None else None
        self.open(None if project is None else project.folder)

    def close(self, timeout: float = 2.0) -> None:
        """Pause what runs, write the queue, end the engine."""
        if self._closed:
            return
        self._closed = True
        running = self.running
        if running is not None:
            running.state = "paused"
        self._save()
        self.worker.shutdown(timeout)
        self._writer.shutdown(wait=True)
        # What the engine said while it ended may still arrive; it is not written any more.
        self._file = None

    def add(self, job: Job, index: int | None = None) -> Job:
        self.jobs.insert(len(self.jobs) if index is None else index, job)
        self._changed()
        return job

    def move(self, job_id: str, index: int) -> None:
        job = self._known(job_id)
        if job is None:
            return
        self.jobs.remove(job)
        self.jobs.insert(max(0, min(index, len(self.jobs))), job)
        self._changed()

    def cancel(self, job_id: str) -> None:
        """Cancel one job; asked again while it stops, it is stopped at once."""
        job = self._known(job_id)
        if job is None:
            return
        if job.state == "running":
            if self._pausing == job.id:
                self._pausing = None
            job.stage = "Stopping at once" if job.stage == "Stopping" else "Stopping"
            self.worker.cancel(job.id)
            self.jobUpdated.emit(job.id)
        elif job.state in ("queued", "paused"):
            job.state = "cancelled"
            self._changed()

    def pause(self, job_id: str | None = None) -> None:
        """Hold one job, or everything. What runs stops after its step and goes on from its last finished interval."""
        for job in self._chosen(job_id):
            if job.state == "queued":
                job.state = "paused"
                self._changed()
            elif job.state == "running" and self._pausing != job.id:
                self._pausing = job.id
                job.stage = "Pausing"
                self.worker.cancel(job.id)
                self.jobUpdated.emit(job.id)

    def resume(self, job_id: str | None = None) -> None:
        for job in self._chosen(job_id):
            if job.state == "paused":
                job.state = "queued"
                job.failure = None
        self._changed()

    def retry(self, job_id: str) -> None:
        """Queue a failed or cancelled job again; an edit goes on from what it finished."""
        job = self._known(job_id)
        if job is not None and job.state in ("failed", "cancelled"):
            job.state, job.failure, job.stage, job.seconds_left = "queued", None, "", None
            self._changed()

    def remove(self, job_id: str) -> None:
        job = self._known(job_id)
        if job is not None and job.state != "running":
            self.jobs.remove(job)
            self._changed()

    def clear_done(self) -> None:
        self.jobs = [job for job in self.jobs if job.state not in ("finished", "cancelled")]
        self._changed()

    def submit_edit(self, document: Document, *, branch_from: tuple[Path, int] | None = None) -> Job:
        """Queue the document's edit.

        Raises:
            StudioError: it cannot start from there, or nothing is open.
        """
        return self.add(job_requests.edit_job(document, branch_from))

    def submit_export(self, run: Path, parts: set[str], out: Path, interval: int | None = None) -> Job:
        """Queue an export of a run's result, or of what an interval previewed."""
        return self.add(job_requests.export_job(run, parts, out, interval))

    def submit_fit(self, source: str | Path, out: Path) -> Job:
        return self.add(job_requests.fit_job(source, out))

    def _known(self, job_id: str) -> Job | None:
        return self.job(job_id)

    def _chosen(self, job_id: str | None) -> list[Job]:
        return [job for job in self.jobs if job_id is None or job.id == job_id]

    def _changed(self) -> None:
        self._save()
        self.jobsChanged.emit()
        # Later, so that whoever adds a job sees it queued before it runs.
        QTimer.singleShot(0, self, self._start_next)

    def _start_next(self) -> None:
        if self._closed or self.worker.job is not None or self.running is not None or not self.waiting:
            return
        job = self.waiting[0]
        job.state, job.stage, job.seconds_left, job.failure = "running", "Starting the engine", None, None
        self._paces[job.id] = Pace()
        self.worker.submit(job.id, job.kind, {**job.request, "folder": str(job.folder)})
        self._save()
        self.jobsChanged.emit()
        self.jobUpdated.emit(job.id)

    def _on_event(self, job_id: str, event: dict[str, Any]) -> None:
        job = self._known(job_id)
        if job is not None and "fraction" in event:
            job.fraction = event["fraction"]
            if job.stage not in ("Pausing", "Stopping", "Stopping at once"):
                job.stage = stage_in_words(event)
            job.seconds_left = self._paces[job.id].left(job.fraction, time.monotonic())
            self.jobUpdated.emit(job_id)
        self.jobEvent.emit(job_id, event)
        if event["event"] == _NEW_RUN:
            self._runs_changed()

    def _on_finished(self, job_id: str, result: dict[str, Any]) -> None:
        job = self._known(job_id)
        if job is not None and job.kind == "edit":
            self._writer.submit(_learn, job.folder)
        self._end(job_id, {"state": "finished", "stage": "", "fraction": 1.0, "result": result})
        self.jobEvent.emit(job_id, {"event": "JobFinished", "job": job_id, "result": result})

    def _on_failed(self, job_id: str, failure: dict[str, Any]) -> None:
        if failure["cancelled"] and self._pausing == job_id:
            self._end(job_id, {"state": "paused", "stage": ""})
        elif failure["cancelled"]:
            self._end(job_id, {"state": "cancelled", "stage": ""})
        else:
            self._end(job_id, {"state": "failed", "stage": "", "failure": failure})
        self.jobEvent.emit(job_id, {"event": "JobFailed", "job": job_id, "failure": failure})

    def _end(self, job_id: str, changes: dict[str, Any]) -> None:
        if self._pausing == job_id:
            self._pausing = None
        self._paces.pop(job_id, None)
        job = self._known(job_id)
        if job is not None:
            job.seconds_left = None
            for name, value in changes.items():
                setattr(job, name, value)
            self._forget_old()
        self._changed()
        self.jobUpdated.emit(job_id)
        self._runs_changed()

    def _runs_changed(self) -> None:
        if self._document is not None:
            self._document.runsChanged.emit()

    def _forget_old(self) -> None:
        done = [job for job in self.jobs if job.state in ("finished", "cancelled")]
        for job in done[:-KEPT_WHEN_DONE]:
            self.jobs.remove(job)

    def _save(self) -> None:
        if self._file is None or not self._file.parent.is_dir():
            return
        content = {"version": VERSION, "jobs": [record_of(job, self._file.parent) for job in self.jobs]}
        future = self._writer.submit(files.write_json, self._file, content)
        future.add_done_callback(self._written)

    def _written(self, future: Any) -> None:
        error = future.exception()
        if error is not None:
            failure = {"title": "The queue cannot be saved", "cause": str(error)}
            self.problem.emit(failure | {"next_step": "Free some space or check the permissions.", "details": ""})

    def _flush(self) -> None:
        self._writer.submit(int).result()


def _learn(run: Path) -> None:
    estimate.remember(files.read_json(run / RUN_FILE))
