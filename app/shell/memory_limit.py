"""Holds an edit whose estimate is above the memory limit of the preferences, until the user says otherwise."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.shell.notices import notify
from app.shell.settings import Preferences

if TYPE_CHECKING:
    from app.document.document import Document
    from app.jobs import Job, JobQueue

_GIGABYTE = 1e9


class MemoryLimit(QObject):
    def __init__(self, document: Document, queue: JobQueue) -> None:
        super().__init__(queue)
        self._document = document
        self._queue = queue
        self._seen: set[str] = set()
        queue.jobsChanged.connect(self._look)

    def _look(self) -> None:
        limit = Preferences.load().run_memory_gb
        for job in list(self._queue.waiting):
            if job.kind == "edit" and job.id not in self._seen:
                self._seen.add(job.id)
                needed = self._needed(job) if limit else 0.0
                if needed > limit:
                    self._hold(job, needed, limit)

    def _needed(self, job: Job) -> float:
        from app.estimate import estimate
        from qnerf_core.editing.spec import EditSpec

        scene = self._document.scene
        if scene is None:
            return 0.0
        return estimate(EditSpec.model_validate(job.request["spec"]), scene).memory / _GIGABYTE

    def _hold(self, job: Job, needed: float, limit: float) -> None:
        self._queue.pause(job.id)
        notify(
            f"\u201c{job.title}\u201d waits",
            f"it needs about {needed:.1f} GB of memory, and the limit in the preferences is {limit:.1f} GB",
            "Edit fewer views or smaller pictures, or run it anyway",
            "warning",
            [("Run anyway", partial(self._queue.resume, job.id))],
        )
