"""One job in the queue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QUrl, Signal
from PySide6.QtGui import QDesktopServices, QFontDatabase, QMouseEvent
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.pace import duration_in_words
from app.shell.bars import set_value
from app.shell.icons import set_icon

if TYPE_CHECKING:
    from app.jobs import Job, JobQueue

_ICONS = {"edit": "edit-run", "export": "export", "fit": "cube"}
_COLOURS = {"running": "accent", "finished": "success", "failed": "danger"}
_STEPS = 1000
_DETAILS_HEIGHT = 110
_THIN = "QProgressBar { min-height: 5px; max-height: 5px; border: none; border-radius: 2px; }"
_STOPPING = ("Stopping", "Pausing")


class JobRow(QFrame):
    activated = Signal(str)

    def __init__(self, queue: JobQueue, job_id: str) -> None:
        super().__init__()
        self.setObjectName(f"job_{job_id}")
        self.setProperty("role", "card")
        self._queue = queue
        self._id = job_id
        self._shown: tuple[Any, ...] = ()
        self.icon = QToolButton()
        self.icon.setEnabled(True)
        self.icon.setAutoRaise(True)
        self.icon.setToolTip("Show it")
        self.title, self.state, self.left = QLabel(), QLabel(), QLabel()
        self.title.setProperty("role", "value")
        self.state.setProperty("role", "dim")
        self.state.setWordWrap(True)
        self.left.setProperty("role", "dim")
        self.bar = QProgressBar()
        self.bar.setRange(0, _STEPS)
        self.bar.setTextVisible(False)
        self.bar.setStyleSheet(_THIN)
        self.up = self._tool("up", "arrow-up", "Earlier")
        self.down = self._tool("down", "arrow-down", "Later")
        self.pause = self._tool("pause", "pause", "Pause")
        self.resume = self._tool("resume", "play", "Go on")
        self.cancel = self._tool("cancel", "stop", "Cancel")
        self.folder = self._tool("folder", "folder-open", "Open the folder")
        self.remove = self._tool("remove", "close", "Take out of the list")
        self.failure = _Failure()
        self.retry = QPushButton("Retry")
        self.retry.setObjectName("retry")
        self._build()
        self._connect()

    def refresh(self) -> None:
        job = self._queue.job(self._id)
        if job is None:
            return
        set_value(self.bar, round(job.fraction * _STEPS))
        self.left.setText("" if job.seconds_left is None else f"{duration_in_words(job.seconds_left)} left")
        text = _state_text(job)
        if text != self.state.text():
            self.state.setText(text)
        self.state.setHidden(not text)
        shown = (job.state, job.title, job.failure is not None, job.stage.startswith(_STOPPING))
        if shown != self._shown:
            self._shown = shown
            self._show_state(job)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.activated.emit(self._id)
        event.accept()

    def _show_state(self, job: Job) -> None:
        self.title.setText(job.title)
        set_icon(self.icon, _ICONS[job.kind], _COLOURS.get(job.state, "dim"))
        self.bar.setVisible(job.state in ("running", "paused"))
        self.left.setVisible(job.state == "running")
        waits = job.state in ("queued", "paused")
        stopping = job.stage.startswith(_STOPPING)
        self.up.setVisible(waits)
        self.down.setVisible(waits)
        self.pause.setVisible(job.state == "queued" or (job.state == "running" and not stopping))
        self.resume.setVisible(job.state == "paused")
        self.cancel.setVisible(job.unfinished)
        self.cancel.setToolTip("Stop at once" if stopping else "Cancel; what is finished is kept")
        self.folder.setVisible(job.state == "finished")
        self.remove.setVisible(not job.unfinished)
        self.retry.setVisible(job.state in ("failed", "cancelled"))
        self.failure.setVisible(job.failure is not None)
        if job.failure is not None:
            self.failure.show_failure(job.failure)

    def _build(self) -> None:
        texts = QVBoxLayout()
        texts.setSpacing(2)
        head = QHBoxLayout()
        head.setSpacing(2)
        head.addWidget(self.title, 1)
        for widget in (self.up, self.down, self.pause, self.resume, self.retry, self.cancel, self.folder, self.remove):
            head.addWidget(widget)
        below = QHBoxLayout()
        below.addWidget(self.state, 1)
        below.addWidget(self.left)
        texts.addLayout(head)
        texts.addLayout(below)
        texts.addWidget(self.bar)
        texts.addWidget(self.failure)
        whole = QHBoxLayout(self)
        whole.setContentsMargins(8, 6, 8, 8)
        whole.setSpacing(8)
        left = QVBoxLayout()
        left.addWidget(self.icon)
        left.addStretch(1)
        whole.addLayout(left)
        whole.addLayout(texts, 1)

    def _connect(self) -> None:
        queue, job_id = self._queue, self._id
        self.up.clicked.connect(lambda: queue.move(job_id, self._index() - 1))
        self.down.clicked.connect(lambda: queue.move(job_id, self._index() + 1))
        self.pause.clicked.connect(lambda: queue.pause(job_id))
        self.resume.clicked.connect(lambda: queue.resume(job_id))
        self.cancel.clicked.connect(lambda: queue.cancel(job_id))
        self.retry.clicked.connect(lambda: queue.retry(job_id))
        self.remove.clicked.connect(lambda: queue.remove(job_id))
        self.icon.clicked.connect(lambda: self.activated.emit(job_id))
        self.folder.clicked.connect(self._open_folder)

    def _index(self) -> int:
        return next(index for index, job in enumerate(self._queue.jobs) if job.id == self._id)

    def _open_folder(self) -> None:
        job = self._queue.job(self._id)
        if job is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(job.folder)))

    def _tool(self, name: str, icon: str, tip: str) -> QToolButton:
        button = QToolButton()
        button.setObjectName(name)
        button.setToolTip(tip)
        button.setAutoRaise(True)
        set_icon(button, icon, "danger" if name == "cancel" else "text")
        return button


class _Failure(QWidget):
    """What went wrong, why, and what to change."""

    def __init__(self) -> None:
        super().__init__()
        self._text = ""
        self.title, self.reason = QLabel(), QLabel()
        self.title.setProperty("role", "error")
        self.title.setObjectName("failure_title")
        self.reason.setWordWrap(True)
        self.reason.setObjectName("failure_reason")
        self.details_button = QPushButton("Details")
        self.details_button.setObjectName("details")
        self.details_button.setCheckable(True)
        self.copy_button = QPushButton("Copy")
        self.copy_button.setObjectName("copy")
        self.details = QPlainTextEdit()
        self.details.setReadOnly(True)
        self.details.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.details.setFixedHeight(_DETAILS_HEIGHT)
        self.details.hide()
        buttons = QHBoxLayout()
        buttons.addWidget(self.details_button)
        buttons.addWidget(self.copy_button)
        buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.title)
        column.addWidget(self.reason)
        column.addLayout(buttons)
        column.addWidget(self.details)
        self.details_button.toggled.connect(self.details.setVisible)
        self.copy_button.clicked.connect(self._copy)

    def show_failure(self, failure: dict[str, Any]) -> None:
        self.title.setText(failure["title"])
        sentences = [part.rstrip(". ") for part in (failure["cause"], failure["next_step"]) if part]
        self.reason.setText(". ".join(part[:1].upper() + part[1:] for part in sentences) + ".")
        self.details.setPlainText(failure["details"])
        self.details_button.setVisible(bool(failure["details"]))
        self._text = "\n".join(failure[key] for key in ("title", "cause", "next_step", "details") if failure[key])

    def _copy(self) -> None:
        QApplication.clipboard().setText(self._text)


def _state_text(job: Job) -> str:
    if job.state == "running":
        return job.stage
    words = {
        "queued": "Waiting",
        "paused": f"Paused at {job.fraction:.0%}" if job.fraction > 0 else "Paused",
        "finished": "Finished",
        "failed": "",
        "cancelled": "Cancelled; what was finished is kept",
    }
    return words[job.state]
