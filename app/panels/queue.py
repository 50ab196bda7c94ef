"""The queue: what is being computed, what waits, what failed and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QScrollArea, QToolButton, QVBoxLayout, QWidget

from app.panels.job_row import JobRow
from app.shell.icons import set_icon

if TYPE_CHECKING:
    from app.jobs import JobQueue


class QueuePanel(QWidget):
    jobActivated = Signal(str)  # somebody wants to see it

    def __init__(self, queue: JobQueue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("queue_panel")
        self._queue = queue
        self.rows: dict[str, JobRow] = {}
        self.summary = QLabel()
        self.summary.setObjectName("queue_summary")
        self.pause_button = self._button("queue_pause", "pause", "Pause")
        self.pause_button.setToolTip("Hold everything; what runs stops after its step and goes on from there later")
        self.resume_button = self._button("queue_resume", "play", "Resume")
        self.clear_button = self._button("queue_clear", "trash", "Clear finished")
        self._list = QVBoxLayout()
        self._list.setContentsMargins(10, 4, 10, 10)
        self._list.setSpacing(6)
        self._empty = QLabel("Nothing to compute. Press Edit in the inspector, or export a run.")
        self._empty.setProperty("role", "hint")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._build()
        self.pause_button.clicked.connect(lambda: queue.pause())
        self.resume_button.clicked.connect(lambda: queue.resume())
        self.clear_button.clicked.connect(queue.clear_done)
        queue.jobsChanged.connect(self.refresh)
        queue.jobUpdated.connect(self._refresh_row)

    def refresh(self) -> None:
        # Rows cost time to make: nobody waits for those that are not seen.
        if not self.isVisible():
            return
        jobs = self._queue.jobs
        for gone in self.rows.keys() - {job.id for job in jobs}:
            self.rows.pop(gone).deleteLater()
        for index, job in enumerate(jobs):
            row = self.rows.get(job.id)
            if row is None:
                row = self.rows[job.id] = JobRow(self._queue, job.id)
                row.activated.connect(self.jobActivated)
            if self._list.indexOf(row) != index:
                self._list.insertWidget(index, row)
            row.refresh()
        self._empty.setVisible(not jobs)
        self._summarise()

    def _refresh_row(self, job_id: str) -> None:
        row = self.rows.get(job_id)
        if row is not None and self.isVisible():
            row.refresh()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    def _summarise(self) -> None:
        states = [job.state for job in self._queue.jobs]
        names = {"running": "running", "queued": "waiting", "paused": "paused", "failed": "failed"}
        parts = [f"{states.count(state)} {word}" for state, word in names.items() if state in states]
        self.summary.setText(", ".join(parts) or "Queue")
        self.pause_button.setVisible("running" in states or "queued" in states)
        self.resume_button.setVisible("paused" in states)
        self.clear_button.setVisible("finished" in states or "cancelled" in states)

    def _build(self) -> None:
        header = QHBoxLayout()
        header.setContentsMargins(12, 6, 10, 2)
        header.setSpacing(4)
        self.summary.setProperty("role", "section")
        header.addWidget(self.summary, 1)
        for button in (self.pause_button, self.resume_button, self.clear_button):
            header.addWidget(button)
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(self._list)
        column.addWidget(self._empty, 1)
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(content)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addLayout(header)
        whole.addWidget(scroll, 1)

    def _button(self, name: str, icon: str, text: str) -> QToolButton:
        button = QToolButton()
        button.setObjectName(name)
        button.setText(text)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        set_icon(button, icon)
        return button
