from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

from app.gallery.pictures import Key, PictureStore

_ALL_AFTER = 150


class Prefetcher(QTimer):
    """Asks for what is seen at once, and for all the rest when nothing has moved for a moment."""

    def __init__(
        self,
        owner: QWidget,
        store: PictureStore,
        urgent: Callable[[], Iterable[Key]],
        every: Callable[[], Iterable[Key]],
    ) -> None:
        super().__init__(owner)
        self._owner = owner
        self._store = store
        self._urgent, self._every = urgent, every
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_ALL_AFTER)
        self._later.timeout.connect(self._ask_for_all)
        self.setSingleShot(True)
        self.timeout.connect(self._ask)

    def schedule(self) -> None:
        self.start(0)

    def _ask(self) -> None:
        if self._owner.isVisible():
            self._store.want(self._urgent())
            self._later.start()

    def _ask_for_all(self) -> None:
        if self._owner.isVisible():
            self._store.want(chain(self._urgent(), self._every()))
