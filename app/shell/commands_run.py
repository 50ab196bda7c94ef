from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

if TYPE_CHECKING:
    from app.jobs import JobQueue
    from app.window import MainWindow


class RunCommands(QObject):
    """What the Run menu does."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window

    @property
    def _queue(self) -> JobQueue:
        queue = self._window.rooms.queue
        assert queue is not None
        return queue

    def pause(self) -> None:
        self._queue.pause()

    def resume(self) -> None:
        self._queue.resume()

    def cancel(self) -> None:
        running = self._queue.running
        if running is not None:
            self._queue.cancel(running.id)
