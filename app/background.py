"""Work beside the window that a user waits for: how far it is, how long it still takes, and Cancel."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from app.pace import Pace, left_in_words
from app.shell.tasks import Task, beside
from qnerf_core.errors import Cancelled

_POLL_MS = 60
_CLEAN_UP_SECONDS = 3.0


class Handle:
    """What the work sees: where it tells how far it is, and whether it should stop."""

    def __init__(self, what: str) -> None:
        self.what, self.share = what, 0.0
        self._stop = Event()

    def tell(self, share: float) -> None:
        self.share = share

    def tell_step(self, what: str, done: int, total: int) -> None:
        """Of work whose steps have names, each with a share of its own."""
        self.what, self.share = what, done / max(total, 1)

    def stop(self) -> None:
        self._stop.set()

    def cancelled(self) -> bool:
        return self._stop.is_set()


class Background(QObject):
    """One work at a time. What is cancelled ends at its next step, and what it found is dropped."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._handle: Handle | None = None
        self._task: Task | None = None
        self.title = ""
        self._pace = Pace()
        self._paced = ""
        self._left: float | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(_POLL_MS)
        self._timer.timeout.connect(self._look)

    @property
    def is_working(self) -> bool:
        return self._handle is not None

    @property
    def is_stopping(self) -> bool:
        return self._handle is not None and self._handle.cancelled()

    @property
    def share(self) -> float:
        return self._handle.share if self._handle is not None else 0.0

    @property
    def words(self) -> str:
        """What is done, and how long it still takes as far as that is known."""
        if self._handle is None:
            return ""
        if self.is_stopping:
            return "Stopping ..."
        left = left_in_words(self._left)
        return f"{self._handle.what}, {left}" if left else self._handle.what

    def run(
        self,
        what: str,
        work: Callable[[Handle], Any],
        then: Callable[[Any], object],
        at_end: Callable[[], object] = lambda: None,
    ) -> None:
        """Do `work` in a thread and `then` with its result here; `at_end` in any case, before it."""
        assert self._handle is None, "one at a time"
        handle = self._handle = Handle(what)
        self.title = what
        self._paced, self._left = "", None

        def safely() -> tuple[Any, bool]:
            try:
                return work(handle), True
            except Cancelled:
                return None, False

        def take(found: tuple[Any, bool]) -> None:
            result, is_there = found
            if is_there and not handle.cancelled():
                then(result)

        def ended() -> None:
            self._handle = None
            self._timer.stop()
            self.changed.emit()
            at_end()

        self._task = beside(self, safely, take, ended)
        self._timer.start()
        self._look()

    def cancel(self) -> None:
        if self._handle is not None:
            self._handle.stop()
            self.changed.emit()

    def end(self) -> None:
        """Cancel, and give the work the time to clean up before the program ends."""
        self.cancel()
        if self._handle is not None and self._task is not None:
            self._task.wait(_CLEAN_UP_SECONDS)

    def _look(self) -> None:
        handle = self._handle
        if handle is None:
            return
        if handle.what != self._paced:
            self._paced, self._pace = handle.what, Pace()
        self._left = self._pace.left(handle.share, time.monotonic())
        self.changed.emit()
