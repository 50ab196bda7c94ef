from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Thread

from PySide6.QtCore import QObject, QTimer, Signal

from app.document.project import Content, write_autosave
from app.shell.settings import Preferences
from qnerf_core.errors import StudioError


class Autosave(QObject):
    """Writes what `content` gives some seconds after the first of several changes, beside the event loop.

    A busy disk may take its time to promise that a file is safe.
    """

    failed = Signal(str, str)

    def __init__(self, content: Callable[[], tuple[Path, Content] | None], parent: QObject) -> None:
        super().__init__(parent)
        self.seconds: Callable[[], float] = _preferred
        self._content = content
        self._thread: Thread | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._start)

    def changed(self) -> None:
        if not self._timer.isActive():
            self._timer.start(round(1000 * self.seconds()))

    def stop(self) -> None:
        """Nothing is written any more when this returns."""
        self._timer.stop()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def now(self) -> None:
        self.stop()
        content = self._content()
        if content is not None:
            write_autosave(*content)

    def _start(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            self.changed()
            return
        content = self._content()
        if content is not None:
            self._thread = Thread(target=self._write, args=content, name="autosave")
            self._thread.start()

    def _write(self, folder: Path, content: Content) -> None:
        try:
            write_autosave(folder, content)
        except StudioError as error:
            self.failed.emit(error.title, f"{error.cause}. {error.next_step}")


def _preferred() -> float:
    return Preferences.load().autosave_seconds
