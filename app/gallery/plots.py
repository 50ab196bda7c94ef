from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from PySide6.QtCore import QEvent, Signal
from PySide6.QtGui import QColor, QShowEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.gallery.chart import Chart, Series
from app.gallery.empty import EmptyState
from app.gallery.paint import ORANGE, mix
from app.gallery.run_state import RunState, Stop
from app.gallery.words import mean

_FIRST, _LAST = QColor(110, 104, 220), QColor(236, 130, 60)
_GREEN = QColor(64, 168, 120)


class PlotsPage(QWidget):
    """QNeRF loss over its iterations, disagreement and guidance loss over the intervals."""

    stopSelected = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state: RunState | None = None
        self._other: RunState | None = None
        self._stop = 0
        self.layer = QComboBox()
        self.layer.setObjectName("plotLayer")
        self.layer.setToolTip("Query layer of the disagreement; the mean is over all of them.")
        self.legend = QLabel()
        bar = QHBoxLayout()
        bar.setContentsMargins(8, 4, 8, 0)
        bar.setSpacing(8)
        bar.addWidget(QLabel("Layer"))
        bar.addWidget(self.layer)
        bar.addSpacing(16)
        bar.addWidget(self.legend)
        bar.addStretch(1)
        self.loss = Chart("lossPlot", "QNeRF loss", "iteration of the fit")
        self.disagreement = Chart("disagreementPlot", "Disagreement between views", "interval")
        self.guidance = Chart("guidancePlot", "Guidance loss", "interval")
        plots = QHBoxLayout()
        plots.setContentsMargins(0, 0, 4, 4)
        plots.setSpacing(0)
        for plot in (self.loss, self.disagreement, self.guidance):
            plots.addWidget(plot, 1)
        self.content = QWidget()
        inner = QVBoxLayout(self.content)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(2)
        inner.addLayout(bar)
        inner.addLayout(plots, 1)
        self.empty = EmptyState("plot", "No figures yet", "Curves appear when the first interval is done.")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.content)
        layout.addWidget(self.empty)
        self.layer.currentIndexChanged.connect(self._draw)
        self.disagreement.placeClicked.connect(self._clicked)
        self.guidance.placeClicked.connect(self._clicked)

    def set_state(self, state: RunState | None) -> None:
        self._state = state
        layers = len(state.query_layers) if state else 0
        if self.layer.count() != layers + 1:
            self.layer.blockSignals(True)
            self.layer.clear()
            self.layer.addItems(["Mean", *(f"{number + 1}" for number in range(layers))])
            self.layer.blockSignals(False)
        self._draw()

    def set_other(self, other: RunState | None) -> None:
        """Another run, drawn with dashed lines."""
        self._other = other
        self._draw()

    def set_stop(self, stop: int) -> None:
        self._stop = stop
        self._draw()

    def showEvent(self, _event: QShowEvent) -> None:
        self._draw()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._draw()

    def _draw(self) -> None:
        state = self._state
        if not self.isVisible():
            return
        intervals = _intervals(state)
        known = any(stop.disagreement or stop.fit or stop.guidance_loss is not None for stop in intervals)
        self.content.setVisible(known)
        self.empty.setVisible(not known)
        if state is None or not known:
            return
        here = state.stops[self._stop] if self._stop < len(state.stops) else None
        mark = None if here is None or here.interval is None else here.interval + 1.0
        count = (1.0, max(2.0, float(len(intervals))))
        losses = self._losses(intervals, here)
        longest = max((len(one.points) for one in losses), default=2)
        self.loss.show_series(losses, (1.0, float(longest)))
        others = _intervals(self._other)
        disagreement = [*self._disagreement(others, dashed=True), *self._disagreement(intervals, dashed=False)]
        self.disagreement.show_series(disagreement, count, mark, zero=True)
        guidance = [self._guidance(others, dashed=True), self._guidance(intervals, dashed=False)]
        self.guidance.show_series(guidance, count, mark)
        self._write_legend()

    def _losses(self, intervals: Sequence[Stop], here: Stop | None) -> list[Series]:
        fits = [(stop, stop.fit) for stop in intervals if stop.fit]
        result = []
        for number, (stop, fit) in enumerate(fits):
            colour = mix(_FIRST, _LAST, number / max(1, len(fits) - 1))
            points = tuple((index + 1.0, loss) for index, loss in enumerate(fit.losses) if isfinite(loss))
            result.append(Series(stop.title, colour, points, thick=stop is here, dots=False))
        return result

    def _value(self, values: tuple[float, ...]) -> float | None:
        layer = self.layer.currentIndex() - 1
        if layer < 0:
            return mean(values)
        return values[layer] if layer < len(values) and isfinite(values[layer]) else None

    @property
    def _grey(self) -> QColor:
        return mix(self.palette().windowText().color(), self.palette().window().color(), 0.35)

    def _disagreement(self, stops: Sequence[Stop], *, dashed: bool) -> list[Series]:
        named = (
            ("recorded", self._grey, [stop.fit.recorded if stop.fit else () for stop in stops]),
            ("rendered", _GREEN, [stop.fit.rendered if stop.fit else () for stop in stops]),
            ("after the interval", ORANGE, [stop.disagreement for stop in stops]),
        )
        result = []
        for name, colour, layers in named:
            values = [(stop, self._value(of_layers)) for stop, of_layers in zip(stops, layers, strict=True)]
            points = tuple(((stop.interval or 0) + 1.0, value) for stop, value in values if value is not None)
            result.append(Series(self._named(name, dashed), colour, points, dashed))
        return result

    def _guidance(self, stops: Sequence[Stop], *, dashed: bool) -> Series:
        points = tuple(
            ((stop.interval or 0) + 1.0, stop.guidance_loss) for stop in stops if stop.guidance_loss is not None
        )
        return Series(self._named("guidance loss", dashed), self.palette().highlight().color(), points, dashed)

    def _named(self, name: str, dashed: bool) -> str:
        return f"{name}, {self._other.title}" if dashed and self._other else name

    def _write_legend(self) -> None:
        parts = [(self._grey, "● recorded"), (_GREEN, "● rendered"), (ORANGE, "● after the interval")]
        if self._other:
            parts.append((self._grey, f"- - {self._other.title}"))
        texts = [f"<span style='color:{colour.name()}'>{text}</span>" for colour, text in parts]
        self.legend.setText("&nbsp;&nbsp;&nbsp;".join(texts))

    def _clicked(self, place: float) -> None:
        if self._state and self._state.interval_count:
            interval = min(max(round(place) - 1, 0), self._state.interval_count - 1)
            self.stopSelected.emit(self._state.stop_of_interval(interval))


def _intervals(state: RunState | None) -> list[Stop]:
    return [stop for stop in state.stops if stop.kind == "interval"] if state else []
