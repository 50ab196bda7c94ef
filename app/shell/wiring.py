"""Who listens to whom among the panels."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices

from app.shell.memory_limit import MemoryLimit
from app.shell.notices import notify
from app.shell.questions import ask

if TYPE_CHECKING:
    from app.document.document import Document
    from app.gallery.gallery import Gallery
    from app.jobs import JobQueue
    from app.live_preview import LivePreview
    from app.preview import PreviewClient
    from app.viewport.viewport import Viewport
    from app.window import MainWindow

_BRANCH, _SETTINGS = "Branch", "Change settings first"


class Wiring(QObject):
    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._shown_jobs: set[str] = set()
        self.live_preview: LivePreview | None = None
        self.previews = True
        window.rooms.finished.connect(self._connect)

    def _connect(self) -> None:
        rooms = self._window.rooms
        document, queue = rooms.document, rooms.queue
        if document is None or queue is None:
            return
        MemoryLimit(document, queue)
        if rooms.gallery is not None:
            self._connect_gallery(document, queue, rooms.gallery)
            if rooms.queue_panel is not None:
                rooms.queue_panel.jobActivated.connect(partial(self._show_job, queue, rooms.gallery))
        if rooms.viewport is not None and rooms.preview is not None:
            self._connect_preview(document, rooms.viewport, rooms.preview)

    def _connect_preview(self, document: Document, viewport: Viewport, client: PreviewClient) -> None:
        from app.live_preview import LivePreview

        self.live_preview = LivePreview(document, viewport, client)
        self.live_preview.workingChanged.connect(
            lambda working: self._window.status.set_hint("Preview ..." if working else "")
        )
        client.failed.connect(lambda failure: notify(severity="warning", **failure))

    def toggle_previews(self) -> None:
        self.previews = not self.previews
        if self.live_preview is not None:
            self.live_preview.set_enabled(self.previews)
        self._window.refresh()

    def _connect_gallery(self, document: Document, queue: JobQueue, gallery: Gallery) -> None:
        gallery.follow(queue)
        gallery.branchRequested.connect(self._ask_to_branch)
        gallery.exported.connect(self._tell_export)
        gallery.viewChanged.connect(lambda view: document.set_current_view(view, document.looking_through))
        document.currentViewChanged.connect(lambda: gallery.set_view(document.current_view or ""))
        document.projectChanged.connect(lambda: self._show_last_run(document, gallery))
        queue.jobsChanged.connect(lambda: self._show_new_run(queue, gallery))

    def _show_last_run(self, document: Document, gallery: Gallery) -> None:
        project = document.project
        runs = project.runs() if project is not None else []
        gallery.set_runs_folder(None if project is None else project.runs_folder)
        gallery.set_run(runs[-1] if runs else None)

    def _show_new_run(self, queue: JobQueue, gallery: Gallery) -> None:
        """An edit that begins is what the gallery shows, once."""
        running = queue.running
        if running is not None and running.kind == "edit" and running.id not in self._shown_jobs:
            self._shown_jobs.add(running.id)
            gallery.set_run(running.folder)
            self._window.docks.show("gallery")

    def _show_job(self, queue: JobQueue, gallery: Gallery, job_id: str) -> None:
        job = queue.job(job_id)
        if job is not None and job.kind == "edit":
            gallery.set_run(job.folder)
            self._window.docks.show("gallery")
        elif job is not None:
            self._window.docks.show("result")

    def _ask_to_branch(self, run: Path, interval: int) -> None:
        text = (
            f"A new run begins with interval {interval + 1} of this one and goes on from there with the settings of "
            "the Edit tab. What lies before it is taken over, not computed again."
        )

        def answered(answer: str) -> None:
            if answer == _BRANCH:
                self._branch(run, interval)
            elif answer == _SETTINGS:
                self._window.docks.show("edit")

        buttons = [(_SETTINGS, ""), ("Cancel", ""), (_BRANCH, "primary")]
        ask(self._window, f"Branch from interval {interval + 1}?", text, buttons, answered)

    def _branch(self, run: Path, interval: int) -> None:
        rooms = self._window.rooms
        if rooms.queue is not None and rooms.document is not None:
            rooms.queue.submit_edit(rooms.document, branch_from=(run, interval))

    def _tell_export(self, folder: Path) -> None:
        show = partial(QDesktopServices.openUrl, QUrl.fromLocalFile(str(folder)))
        begin = partial(self._window.file.begin, folder)
        notify(
            "The interval is exported",
            str(folder),
            "It opens as a new capture, to be edited again",
            "success",
            [("Open the folder", show), ("Begin a project with it", begin)],
        )
