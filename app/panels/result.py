from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.document.opening import centre_of_views
from app.gallery.empty import EmptyState
from app.job_state import Job
from app.panels.figures import FigureTable, read_figures
from app.panels.nerf_pair import NerfPair
from app.panels.nerf_pane import NerfPane
from app.panels.orbit import Orbit
from app.run_titles import run_title
from app.shell.icons import set_icon
from app.shell.tasks import beside

if TYPE_CHECKING:
    from app.document.document import Document
    from app.jobs import JobQueue
    from app.preview import PreviewClient

FIELD = "radiance.safetensors"
ORIGINALS_FOLDER = "originals_nerf"
_TURN = np.pi
_NEEDS_NERF = {"nerf", "turntable", "mesh"}

Fields = dict[str, tuple[Path, int]]
_REST = 300
_SHARE, _LOWEST = 65, 110


class ResultPanel(QWidget):
    """The scene in 3D before and after the edit, seen by one camera, and what was measured."""

    def __init__(
        self, document: Document, queue: JobQueue, client: PreviewClient, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("resultPanel")
        self._document = document
        self._queue = queue
        self._run: Path | None = None
        self._orbit: Orbit | None = None
        self._shape = QSize(1, 1)
        self.pair = NerfPair(client, self)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._look)
        self._resting = QTimer(self)
        self._resting.setSingleShot(True)
        self._resting.timeout.connect(self.pair.rest)
        self._build()
        self.pair.rendered.connect(lambda pane, picture: self.panes[pane].show_picture(picture))
        document.currentViewChanged.connect(self._on_view)
        queue.jobsChanged.connect(self.refresh)
        queue.jobUpdated.connect(self._show_jobs)
        self.set_run(None)

    def _build(self) -> None:
        self.panes = {"before": NerfPane("nerfBefore", "Before"), "after": NerfPane("nerfAfter", "After")}
        pictures = QHBoxLayout()
        pictures.setSpacing(4)
        for pane in self.panes.values():
            pictures.addWidget(pane, 1)
            pane.turned.connect(self._turn)
            pane.panned.connect(self._pan)
            pane.zoomed.connect(self._zoom)
            pane.rested.connect(self.pair.rest)
            pane.resetAsked.connect(self.reset_camera)
            pane.resized.connect(self._resize)
        self.title = QLabel()
        self.title.setProperty("role", "heading")
        self.title.setWordWrap(True)
        self.make_after = self._button("makeAfter", "Make the NeRF of the result")
        self.make_before = self._button("makeBefore", "Make the NeRF of the originals")
        self.work = QLabel()
        self.work.setProperty("role", "hint")
        self.work.setWordWrap(True)
        self.measured = QLabel("Measured")
        self.measured.setProperty("role", "section")
        self.figures = FigureTable()
        self.unmeasured = QLabel()
        self.unmeasured.setProperty("role", "hint")
        self.unmeasured.setWordWrap(True)
        self.unmeasured.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(10, 10, 10, 10)
        column.setSpacing(8)
        column.addWidget(self.title)
        column.addLayout(pictures)
        for widget in (self.make_after, self.make_before, self.work, self.measured, self.figures, self.unmeasured):
            column.addWidget(widget)
        column.addStretch(1)
        self.content = QScrollArea()
        self.content.setWidgetResizable(True)
        self.content.setWidget(content)
        self.empty = EmptyState("cube", "No result yet", "Finish an edit, or choose a run in the history.")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.content)
        layout.addWidget(self.empty)
        self.make_after.clicked.connect(self.fit_result)
        self.make_before.clicked.connect(self.fit_originals)

    def _button(self, name: str, text: str) -> QPushButton:
        button = QPushButton(text)
        button.setObjectName(name)
        set_icon(button, "cube")
        return button

    # ---- what there is

    @property
    def fields(self) -> dict[str, Path]:
        """Folders of the fields, made or not, by pane."""
        project = self._document.project
        found = {"before": project.folder / ORIGINALS_FOLDER} if project is not None else {}
        return found | ({"after": self._run / "export" / "nerf"} if self._run is not None else {})

    def set_run(self, run: Path | None) -> None:
        self._run = run
        self.content.setVisible(run is not None)
        self.empty.setVisible(run is None)
        self.pair.stop()
        for pane in self.panes.values():
            pane.set_missing("no NeRF yet")
        if run is not None:
            self.title.setText(run_title(run))
            self.reset_camera()
            self.refresh()

    def refresh(self) -> None:
        if self._run is not None and not self._timer.isActive():
            self._timer.start(_REST)

    def _look(self) -> None:
        run, fields = self._run, self.fields
        if run is not None and self.isVisible():
            beside(self, lambda: (run, _existing(fields), read_figures(run), _is_finished(run)), self._take)

    def _take(self, found: tuple[Path, Fields, Mapping[str, Any] | None, bool]) -> None:
        run, fields, figures, finished = found
        if run != self._run:
            return
        self.pair.set_fields(fields)
        self.make_after.setVisible("after" not in fields and finished)
        self.make_before.setVisible("before" not in fields)
        for name, pane in self.panes.items():
            if name not in fields and pane.image is None:
                pane.set_missing("no NeRF yet")
            elif pane.image is None:
                pane.set_missing("rendering")
        self.measured.setVisible(figures is not None)
        self.figures.setVisible(figures is not None)
        self.unmeasured.setVisible(figures is None and finished)
        if figures is not None:
            self.figures.show_figures(figures)
        self.unmeasured.setText(f"Not measured. To do so: python main.py evaluate {run}")
        self._show_jobs()

    def _jobs(self) -> dict[str, Job]:
        fields = self.fields
        out = None if self._run is None else self._run / "export"
        found: dict[str, Job] = {}
        for job in self._queue.jobs:
            if not job.unfinished:
                continue
            if job.kind == "fit" and job.folder == fields.get("before"):
                found["before"] = job
            elif job.kind == "export" and job.folder == out and _NEEDS_NERF & set(job.request.get("parts", ())):
                found["after"] = job
        return found

    def _show_jobs(self, _job_id: str = "") -> None:
        jobs = self._jobs()
        self.make_after.setEnabled("after" not in jobs)
        self.make_before.setEnabled("before" not in jobs)
        names = {"before": "Originals", "after": "Result"}
        lines = [f"{names[name]}: {job.stage or 'in the queue'}, {job.fraction:.0%}" for name, job in jobs.items()]
        self.work.setText("\n".join(lines))
        self.work.setVisible(bool(lines))

    # ---- what can be done

    def fit_result(self) -> None:
        if self._run is not None and "after" not in self._jobs():
            self._queue.submit_export(self._run, {"nerf"}, self._run / "export")

    def fit_originals(self) -> None:
        project = self._document.project
        if project is not None and "before" not in self._jobs():
            self._queue.submit_fit(self._document.spec.scene, project.folder / ORIGINALS_FOLDER)

    def reset_camera(self) -> None:
        """Look from the current view's camera."""
        scene = self._document.scene
        if scene is None:
            return
        names = {view.name for view in scene.views}
        name = self._document.current_view
        view = scene.view(name) if name in names and name is not None else scene.views[0]
        self._orbit = Orbit.of(view.camera, centre_of_views(scene))
        self._shape = QSize(view.camera.width, view.camera.height)
        for pane in self.panes.values():
            pane.set_shape(self._shape)
        self._resize()
        self.pair.move(view.camera, moving=False)

    def _on_view(self) -> None:
        if self._run is not None:
            self.reset_camera()

    def _turn(self, across: float, down: float) -> None:
        self._move(None if self._orbit is None else self._orbit.turned(-across * _TURN, down * _TURN))

    def _pan(self, across: float, down: float) -> None:
        self._move(None if self._orbit is None else self._orbit.panned(across, down))

    def _zoom(self, factor: float) -> None:
        self._move(None if self._orbit is None else self._orbit.zoomed(factor))
        self._resting.start(_REST)

    def _move(self, orbit: Orbit | None) -> None:
        if orbit is not None:
            self._orbit = orbit
            self.pair.move(orbit.camera(), moving=True)

    def _resize(self) -> None:
        # As high as the picture is, but leaving room for what is below.
        for pane in self.panes.values():
            wanted = pane.width() * self._shape.height() // max(1, self._shape.width())
            pane.setFixedHeight(max(_LOWEST, min(wanted, _SHARE * self.height() // 100)))
        frame = self.panes["after"].frame()
        self.pair.set_size(round(max(frame.width(), frame.height()) * self.devicePixelRatioF()))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    def hideEvent(self, event: QHideEvent) -> None:
        self.pair.stop()
        super().hideEvent(event)

    def shutdown(self) -> None:
        self._timer.stop()
        self._resting.stop()
        self.pair.stop()


def _existing(folders: Mapping[str, Path]) -> Fields:
    files = {name: folder / FIELD for name, folder in folders.items()}
    return {name: (folders[name], file.stat().st_mtime_ns) for name, file in files.items() if file.is_file()}


def _is_finished(run: Path) -> bool:
    return any((run / "edited").glob("*.png"))
