from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.gallery.canvas import CompareCanvas
from app.gallery.compare import Comparison
from app.gallery.pictures import Key, PictureStore
from app.gallery.run_state import Picture, RunState
from app.gallery.strip import FilmStrip
from app.gallery.zoom import Zoom


class EnlargedPage(QWidget):
    """One view, large, beside a strip of all of them."""

    viewSelected = Signal(str)
    wantedChanged = Signal()

    def __init__(self, store: PictureStore, zoom: Zoom, comparison: Comparison, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self._zoom = zoom
        self._comparison = comparison
        self._state: RunState | None = None
        self._stop = 0
        self._view = ""
        self._last: tuple[str, Picture] | None = None
        self.canvas = CompareCanvas(zoom, comparison)
        self.strip = FilmStrip(store)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.strip)
        layout.addWidget(self.canvas, 1)
        self.strip.viewSelected.connect(self.viewSelected)
        self.canvas.resized.connect(self._look_again)
        store.arrived.connect(self._show)
        comparison.changed.connect(self._look_again)
        comparison.moved.connect(self._moved)

    def set_state(self, state: RunState | None) -> None:
        self._state = state
        self.strip.set_state(state)
        self._look_again()

    def set_stop(self, stop: int) -> None:
        self._stop = stop
        self.strip.set_stop(stop)
        self._look_again()

    def set_view(self, view: str) -> None:
        self._view = view
        self.strip.set_view(view)
        self._look_again()

    def keys(self) -> Iterator[Key]:
        state = self._state
        if state is None:
            return
        for stop in (self._stop, self._stop + 1, self._stop - 1):
            for picture in (state.picture(stop, self._view), self._comparison.partner(state, stop, self._view)):
                if picture:
                    yield Key.of(picture)
        for stop in range(len(state.stops)):
            picture = state.picture(stop, self._view)
            if picture:
                yield Key.of(picture)
        yield from self.strip.keys()

    def _look_again(self) -> None:
        self._show()
        self.wantedChanged.emit()

    def _moved(self) -> None:
        if self._comparison.flicker:
            self._look_again()

    def _show(self) -> None:
        state = self._state
        if state is None or not 0 <= self._stop < len(state.stops):
            return
        stop = state.stops[self._stop]
        picture = state.picture(self._stop, self._view)
        partner = self._comparison.partner(state, self._stop, self._view)
        first = self._store.get(Key.of(picture)) if picture else None
        second = self._store.get(Key.of(partner)) if partner else None
        problem = self._store.problem(picture) if picture else ""
        if picture and first is not None:
            self._last = (self._view, picture)
        elif picture and not problem and self._last and self._last[0] == self._view:
            # What was shown stays until the next picture is there: nothing flickers while scrubbing.
            first = self._store.get(Key.of(self._last[1]))
        words = {"running": "in work", "planned": "not made yet", "stopped": "stopped", "finished": "no preview"}
        missing = problem or ("" if picture else f"{stop.title}: {words[stop.state]}")
        titles = (f"{self._view}, {stop.title.lower()}", self._comparison.partner_title(state, self._stop))
        self.canvas.set_pictures(QSize(*state.size), first, second, titles, missing, alarm=bool(problem))

    def sizeHint(self) -> QSize:
        return QSize(600, 400)
