"""The status bar: a hint on the left, the running job with its Cancel on the right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QStatusBar, QToolButton, QWidget

from app.shell.bars import set_value
from app.shell.icons import set_icon

if TYPE_CHECKING:
    from app.jobs import Job, JobQueue

_HEIGHT = 32


class StatusBar(QStatusBar):
    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("statusBar")
        self.setSizeGripEnabled(False)
        self.setFixedHeight(_HEIGHT)
        self._queue: JobQueue | None = None
        self._hint = QLabel()
        self._hint.setObjectName("statusHint")
        self._hint.setContentsMargins(8, 0, 0, 0)
        self.addWidget(self._hint, 1)
        self._job = QWidget()
        self._job.setObjectName("statusJob")
        self._title = QLabel()
        self._title.setObjectName("statusJobTitle")
        self._bar = QProgressBar()
        self._bar.setObjectName("statusProgress")
        self._bar.setRange(0, 1000)
        self._bar.setFixedWidth(170)
        self._pause = QToolButton()
        self._pause.setObjectName("statusPause")
        set_icon(self._pause, "pause")
        self._pause.setToolTip("Pause: stops after the step being done and goes on from the last finished interval")
        self._pause.clicked.connect(self._pause_job)
        self._cancel = QPushButton("Cancel")
        self._cancel.setObjectName("statusCancel")
        self._cancel.setProperty("danger", True)
        self._cancel.setToolTip("Stop this job and keep what is finished; a second press stops it at once")
        self._cancel.clicked.connect(self._cancel_job)
        row = QHBoxLayout(self._job)
        row.setContentsMargins(0, 0, 6, 0)
        row.setSpacing(8)
        for widget in (self._title, self._bar, self._pause, self._cancel):
            row.addWidget(widget, 0, Qt.AlignmentFlag.AlignVCenter)
        self.addPermanentWidget(self._job)
        self._job.hide()

    def set_queue(self, queue: JobQueue) -> None:
        self._queue = queue
        queue.jobsChanged.connect(self.refresh)
        queue.jobUpdated.connect(self.refresh)
        self.refresh()

    def set_hint(self, text: str) -> None:
        self._hint.setText(text)

    def refresh(self) -> None:
        job = self._queue.running if self._queue is not None else None
        self._job.setVisible(job is not None)
        if job is None:
            return
        self._title.setText(words(job))
        set_value(self._bar, round(1000 * job.fraction))
        self._bar.setFormat(f"{100 * job.fraction:.0f} %")
        self._cancel.setText("Stop at once" if job.stage.startswith("Stopping") else "Cancel")

    def _cancel_job(self) -> None:
        if self._queue is not None and self._queue.running is not None:
            self._queue.cancel(self._queue.running.id)
            self.refresh()

    def _pause_job(self) -> None:
        if self._queue is not None:
            self._queue.pause()


def words(job: Job) -> str:
    parts = [job.title, job.stage]
    if job.seconds_left is not None:
        parts.append(f"{duration(job.seconds_left)} left")
    return "   \u00b7   ".join(part for part in parts if part)


def duration(seconds: float) -> str:
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    if seconds < 3600:
        return f"{round(seconds / 60)} min"
    return f"{int(seconds // 3600)} h {round(seconds % 3600 / 60)} min"
