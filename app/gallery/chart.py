from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QGraphicsGridLayout

from app.gallery.paint import mix, muted, small_font

_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 14, 24, 36
_REACH = 24.0
_DOT = 6.5
_MARK_ALPHA = 60


@dataclass(frozen=True)
class Series:
    name: str
    colour: QColor
    points: tuple[tuple[float, float], ...]
    dashed: bool = False
    thick: bool = False
    dots: bool = True


class Chart(pg.PlotWidget):
    """Lines over one axis; the values under the mouse are read off."""

    placeClicked = Signal(float)

    def __init__(self, name: str, title: str, across: str) -> None:
        super().__init__(background=None)
        self.setObjectName(name)
        self.setAccessibleName(title)
        self.setFrameShape(self.Shape.NoFrame)
        self.setMinimumSize(130, 80)
        self.setMouseTracking(True)
        self.hideButtons()
        self.setMenuEnabled(False)
        self._title, self._across = title, across
        self.series: Sequence[Series] = ()
        self._item = self.getPlotItem()
        # A plot item's layout is deleted twice, by Python and by Qt (pyqtgraph 0.14, PySide6 6.12): the parts are
        # placed by hand, and what the item calls its layout belongs to nobody else.
        while self._item.layout.count():
            self._item.layout.removeAt(0)
        self._item.setLayout(None)
        self._item.layout = QGraphicsGridLayout()
        self._item.getViewBox().setMouseEnabled(x=False, y=False)
        self._item.getViewBox().setDefaultPadding(0.02)
        self._item.showGrid(x=False, y=True, alpha=0.12)
        self._item.getAxis("left").setWidth(_LEFT)
        self._item.getAxis("bottom").setHeight(_BOTTOM)
        self._mark = pg.InfiniteLine(movable=False)
        self._values = pg.TextItem(anchor=(0, 0))
        self._dress()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if not hasattr(self, "_item"):
            return
        area = QRectF(_LEFT, _TOP, max(10, self.width() - _LEFT - _RIGHT), max(10, self.height() - _TOP - _BOTTOM))
        self._item.getViewBox().setGeometry(area)
        self._item.getAxis("left").setGeometry(QRectF(0, area.y(), _LEFT, area.height()))
        self._item.getAxis("bottom").setGeometry(QRectF(area.x(), area.bottom(), area.width(), _BOTTOM))
        self._item.titleLabel.setGeometry(QRectF(area.x(), 0, area.width(), _TOP))

    def sizeHint(self) -> QSize:
        return QSize(280, 180)

    def show_series(
        self, series: Sequence[Series], across: tuple[float, float], mark: float | None = None, *, zero: bool = False
    ) -> None:
        """Lines from `across[0]` to `across[1]`; `mark` is a place to point out, `zero` starts the values there."""
        self.series = [one for one in series if one.points]
        self._item.clear()
        values = [value for one in self.series for _, value in one.points]
        low, high = (min(values), max(values)) if values else (0.0, 1.0)
        low = 0.0 if zero else low
        room = 0.06 * ((high - low) or abs(high) or 1.0)
        self._item.setXRange(*across)
        self._item.setYRange(low if zero else low - room, high + room, padding=0)
        if mark is not None:
            self._mark.setValue(mark)
            self._item.addItem(self._mark, ignoreBounds=True)
        for one in self.series:
            self._draw(one)
        self._values.hide()
        self._item.addItem(self._values, ignoreBounds=True)

    def place(self, x: float, y: float) -> QPointF:
        """Where a value is, in pixels of this widget."""
        scene = self._item.getViewBox().mapViewToScene(QPointF(x, y))
        return QPointF(self.mapFromScene(scene))

    def _draw(self, series: Series) -> None:
        style = Qt.PenStyle.DashLine if series.dashed else Qt.PenStyle.SolidLine
        dots = series.dots and not series.dashed
        self._item.plot(
            [x for x, _ in series.points],
            [y for _, y in series.points],
            pen=pg.mkPen(series.colour, width=2.6 if series.thick else 1.6, style=style),
            symbol="o" if dots else None,
            symbolSize=_DOT,
            symbolPen=None,
            symbolBrush=series.colour,
            antialias=True,
        )

    def _dress(self) -> None:
        text, window = self.palette().windowText().color(), self.palette().window().color()
        dim = muted(self.palette(), 0.35)
        self._item.setTitle(self._title, color=text.name(), size="9pt")
        self._item.setLabel("bottom", self._across, color=dim.name())
        for side in ("left", "bottom"):
            axis = self._item.getAxis(side)
            axis.setPen(mix(window, text, 0.3))
            axis.setTextPen(dim)
            axis.setStyle(tickFont=small_font(self.font()), tickLength=-4)
        accent = QColor(self.palette().highlight().color())
        accent.setAlpha(_MARK_ALPHA)
        self._mark.setPen(pg.mkPen(accent, width=8))
        self._values.fill = pg.mkBrush(self.palette().toolTipBase())
        self._values.border = pg.mkPen(mix(window, text, 0.3))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_item"):
            # pyqtgraph keeps the background that was drawn.
            self.resetCachedContent()
            self._dress()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        place = event.position()
        lines = []
        for series in self.series:
            nearest = min(series.points, key=lambda point: abs(self.place(*point).x() - place.x()))
            if abs(self.place(*nearest).x() - place.x()) <= _REACH:
                lines.append(f"<span style='color:{series.colour.name()}'>●</span> {series.name}  {nearest[1]:.4g}")
        colour = self.palette().toolTipText().color().name()
        self._values.setHtml(f"<div style='color:{colour}'>{'<br>'.join(lines)}</div>")
        self._values.setAnchor((1.05 if place.x() > self.width() / 2 else -0.05, 0))
        self._values.setPos(self._item.getViewBox().mapSceneToView(self.mapToScene(place.toPoint())))
        self._values.setVisible(bool(lines))

    def leaveEvent(self, event: QEvent) -> None:
        self._values.hide()
        super().leaveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        place = self._item.getViewBox().mapSceneToView(self.mapToScene(event.position().toPoint()))
        self.placeClicked.emit(float(place.x()))
