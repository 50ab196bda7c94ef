from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QImage, QShowEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSlider, QSplitter, QVBoxLayout, QWidget

from app.gallery.board import MapBoard
from app.gallery.empty import EmptyState
from app.gallery.heat import Overlay
from app.gallery.maps import DEPTH_COLOURS, HEAT_COLOURS, Maps, colour_image, read_maps, share_image, veil_image
from app.gallery.pictures import Key, PictureStore
from app.gallery.run_state import Picture, RunState, Stop
from app.gallery.zoom import Zoom
from app.shell.tasks import beside

_KEPT = 6


class InsidePage(QWidget):
    """What an interval's QNeRF was fitted to and renders: queries as colours, depth, where the views disagree."""

    viewSelected = Signal(str)
    stopSelected = Signal(int)
    wantedChanged = Signal()

    def __init__(self, store: PictureStore, zoom: Zoom, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self._state: RunState | None = None
        self._stop = 0
        self._view = ""
        self._read: dict[Picture, Maps | str] = {}
        self._reading: set[Picture] = set()
        self._build(zoom)
        store.arrived.connect(self._show_overlay)

    def _build(self, zoom: Zoom) -> None:
        self.what = QComboBox()
        self.what.setObjectName("insideWhat")
        self.what.addItems(["This view, all layers", "One layer, all views"])
        self.what.setToolTip(
            "Queries of one view in every layer, or of every view in one layer.\nColours mean the same in all views."
        )
        self.layer = QComboBox()
        self.layer.setObjectName("insideLayer")
        self.layer.setToolTip("The query layer of the heat map, and of all views. Later layers are finer.")
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setObjectName("heatOpacity")
        self.opacity.setRange(0, 100)
        self.opacity.setValue(75)
        self.opacity.setFixedWidth(110)
        self.opacity.setToolTip("How strongly the disagreement covers the picture.")
        bar = QHBoxLayout()
        bar.setContentsMargins(8, 4, 8, 0)
        bar.setSpacing(8)
        bar.addWidget(self.what)
        bar.addSpacing(8)
        bar.addWidget(QLabel("Layer"))
        bar.addWidget(self.layer)
        bar.addStretch(1)
        bar.addWidget(QLabel("Disagreement"))
        bar.addWidget(self.opacity)
        self.overlay = Overlay(zoom)
        self.board = MapBoard()
        split = QSplitter(Qt.Orientation.Horizontal)
        split.addWidget(self.overlay)
        split.addWidget(self.board)
        split.setStretchFactor(0, 1)
        split.setStretchFactor(1, 2)
        split.setSizes([300, 600])
        self.content = QWidget()
        inner = QVBoxLayout(self.content)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(2)
        inner.addLayout(bar)
        inner.addWidget(split, 1)
        self.empty = EmptyState("layers")
        self.empty.setObjectName("insideEmpty")
        self.empty.acted.connect(self._go_to_nearest)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.content)
        layout.addWidget(self.empty)
        self.what.currentIndexChanged.connect(self._show)
        self.layer.currentIndexChanged.connect(self._show)
        self.opacity.valueChanged.connect(lambda value: self.overlay.set_opacity(value / 100))
        self.board.columnSelected.connect(self._choose_column)
        self.content.hide()

    def set_state(self, state: RunState | None) -> None:
        self._state = state
        self._show()

    def set_stop(self, stop: int) -> None:
        self._stop = stop
        self._show()

    def set_view(self, view: str) -> None:
        self._view = view
        self._show()

    def keys(self) -> Iterator[Key]:
        if self._state:
            for stop in (self._stop, self._stop + 1, self._stop - 1):
                picture = self._state.picture(stop, self._view)
                if picture:
                    yield Key.of(picture)

    def showEvent(self, _event: QShowEvent) -> None:
        self._show()

    @property
    def _here(self) -> Stop | None:
        state = self._state
        return state.stops[self._stop] if state and 0 <= self._stop < len(state.stops) else None

    @property
    def _maps(self) -> Maps | None:
        here = self._here
        found = self._read.get(here.maps) if here and here.maps else None
        return found if isinstance(found, Maps) else None

    def _show(self) -> None:
        if not self.isVisible():
            return
        here = self._here
        if here is not None and here.maps is not None and here.maps not in self._read:
            self._start_reading(here.maps)
            return
        maps = self._maps
        fits = maps is not None and self._state is not None and len(self._state.views) == len(maps.recorded[0])
        self.content.setVisible(fits)
        self.empty.setVisible(not fits)
        if maps is None or not fits:
            self._explain(here)
            return
        self._fill_layers(maps)
        self._show_overlay()
        self._show_board(maps)
        self.wantedChanged.emit()

    def _start_reading(self, picture: Picture) -> None:
        if picture in self._reading:
            return
        self._reading.add(picture)
        beside(self, lambda: (picture, read_maps(picture.path)), self._take)

    def _take(self, result: tuple[Picture, Maps | str]) -> None:
        picture, maps = result
        self._reading.discard(picture)
        self._read[picture] = maps
        while len(self._read) > _KEPT:
            self._read.pop(next(iter(self._read)))
        self._show()

    def _fill_layers(self, maps: Maps) -> None:
        names = [f"{index + 1}, {layer.shape[2]} x {layer.shape[1]}" for index, layer in enumerate(maps.recorded)]
        if [self.layer.itemText(index) for index in range(self.layer.count())] != names:
            chosen = self.layer.currentIndex()
            self.layer.blockSignals(True)
            self.layer.clear()
            self.layer.addItems(names)
            self.layer.setCurrentIndex(chosen if 0 <= chosen < len(names) else len(names) - 1)
            self.layer.blockSignals(False)

    @property
    def _number(self) -> int:
        views = self._state.views if self._state else ()
        return views.index(self._view) if self._view in views else 0

    def _show_overlay(self) -> None:
        maps, state, here = self._maps, self._state, self._here
        if maps is None or state is None or here is None or not self.isVisible():
            return
        layer = max(0, self.layer.currentIndex())
        picture = here.pictures.get(self._view)
        image = self._store.get(Key.of(picture)) if picture else None
        veil = veil_image(maps.heat(layer, self._number))
        title = f"{self._view}, disagreement in layer {layer + 1}"
        self.overlay.show_picture(QSize(*state.size), image, veil, maps.heat_limit(layer), title)

    def _show_board(self, maps: Maps) -> None:
        assert self._state is not None
        all_views = self.what.currentIndex() == 1
        layer, view = max(0, self.layer.currentIndex()), self._number
        if all_views:
            columns, pairs = list(self._state.views), [(layer, number) for number in range(len(self._state.views))]
        else:
            columns = [self.layer.itemText(index) for index in range(maps.layers)]
            pairs = [(number, view) for number in range(maps.layers)]
        rows = ["Recorded", "Rendered", "Disagreement"]
        images: dict[tuple[int, int], QImage] = {}
        for column, (of_layer, of_view) in enumerate(pairs):
            images[0, column] = colour_image(maps.recorded[of_layer][of_view])
            images[1, column] = colour_image(maps.rendered[of_layer][of_view])
            images[2, column] = share_image(maps.heat(of_layer, of_view), HEAT_COLOURS)
            if maps.depth is not None and (all_views or column == 0):
                images[3, column] = share_image(maps.depth_share(of_view), DEPTH_COLOURS)
        if maps.depth is not None:
            near, far = maps.depth_limits()
            rows.append(f"Depth\n{near:.1f} to {far:.1f} m")
        chosen = view if all_views else layer
        self.board.show_images(rows, columns, images, QSize(*self._state.size), chosen)

    def _choose_column(self, column: int) -> None:
        if self.what.currentIndex() == 0:
            self.layer.setCurrentIndex(column)
        elif self._state:
            self.viewSelected.emit(self._state.views[column])

    def _nearest(self) -> int | None:
        stops = self._state.stops if self._state else ()
        found = [(abs(index - self._stop), index) for index, stop in enumerate(stops) if stop.maps]
        return min(found)[1] if found else None

    def _go_to_nearest(self) -> None:
        nearest = self._nearest()
        if nearest is not None:
            self.stopSelected.emit(nearest)

    def _explain(self, here: Stop | None) -> None:
        nearest = self._nearest()
        action = f"Go to {self._state.stops[nearest].title.lower()}" if self._state and nearest is not None else ""
        problem = self._read.get(here.maps) if here and here.maps else None
        if isinstance(problem, str):
            self.empty.set_text("These maps cannot be read", f"{problem}.", action)
        elif here and here.maps:
            self.empty.set_text("These maps belong to another run", "They show other views than this run has.", action)
        elif self._state and self._state.spec and self._state.spec.method == "independent":
            text = "This run edits every view alone. Choose the method QNeRF to see what consolidates the views."
            self.empty.set_text("There is nothing inside", text, "")
        elif nearest is not None:
            text = "A QNeRF is fitted to a look ahead at the end of an interval whose next one is guided."
            self.empty.set_text("No QNeRF was fitted here", text, action)
        elif self._state and self._state.status == "finished":
            text = "No interval of this run is guided by a QNeRF. Choose more steps, or shorter intervals."
            self.empty.set_text("No QNeRF was fitted in this run", text, "")
        else:
            self.empty.set_text("No maps yet", "They appear when the first QNeRF is fitted.", "")
