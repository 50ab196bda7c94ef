"""Brings the document and the panels into the window, one by one, after it is on the screen."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QWidget

from app.shell.docks import Docks, Slot
from app.shell.tasks import beside

if TYPE_CHECKING:
    from app.document.document import Document
    from app.jobs import JobQueue

# What takes time to import; a thread does it while the window is already there.
_MODULES = ("app.document.document", "app.jobs")


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
        self.panels: dict[str, QWidget] = {}
        self.is_finished = False
        self._closed = False
        self._steps: list[Callable[[], None]] = [self._document, self._queue]

    def build(self) -> None:
        beside(self, _import_modules, lambda _nothing: self._next())

    def _next(self) -> None:
        if self._closed:
            return
        if self._steps:
            self._steps.pop(0)()
            QTimer.singleShot(0, self, self._next)
        else:
            self.is_finished = True
            self.finished.emit()

    def _document(self) -> None:
        from app.document.document import Document

        self.document = Document(self)
        self.ready.emit("document", self.document)

    def _queue(self) -> None:
        from app.jobs import JobQueue

        assert self.document is not None
        self.queue = JobQueue(parent=self)
        self.queue.attach(self.document)
        self.ready.emit("queue", self.queue)

    def close(self) -> None:
        """End every thread and child, the panels' first; the queue waits two seconds for the engine at most."""
        self._closed = True
        for panel in self.panels.values():
            shutdown = getattr(panel, "shutdown", None)
            if shutdown is not None:
                shutdown()
        if self.queue is not None:
            self.queue.close(2.0)
        if self.document is not None:
            # Nobody needs to follow any more, and what would is closed.
            self.document.blockSignals(True)
            self.document.close_project()


def _import_modules() -> None:
    for name in _MODULES:
        importlib.import_module(name)
