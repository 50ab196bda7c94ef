from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from app.gallery.bubble import HoverPreview
from app.gallery.compare import Comparison
from app.gallery.empty import EmptyState
from app.gallery.enlarged import EnlargedPage
from app.gallery.exporting import choose_folder
from app.gallery.follower import RunFollower
from app.gallery.grid import PictureGrid
from app.gallery.header import PAGES, Header
from app.gallery.inside import InsidePage
from app.gallery.pictures import Key, PictureStore
from app.gallery.plots import PlotsPage
from app.gallery.prefetch import Prefetcher
from app.gallery.run_reader import RunReader, runs_in
from app.gallery.run_state import RunState, Stop
from app.gallery.transport import Transport
from app.gallery.zoom import Zoom
from app.run_titles import moment, run_title
from app.shell.tasks import beside
from qnerf_core.errors import RunError
from qnerf_core.runs.folder import RUN_FILE

if TYPE_CHECKING:
    from app.jobs import JobQueue

VIEWS, SHEET, ENLARGED, INSIDE, PLOTS = range(len(PAGES))
_SPARK_FROM, _TWO_ROWS_FROM = 380, 300
_FLICKER = (Qt.Key.Key_Space, Qt.Key.Key_QuoteLeft, Qt.Key.Key_AsciiTilde)


