from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

SECONDS = 10.0


class Autosave(QObject):
    """Calls `write` once, some seconds after the first of several changes."""

    def __init__(self, write: Callable[[], None], parent: QObject) -> None:
        super().__init__(parent)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self.set_seconds(SECONDS)
        self._timer.timeout.connect(write)

    def set_seconds(self, seconds: float) -> None:
        self._timer.setInterval(round(1000 * seconds))

    def changed(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def stop(self) -> None:
        self._timer.stop()
