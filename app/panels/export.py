from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.gallery.empty import EmptyState
from app.job_state import Job
from app.panels.export_row import PARTS, ExportRow, Made, find_made
from app.run_titles import run_title
from app.shell.icons import set_icon
from app.shell.tasks import beside
from qnerf_core import files
from qnerf_core.errors import FileFormatError, StudioError
from qnerf_core.runs.folder import RunFolder

if TYPE_CHECKING:
    from app.document.document import Document
    from app.jobs import JobQueue

_PAUSE = 200
QUALITY_FILE = "nerf/quality.json"


class ExportPanel(QWidget):
    """What the shown run can be made into."""

    sourceRequested = Signal(object)  # folder of an exported set, to begin a project with

    def __init__(self, document: Document, queue: JobQueue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("exportPanel")
        self._queue = queue
        self._run: Path | None = None
        self._possible = False
        self._made: dict[str, Made | None] = {}
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._look)
        self._build()
        document.runsChanged.connect(self.refresh)
        queue.jobsChanged.connect(self.refresh)
        queue.jobUpdated.connect(self._on_job)
        self._show()

    def _build(self) -> None:
        self.title = QLabel()
        self.title.setProperty("role", "heading")
        self.title.setWordWrap(True)
        self.folder = QLabel()
        self.folder.setProperty("role", "hint")
        self.folder.setWordWrap(True)
        self.everything = QPushButton("Export everything")
        self.everything.setObjectName("exportEverything")
        self.everything.setProperty("primary", True)
        set_icon(self.everything, "export", "on_accent")
        self.open = QPushButton("Open folder")
        self.open.setObjectName("exportOpenFolder")
        set_icon(self.open, "folder-open")
        buttons = QHBoxLayout()
        buttons.addWidget(self.everything)
        buttons.addWidget(self.open)
        buttons.addStretch(1)
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(10, 10, 10, 10)
        column.setSpacing(8)
        column.addWidget(self.title)
        column.addWidget(self.folder)
        self.rows = {part.name: ExportRow(part) for part in PARTS}
        for row in self.rows.values():
            column.addWidget(row)
            row.exportAsked.connect(lambda name: self.export({name}))
            row.cancelAsked.connect(self._queue.cancel)
            row.openAsked.connect(self._open_part)
            row.sourceAsked.connect(self.use_as_source)
        column.addLayout(buttons)
        column.addStretch(1)
        self.content = QScrollArea()
        self.content.setWidgetResizable(True)
        self.content.setWidget(content)
        self.empty = EmptyState("export", "Nothing to export yet", "Finish an edit, or choose a run in the history.")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.content)
        layout.addWidget(self.empty)
        self.everything.clicked.connect(self.export_everything)
        self.open.clicked.connect(self.open_folder)

    @property
    def out(self) -> Path | None:
        return self._run / "export" if self._run else None

    def set_run(self, run: Path | None) -> None:
        self._run, self._possible, self._made = run, False, {}
        self._show()
        self.refresh()

    def refresh(self) -> None:
        if not self._timer.isActive():
            self._timer.start(_PAUSE)

    def export(self, parts: set[str]) -> None:
        """Queue parts of what can be made of the run; the queue has no part twice."""
        wanted = {name for name in parts if not self._works_on(name)}
        if self._run is not None and self.out is not None and wanted and self._possible:
            self._queue.submit_export(self._run, wanted, self.out)
            self._show()

    def export_everything(self) -> None:
        self.export({part.name for part in PARTS})

    def open_folder(self) -> None:
        if self.out is not None:
            _open(self.out)

    def use_as_source(self) -> None:
        """Ask for a project that begins with the exported pictures."""
        if self.out is not None and self._made.get("images"):
            self.sourceRequested.emit(self.out / "dataset")

    def _open_part(self, name: str) -> None:
        part = next(part for part in PARTS if part.name == name)
        if self.out is not None:
            place = self.out / part.place
            _open(place if place.is_dir() else place.parent)

    def _on_job(self, job_id: str) -> None:
        job = self._queue.job(job_id)
        if job is not None and job.kind == "export" and job.folder == self.out:
            self._show()
            if not job.unfinished:
                self.refresh()

    def _look(self) -> None:
        run, out = self._run, self.out
        if run is not None and out is not None:
            beside(self, lambda: (run, *_look_at(run, out)), self._take)

    def _take(self, found: tuple[Path, bool, dict[str, Made | None]]) -> None:
        run, possible, made = found
        if run == self._run:
            self._possible, self._made = possible, made
            self._show()

    def _job_of(self, name: str) -> Job | None:
        """The newest job of this run's exports that makes the part."""
        jobs = (
            job
            for job in reversed(self._queue.jobs)
            if job.kind == "export" and job.folder == self.out and name in job.request.get("parts", ())
        )
        return next(jobs, None)

    def _works_on(self, name: str) -> bool:
        job = self._job_of(name)
        return job is not None and job.unfinished

    def _show(self) -> None:
        self.content.setVisible(self._run is not None)
        self.empty.setVisible(self._run is None)
        if self._run is None or self.out is None:
            return
        self.title.setText(run_title(self._run))
        hint = (
            f"To {self.out}" if self._possible else "This run has no result yet. Its single intervals can be exported."
        )
        self.folder.setText(hint)
        for name, row in self.rows.items():
            row.show_part(self._made.get(name), self._job_of(name), possible=self._possible)
        self.everything.setEnabled(self._possible and not all(self._works_on(part.name) for part in PARTS))
        self.open.setEnabled(any(self._made.values()))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    def shutdown(self) -> None:
        self._timer.stop()


def _look_at(run: Path, out: Path) -> tuple[bool, dict[str, Made | None]]:
    try:
        folder = RunFolder(run)
        possible = bool(folder.views) and len(folder.edited_views()) == len(folder.views)
    except StudioError:
        possible = False
    made = {part.name: find_made(out, part) for part in PARTS}
    nerf = made["nerf"]
    if nerf is not None:
        made["nerf"] = replace(nerf, figure=_quality(out / QUALITY_FILE))
    return possible, made


def _quality(path: Path) -> str:
    try:
        psnr = files.read_json(path)["psnr"]
    except (FileFormatError, KeyError, TypeError):
        return ""
    return "" if psnr is None else f"{psnr:.1f} dB on views kept out"


def _open(place: Path) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(place)))