class Gallery(QWidget):
    """Everything a run made, interval by interval, while it is made and ever after."""

    branchRequested = Signal(object, int)  # run's folder, index of the interval
    runChanged = Signal(object)  # folder, or None
    viewChanged = Signal(str)
    stopChanged = Signal(int)  # 0 is the original, then the intervals, last the result

    def __init__(self, parent: QWidget | None = None, memory_bytes: int = 256_000_000) -> None:
        super().__init__(parent)
        self.setObjectName("gallery")
        self.zoom = Zoom(self)
        self.comparison = Comparison(self)
        self.store = PictureStore(memory_bytes, self)
        self._follower = RunFollower(self)
        self._queue: JobQueue | None = None
        self._runs_folder: Path | None = None
        self._state: RunState | None = None
        self._view = ""
        self._fresh = True
        self._calls = self._keys_of_the_gallery()
        self._build()
        self._prefetcher = Prefetcher(self, self.store, self._urgent, self.grid.keys)
        self._connect()
        self._show_state(None)

    def _build(self) -> None:
        self.header = Header(self.comparison, self._other_runs)
        self.grid = PictureGrid(self.store, self.zoom, self.comparison)
        self.enlarged = EnlargedPage(self.store, self.zoom, self.comparison)
        self.inside = InsidePage(self.store, self.zoom)
        self.plots = PlotsPage()
        self.empty = EmptyState("gallery")
        self.empty.setObjectName("galleryEmpty")
        self.pages = QStackedWidget()
        for page in (self.empty, self.grid, self.enlarged, self.inside, self.plots):
            self.pages.addWidget(page)
        self.transport = Transport()
        self.scrubber = self.transport.scrubber
        self._hover = HoverPreview(self.scrubber, self.store, lambda: self.grid.tile_size * self.devicePixelRatioF())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.header)
        layout.addWidget(self.pages, 1)
        layout.addWidget(self.transport)

    def _connect(self) -> None:
        self._follower.changed.connect(self._show_state)
        self.header.pageChosen.connect(self.show_page)
        self.header.runChosen.connect(self.compare_with)
        self.header.scaleChanged.connect(self.grid.set_tile_scale)
        self.scrubber.stopChanged.connect(self._move_to)
        self.transport.branchAsked.connect(self.branch)
        self.transport.exportAsked.connect(self.choose_export)
        self.grid.viewSelected.connect(self.set_view)
        self.grid.viewActivated.connect(self.enlarge)
        self.grid.stopSelected.connect(self.scrubber.set_stop)
        self.enlarged.viewSelected.connect(self.set_view)
        self.inside.viewSelected.connect(self.set_view)
        self.inside.stopSelected.connect(self.scrubber.set_stop)
        self.plots.stopSelected.connect(self.scrubber.set_stop)
        self.comparison.changed.connect(self._compare_plots)
        for page in (self.grid, self.enlarged, self.inside):
            page.wantedChanged.connect(self._prefetcher.schedule)

    # ---- what is shown

    @property
    def run(self) -> Path | None:
        return self._follower.path

    @property
    def state(self) -> RunState | None:
        return self._state

    @property
    def view(self) -> str:
        return self._view

    @property
    def stop(self) -> int:
        return self.scrubber.stop

    @property
    def current_interval(self) -> int | None:
        return self._here.interval if self._here else None

    @property
    def _here(self) -> Stop | None:
        return self._state.stops[self.stop] if self._state and self.stop < len(self._state.stops) else None

    def set_run(self, run: Path | None) -> None:
        if run == self.run and run is not None:
            self.refresh()
            return
        self.transport.pause()
        self._fresh = True
        self._follower.follow(run)
        self.runChanged.emit(run)
        if run is None:
            self._show_state(None)

    def refresh(self) -> None:
        """Read the run again, soon."""
        self._follower.refresh()

    def follow(self, queue: JobQueue) -> None:
        """Refresh whenever a job of the shown run has something to say."""
        self._queue = queue
        self._follower.follow_queue(queue)

    def set_runs_folder(self, folder: Path | None) -> None:
        """Where the other runs are that this one can be compared with."""
        self._runs_folder = folder

    def compare_with(self, run: Path | None) -> None:
        """Wipe against another run."""
        if run is None:
            self.comparison.compare_with(None)
            return
        beside(self, RunReader(run).read, self._take_other)

    def set_view(self, view: str) -> None:
        if self._state is None or view not in self._state.views or view == self._view:
            return
        self._view = self._hover.view = view
        for page in (self.grid, self.enlarged, self.inside):
            page.set_view(view)
        self.viewChanged.emit(view)

    def set_stop(self, stop: int) -> None:
        self.scrubber.set_stop(stop)

    def enlarge(self, view: str) -> None:
        self.set_view(view)
        self.show_page(ENLARGED)

    def show_page(self, page: int) -> None:
        self.header.tabs.setCurrentIndex(page)
        self.header.scale.setEnabled(page in (VIEWS, SHEET))
        if page in (VIEWS, SHEET):
            self.grid.set_mode("views" if page == VIEWS else "sheet")
        if self._state is not None and self._state.stops:
            widget = (self.grid, self.grid, self.enlarged, self.inside, self.plots)[page]
            self.pages.setCurrentWidget(widget)
            (self.enlarged.canvas if page == ENLARGED else widget).setFocus()
        self._prefetcher.schedule()

    # ---- what can be done with it

    def branch(self) -> None:
        here = self._here
        if self.run and here and here.interval is not None and here.state == "finished":
            self.branchRequested.emit(self.run, here.interval)

    def export_interval(self, folder: Path) -> None:
        """Write the shown interval's pictures with their cameras as a data set."""
        run, interval = self.run, self.current_interval
        if run is not None and interval is not None and self._queue is not None:
            self._queue.submit_export(run, {"images"}, folder, interval)

    def choose_export(self) -> None:
        """Ask for a folder and export the shown interval to it."""
        run, interval = self.run, self.current_interval
        folder = choose_folder(self, run, interval) if run is not None and interval is not None else None
        if folder is not None:
            self.export_interval(folder)

    # ---- following

    def _show_state(self, state: RunState | None) -> None:
        before, self._state = self._state, state
        same = before is not None and state is not None and before.path == state.path and bool(before.stops)
        at_newest = same and before is not None and self.stop >= before.newest
        for part in (self.grid, self.enlarged, self.inside, self.plots, self.transport, self._hover):
            part.set_state(state)
        self.header.show_state(state)
        self.transport.setVisible(bool(state and state.stops))
        if state is None or not state.stops:
            self._explain(state)
            return
        if self._view not in state.views:
            self._view = ""
            self.set_view(state.views[0])
        if self._fresh or at_newest:
            self._fresh = False
            self.scrubber.set_stop(state.newest)
        if self.pages.currentWidget() is self.empty:
            self.show_page(self.header.tabs.currentIndex())
        self._move_to(self.stop)

    def _explain(self, state: RunState | None) -> None:
        self.pages.setCurrentWidget(self.empty)
        if state is None:
            text = "Shape the subject and press Edit. The views appear here, interval by interval, while the edit runs."
            self.empty.set_text("No run is shown", text)
        elif state.problem:
            self.empty.set_text("This run cannot be shown", state.problem)
        else:
            text = "The model is being loaded and the pictures are being read. The first interval comes in a moment."
            self.empty.set_text("The run is starting", text)

    def _move_to(self, stop: int) -> None:
        for page in (self.grid, self.enlarged, self.inside, self.plots):
            page.set_stop(stop)
        self.stopChanged.emit(stop)
        self._prefetcher.schedule()

    def _urgent(self) -> Iterator[Key]:
        page = self.header.tabs.currentIndex()
        first = self.enlarged.keys() if page == ENLARGED else self.inside.keys() if page == INSIDE else ()
        return chain(first, self.grid.urgent_keys())

    def _take_other(self, other: RunState) -> None:
        if not other.stops:
            cause = other.problem or "it has no pictures yet"
            raise RunError(f"Cannot compare with {other.title}", cause, "Choose another run.")
        self.comparison.compare_with(other)

    def _compare_plots(self) -> None:
        self.plots.set_other(self.comparison.other if self.comparison.against == "run" else None)

    def _other_runs(self) -> list[tuple[str, Path]]:
        runs = [path for path in runs_in(self._runs_folder) if path != self.run]
        return [(f"{run_title(path)}, {moment((path / RUN_FILE).stat().st_mtime)}", path) for path in runs]

    # ---- keys and commands

    def _keys_of_the_gallery(self) -> dict[Qt.Key, Callable[[], object]]:
        key = Qt.Key
        calls: dict[Qt.Key, Callable[[], object]] = {
            key.Key_Left: self.previous_stop,
            key.Key_Right: self.next_stop,
            key.Key_Home: self.first_stop,
            key.Key_End: self.last_stop,
            key.Key_Up: self.previous_view,
            key.Key_Down: self.next_view,
            key.Key_Return: self.toggle_enlarged,
            key.Key_Enter: self.toggle_enlarged,
            key.Key_Escape: self.step_out,
            key.Key_K: self.play,
            key.Key_B: self.branch,
            key.Key_W: self.comparison.toggle,
        }
        return calls | dict.fromkeys(_FLICKER, lambda: self.comparison.set_flicker(True))

    def play(self) -> None:
        """Play the intervals, or stop playing."""
        self.transport.toggle_play()

    def previous_stop(self) -> None:
        self.transport.step(-1)

    def next_stop(self) -> None:
        self.transport.step(1)

    def first_stop(self) -> None:
        self.scrubber.set_stop(0)

    def last_stop(self) -> None:
        self.scrubber.set_stop(self._state.newest if self._state else 0)

    def previous_view(self) -> None:
        self._step_view(-1)

    def next_view(self) -> None:
        self._step_view(1)

    def toggle_enlarged(self) -> None:
        self.show_page(VIEWS if self.header.tabs.currentIndex() == ENLARGED else ENLARGED)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and self._call_of(event):
            event.accept()
            return True
        return super().event(event)

    def _call_of(self, event: QKeyEvent) -> Callable[[], object] | None:
        if event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier or not (self._state and self._state.stops):
            return None
        return self._calls.get(Qt.Key(event.key()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        call = self._call_of(event)
        if call is None:
            super().keyPressEvent(event)
        else:
            call()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() in _FLICKER and not event.isAutoRepeat():
            self.comparison.set_flicker(False)
            return
        super().keyReleaseEvent(event)

    def _step_view(self, by: int) -> None:
        views = self._state.views if self._state else ()
        if views:
            here = views.index(self._view) if self._view in views else 0
            self.set_view(views[max(0, min(here + by, len(views) - 1))])

    def step_out(self) -> None:
        if self.zoom.is_zoomed:
            self.zoom.reset()
        elif self.header.tabs.currentIndex() != VIEWS:
            self.show_page(VIEWS)

    # ---- room

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.scrubber.set_spark_shown(self.height() >= _SPARK_FROM)
        self.transport.set_compact(self.height() < _TWO_ROWS_FROM)

    def hideEvent(self, event: QHideEvent) -> None:
        self.transport.pause()
        self.comparison.set_flicker(False)
        super().hideEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._prefetcher.schedule()

    def sizeHint(self) -> QSize:
        return QSize(900, 420)

    def shutdown(self) -> None:
        """Stop what goes on beside the window."""
        self.transport.pause()
        self._hover.hide()
        self.store.close()
