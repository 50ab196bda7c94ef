"""Brings the document and the panels into the window, one by one, after it is on the screen."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QWidget

from app.shell.docks import Docks, Slot
from app.shell.settings import Preferences
from app.shell.tasks import beside

if TYPE_CHECKING:
    from app.document.document import Document
    from app.gallery.gallery import Gallery
    from app.jobs import JobQueue
    from app.panels.export import ExportPanel
    from app.panels.history import HistoryPanel
    from app.panels.proxy import ProxyPanel
    from app.panels.queue import QueuePanel
    from app.panels.result import ResultPanel
    from app.preview import PreviewClient
    from app.viewport.viewport import Viewport

_MEGABYTE = 1_000_000
# What takes time to import; a thread does it while the window is already there.
MODULES = (
    "app.document.document",
    "app.jobs",
    "app.preview",
    "app.viewport.viewport",
    "app.panels.views",
    "app.panels.pose",
    "app.panels.proxy",
    "app.panels.edit",
    "app.panels.queue",
    "app.gallery.gallery",
    "app.panels.result",
    "app.panels.export",
    "app.panels.history",
)


class Rooms(QObject):
    """What a project needs: the document, the queue and every panel."""

    ready = Signal(str, object)
    finished = Signal()

    def __init__(self, docks: Docks, viewport_slot: Slot, parent: QObject) -> None:
        super().__init__(parent)
        self._docks = docks
        self._viewport_slot = viewport_slot
        self.document: Document | None = None
        self.queue: JobQueue | None = None
        self.preview: PreviewClient | None = None
        self.viewport: Viewport | None = None
        self.proxy: ProxyPanel | None = None
        self.gallery: Gallery | None = None
        self.queue_panel: QueuePanel | None = None
        self.result: ResultPanel | None = None
        self.export: ExportPanel | None = None
        self.history: HistoryPanel | None = None
        self.panels: dict[str, QWidget] = {}
        self.is_finished = False
        self._closed = False
        self._steps: list[Callable[[], None]] = [
            self._make_core,
            self._make_viewport,
            self._make_pose,
            self._make_proxy,
            self._make_edit,
            self._make_gallery,
            self._make_queue_panel,
            self._make_views,
            self._make_result,
            self._make_export,
            self._make_history,
        ]

    def build(self) -> None:
        beside(self, _import_modules, lambda _nothing: self._next())

    def _next(self) -> None:
        if self._closed:
            return
        if self._steps:
            # A panel that cannot be made is a notice; the others come all the same.
            QTimer.singleShot(0, self, self._next)
            self._steps.pop(0)()
        else:
            self.is_finished = True
            self.finished.emit()

    def _make_core(self) -> None:
        from app.document.document import Document
        from app.jobs import JobQueue
        from app.preview import PreviewClient

        self.document = Document(self)
        self.queue = JobQueue(parent=self)
        self.queue.attach(self.document)
        self.preview = PreviewClient(self)
        self.ready.emit("document", self.document)
        self.ready.emit("queue", self.queue)

    def _make_viewport(self) -> None:
        from app.viewport.viewport import Viewport

        assert self.document is not None
        self.viewport = Viewport(self.document)
        self._add("viewport", self.viewport)

    def _make_pose(self) -> None:
        from app.panels.pose import PosePanel

        assert self.document is not None
        self._add("pose", PosePanel(self.document))

    def _make_proxy(self) -> None:
        from app.panels.proxy import ProxyPanel

        assert self.document is not None
        self.proxy = ProxyPanel(self.document)
        self._add("proxy", self.proxy)

    def _make_edit(self) -> None:
        from app.panels.edit import EditPanel

        assert self.document is not None
        assert self.queue is not None
        self._add("edit", EditPanel(self.document, self.queue))

    def _make_gallery(self) -> None:
        from app.gallery.gallery import Gallery

        self.gallery = Gallery(memory_bytes=Preferences.load().image_memory_mb * _MEGABYTE)
        self._add("gallery", self.gallery)

    def _make_queue_panel(self) -> None:
        from app.panels.queue import QueuePanel

        assert self.queue is not None
        self.queue_panel = QueuePanel(self.queue)
        self._add("queue", self.queue_panel)

    def _make_views(self) -> None:
        from app.panels.views import ViewsPanel

        assert self.document is not None
        self._add("views", ViewsPanel(self.document))

    def _make_result(self) -> None:
        from app.panels.result import ResultPanel

        assert self.document is not None
        assert self.queue is not None
        assert self.preview is not None
        self.result = ResultPanel(self.document, self.queue, self.preview)
        self._add("result", self.result)

    def _make_export(self) -> None:
        from app.panels.export import ExportPanel

        assert self.document is not None
        assert self.queue is not None
        self.export = ExportPanel(self.document, self.queue)
        self._add("export", self.export)

    def _make_history(self) -> None:
        from app.panels.history import HistoryPanel

        assert self.document is not None
        assert self.queue is not None
        self.history = HistoryPanel(self.document, self.queue)
        self._add("history", self.history)

    def _add(self, slot: str, panel: QWidget) -> None:
        self.panels[slot] = panel
        panel.setProperty("helpPage", slot)
        if slot == "viewport":
            self._viewport_slot.fill(panel)
        else:
            self._docks.fill(slot, panel)
        self.ready.emit(f"{slot} panel", panel)

    def close(self) -> None:
        """End every thread and child; the queue waits two seconds for the engine at most."""
        self._closed = True
        for panel in self.panels.values():
            shutdown = getattr(panel, "shutdown", None)
            if shutdown is not None:
                shutdown()
        if self.preview is not None:
            self.preview.close()
        if self.queue is not None:
            self.queue.close(2.0)
        if self.document is not None:
            # Nobody needs to follow any more, and what would is closed.
            self.document.blockSignals(True)
            self.document.close_project()


def _import_modules() -> None:
    for name in MODULES:
        # What fails here fails again, and is reported, when its panel is made.
        with suppress(ImportError):
            importlib.import_module(name)
