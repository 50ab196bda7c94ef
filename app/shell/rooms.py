"""Brings the document and the panels into the window, one by one, after it is on the screen."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QLabel, QWidget

from app.shell.docks import Docks, Slot
from app.shell.settings import Preferences
from app.shell.tasks import beside

if TYPE_CHECKING:
    from app.document.document import Document
    from app.gallery.gallery import Gallery
    from app.jobs import JobQueue
    from app.panels.queue import QueuePanel
    from app.preview import PreviewClient
    from app.viewport.viewport import Viewport

_MEGABYTE = 1_000_000
# What takes time to import; a thread does it while the window is already there.
_MODULES = (
    "app.document.document",
    "app.jobs",
    "app.preview",
    "app.viewport.viewport",
    "app.panels.views",
    "app.panels.pose",
    "app.panels.edit",
    "app.panels.queue",
    "app.gallery.gallery",
    "app.panels.result",
    "app.panels.export",
    "app.panels.history",
)


_NOT_YET = {
    "result": "This version shows no NeRF in the window. This fits and films one:\n\n"
    "python main.py fit RUN --out FOLDER --turntable",
    "export": "This version exports single intervals from the gallery; whole runs from the command line:\n\n"
    "python main.py export RUN",
    "history": "This version lists no runs. They lie in the folder “runs” of the project; the queue opens them.",
}


def _not_yet(text: str) -> QLabel:
    label = QLabel(text)
    label.setWordWrap(True)
    label.setAlignment(Qt.AlignmentFlag.AlignCenter)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setMargin(16)
    return label


def _there(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


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
        self.gallery: Gallery | None = None
        self.queue_panel: QueuePanel | None = None
        self.panels: dict[str, QWidget] = {}
        self.is_finished = False
        self._closed = False
        self._steps: list[Callable[[], None]] = [
            self._make_core,
            self._make_viewport,
            self._make_pose,
            self._make_edit,
            self._make_gallery,
            self._make_queue_panel,
            self._make_others,
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

    def _make_others(self) -> None:
        for module, name, slot, needs in (
            ("app.panels.views", "ViewsPanel", "views", ("document",)),
            ("app.panels.result", "ResultPanel", "result", ("document", "queue", "preview")),
            ("app.panels.export", "ExportPanel", "export", ("document", "queue")),
            ("app.panels.history", "HistoryPanel", "history", ("document", "queue")),
        ):
            if _there(module):
                kind: Any = getattr(importlib.import_module(module), name)
                self._add(slot, kind(*(getattr(self, need) for need in needs)))
            else:
                self._add(slot, _not_yet(_NOT_YET[slot]))

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
    for name in _MODULES:
        # What fails here fails again, and is reported, when its panel is made.
        with suppress(ImportError):
            importlib.import_module(name)
