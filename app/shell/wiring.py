"""Who listens to whom among the panels."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices

from app.shell.memory_limit import MemoryLimit
from app.shell.notices import notify
from app.shell.questions import ask
from app.shell.remembered_view import RememberedView

if TYPE_CHECKING:
    from app.document.document import Document
    from app.gallery.gallery import Gallery
    from app.jobs import JobQueue
    from app.live_preview import LivePreview
    from app.preview import PreviewClient
    from app.viewport.viewport import Viewport
    from app.window import MainWindow

_DATASET = "dataset"
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
        queue.jobEvent.connect(partial(self._tell_end, queue))
        if rooms.viewport is not None:
            RememberedView(rooms.viewport)
        if rooms.export is not None:
            rooms.export.sourceRequested.connect(self._window.file.begin)
        if rooms.gallery is not None:
            self._connect_gallery(document, queue, rooms.gallery)
            self._connect_history(rooms.gallery)
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
        gallery.viewChanged.connect(lambda view: document.set_current_view(view, document.looking_through))
        document.currentViewChanged.connect(lambda: gallery.set_view(document.current_view or ""))
        document.projectChanged.connect(lambda: self._show_last_run(document, gallery))
        queue.jobsChanged.connect(lambda: self._show_new_run(queue, gallery))

    def _connect_history(self, gallery: Gallery) -> None:
        """The run that the gallery shows is that of the result, the export and the history."""
        rooms = self._window.rooms
        for panel in (rooms.result, rooms.export):
            if panel is not None:
                gallery.runChanged.connect(panel.set_run)
        if rooms.history is not None:
            gallery.runChanged.connect(rooms.history.select)
            rooms.history.runActivated.connect(partial(self._show_run, gallery))
            rooms.history.compareRequested.connect(partial(self._compare, gallery))
            rooms.history.runDeleted.connect(partial(self._forget_run, gallery))

    def _show_run(self, gallery: Gallery, run: Path) -> None:
        gallery.set_run(run)
        self._window.docks.show("gallery")

    def _compare(self, gallery: Gallery, run: Path) -> None:
        gallery.compare_with(run)
        self._window.docks.show("gallery")

    def _forget_run(self, gallery: Gallery, run: Path) -> None:
        other = gallery.comparison.other
        if other is not None and other.path == run:
            gallery.compare_with(None)
        if gallery.run == run:
            gallery.set_run(None)

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
            self._show_run(gallery, running.folder)

    def _show_job(self, queue: JobQueue, gallery: Gallery, job_id: str) -> None:
        job = queue.job(job_id)
        if job is not None and job.kind == "edit":
            self._show_run(gallery, job.folder)
        elif job is not None:
            self._window.docks.show("export" if job.kind == "export" else "result")

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

    def _tell_end(self, queue: JobQueue, job_id: str, event: dict[str, Any]) -> None:
        job = queue.job(job_id)
        if job is None or event["event"] not in ("JobFinished", "JobFailed"):
            return
        if job.state == "failed":
            failure = event["failure"]
            show = ("Show the queue", partial(self._window.docks.show, "queue"))
            notify(failure["title"], failure["cause"], failure["next_step"], "error", [show], failure["details"])
        elif job.state == "finished" and job.kind == "export":
            notify(f"{job.title} is done", str(job.folder), "", "success", self._uses(job.folder))
        elif job.state == "finished":
            notify(f"{job.title} is done", severity="success")

    def _uses(self, folder: Path) -> list[tuple[str, Callable[[], object]]]:
        """What can be done with an export; its pictures with their cameras are a capture."""
        url = QUrl.fromLocalFile(str(folder))
        uses: list[tuple[str, Callable[[], object]]] = [("Open the folder", partial(QDesktopServices.openUrl, url))]
        if (folder / _DATASET).is_dir():
            uses.append(("Begin a project with it", partial(self._window.file.begin, folder / _DATASET)))
        return uses
