from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

if TYPE_CHECKING:
    from app.jobs import JobQueue


def choose_folder(parent: QWidget, run: Path, interval: int) -> Path | None:
    chosen = QFileDialog.getExistingDirectory(parent, "Folder for the pictures and cameras", str(run))
    if not chosen:
        return None
    folder = Path(chosen)
    return folder / f"{run.name}-interval-{interval + 1}" if any(folder.iterdir()) else folder


class IntervalExports(QObject):
    """Exports of single intervals that the gallery asked for, until they are done."""

    done = Signal(object)  # folder of the data set

    def __init__(self, queue: JobQueue, parent: QObject) -> None:
        super().__init__(parent)
        self._queue = queue
        self._asked: set[str] = set()
        queue.jobUpdated.connect(self._look)

    def start(self, run: Path, interval: int, folder: Path) -> None:
        self._asked.add(self._queue.submit_export(run, {"images"}, folder, interval).id)

    def _look(self, job_id: str) -> None:
        job = self._queue.job(job_id) if job_id in self._asked else None
        if job is not None and job.state == "finished":
            self._asked.discard(job_id)
            self.done.emit(job.folder / "dataset")
