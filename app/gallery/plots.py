from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, nan

import pyqtgraph as pg
from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QColor, QShowEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.gallery.empty import EmptyState
from app.gallery.paint import ORANGE, mix
from app.gallery.run_state import RunState, Stop
from app.gallery.words import mean

_FIRST, _LAST = QColor(95, 90, 200), QColor(236, 130, 60)
_GREEN = QColor(64, 168, 120)


class PlotsPage(QWidget):
    """QNeRF loss over its iterations, disagreement and guidance loss over the intervals."""

    stopSelected = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state: RunState | None = None
        self._other: RunState | None = None
        self._stop = 0
        self._filling = False
        self.layer = QComboBox()
        self.layer.setObjectName("plotLayer")
        self.layer.setToolTip("Query layer of the disagreement; the mean is over all of them.")
        bar = QHBoxLayout()
        bar.setContentsMargins(8, 4, 8, 0)
        bar.addWidget(QLabel("Layer"))
        bar.addWidget(self.layer)
        bar.addSpacing(16)
        self.legend = QLabel()
        self.legend.setTextFormat(Qt.TextFormat.RichText)
        bar.addWidget(self.legend)
        bar.addStretch(1)
        self.loss = self._plot("lossPlot", "QNeRF loss", "iteration")
        self.disagreement = self._plot("disagreementPlot", "Disagreement between views", "interval")
        self.guidance = self._plot("guidancePlot", "Guidance loss", "interval")
        plots = QHBoxLayout()
        plots.setContentsMargins(4, 0, 4, 0)
        for plot in (self.loss, self.disagreement, self.guidance):
            plots.addWidget(plot, 1)
        self.content = QWidget()
        inner = QVBoxLayout(self.content)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(0)
        inner.addLayout(bar)
        inner.addLayout(plots, 1)
        self.empty = EmptyState("plot", "No figures yet", "Curves appear when the first interval is done.")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.content)
        layout.addWidget(self.empty)
        self.layer.currentIndexChanged.connect(self._draw)
        for plot in (self.disagreement, self.guidance):
            plot.scene().sigMouseClicked.connect(lambda event, of=plot: self._clicked(event, of))

    def _plot(self, name: str, title: str, across: str) -> pg.PlotWidget:
        plot = pg.PlotWidget(background=None)
        plot.setObjectName(name)
        plot.setFrameShape(plot.Shape.NoFrame)
        plot.setMenuEnabled(False)
        plot.hideButtons()
        plot.setMinimumSize(120, 60)
        plot.setTitle(title, size="9pt")
        plot.setLabel("bottom", across)
        item = plot.getPlotItem()
        item.showGrid(x=False, y=True, alpha=0.15)
        item.getViewBox().setMouseEnabled(x=False, y=False)
        return plot

    def set_state(self, state: RunState | None) -> None:
        self._state = state
        layers = len(state.query_layers) if state else 0
        if self.layer.count() != layers + 1:
            self._filling = True
            self.layer.clear()
            self.layer.addItems(["Mean", *(f"{number + 1}" for number in range(layers))])
            self._filling = False
        self._draw()

    def set_other(self, other: RunState | None) -> None:
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
        if self._filling or not self.isVisible():
            return
        state = self._state
        intervals = [stop for stop in state.stops if stop.kind == "interval"] if state else []
        known = any(stop.disagreement or stop.fit or stop.guidance_loss is not None for stop in intervals)
        self.content.setVisible(known)
        self.empty.setVisible(not known)
        if state is None or not known:
            return
        for plot in (self.loss, self.disagreement, self.guidance):
            self._dress(plot)
        others = [stop for stop in self._other.stops if stop.kind == "interval"] if self._other else []
        self._draw_losses(intervals)
        for stops, dashed in ((others, True), (intervals, False)):
            self._draw_disagreement(stops, dashed=dashed)
            self._draw_guidance(stops, dashed=dashed)
        self._mark(len(intervals))
        self._write_legend()

    def _dress(self, plot: pg.PlotWidget) -> None:
        plot.clear()
        text = self.palette().windowText().color()
        dim = mix(text, self.palette().window().color(), 0.35)
        for side in ("left", "bottom"):
            axis = plot.getAxis(side)
            axis.setPen(mix(text, self.palette().window().color(), 0.7))
            axis.setTextPen(dim)
            axis.setStyle(tickFont=self.font(), tickLength=-4)
        plot.getPlotItem().titleLabel.setText(plot.getPlotItem().titleLabel.text, color=text.name(), size="9pt")

    def _draw_losses(self, intervals: Sequence[Stop]) -> None:
        fits = [stop for stop in intervals if stop.fit]
        for number, stop in enumerate(fits):
            assert stop.fit is not None
            colour = mix(_FIRST, _LAST, number / max(1, len(fits) - 1))
            here = self._state is not None and self._state.stops[self._stop] is stop
            pen = pg.mkPen(colour, width=3 if here else 1.4)
            self.loss.plot(range(1, len(stop.fit.losses) + 1), list(stop.fit.losses), pen=pen, connect="finite")

    def _value(self, values: tuple[float, ...]) -> float:
        layer = self.layer.currentIndex() - 1
        if layer < 0:
            found = mean(values)
            return nan if found is None else found
        return values[layer] if layer < len(values) else nan

    def _draw_disagreement(self, stops: Sequence[Stop], *, dashed: bool) -> None:
        grey = mix(self.palette().windowText().color(), self.palette().window().color(), 0.35)
        series = (
            (grey, "t", [(stop, stop.fit.recorded if stop.fit else ()) for stop in stops]),
            (_GREEN, "s", [(stop, stop.fit.rendered if stop.fit else ()) for stop in stops]),
            (ORANGE, "o", [(stop, stop.disagreement) for stop in stops]),
        )
        for colour, symbol, values in series:
            self._line(
                self.disagreement, [(stop, self._value(value)) for stop, value in values], colour, symbol, dashed
            )
        self.disagreement.setYRange(0, self._top(stops), padding=0.05)

    def _top(self, stops: Sequence[Stop]) -> float:
        values = [self._value(stop.disagreement) for stop in stops]
        values += [self._value(stop.fit.recorded) for stop in stops if stop.fit]
        return max([value for value in values if isfinite(value)], default=1.0)

    def _draw_guidance(self, stops: Sequence[Stop], *, dashed: bool) -> None:
        values = [(stop, nan if stop.guidance_loss is None else stop.guidance_loss) for stop in stops]
        self._line(self.guidance, values, self.palette().highlight().color(), "o", dashed)

    def _line(
        self, plot: pg.PlotWidget, points: list[tuple[Stop, float]], colour: QColor, symbol: str, dashed: bool
    ) -> None:
        known = [((stop.interval or 0) + 1, value) for stop, value in points if isfinite(value)]
        if not known:
            return
        pen = pg.mkPen(colour, width=1.8, style=Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine)
        plot.plot(
            [place for place, _ in known],
            [value for _, value in known],
            pen=pen,
            symbol=None if dashed else symbol,
            symbolSize=7,
            symbolBrush=colour,
            symbolPen=None,
        )

    def _mark(self, count: int) -> None:
        here = self._state.stops[self._stop] if self._state else None
        for plot in (self.disagreement, self.guidance):
            plot.setXRange(1, max(2, count), padding=0.06)
            step = max(1, count // 10)
            plot.getAxis("bottom").setTicks([[(place, str(place)) for place in range(1, count + 1, step)]])
            if here is not None and here.interval is not None:
                colour = QColor(self.palette().highlight().color())
                colour.setAlpha(120)
                plot.addItem(pg.InfiniteLine(here.interval + 1, pen=pg.mkPen(colour, width=6)))

    def _write_legend(self) -> None:
        grey = mix(self.palette().windowText().color(), self.palette().window().color(), 0.35)
        parts = [(grey, "▲ recorded"), (_GREEN, "■ rendered"), (ORANGE, "● after the interval")]
        texts = [f"<span style='color:{colour.name()}'>{text}</span>" for colour, text in parts]
        if self._other:
            texts.append(f"<span style='color:{grey.name()}'>- - {self._other.path.name}</span>")
        self.legend.setText("&nbsp;&nbsp;&nbsp;".join(texts))

    def _clicked(self, event: object, plot: pg.PlotWidget) -> None:
        place = plot.getPlotItem().getViewBox().mapSceneToView(event.scenePos())  # type: ignore[attr-defined]
        if self._state and self._state.interval_count:
            interval = min(max(round(place.x()) - 1, 0), self._state.interval_count - 1)
            self.stopSelected.emit(self._state.stop_of_interval(interval))
