from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.gallery.paint import mix, muted, small_font

_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 14, 24, 32
_REACH = 24.0


@dataclass(frozen=True)
class Series:
    name: str
    colour: QColor
    points: tuple[tuple[float, float], ...]
    dashed: bool = False
    thick: bool = False
    dots: bool = True


def ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers from low to high, no more than `most`."""
    if not high > low or most < 1:
        return [low]
    rough = (high - low) / most
    power = 10.0 ** floor(log10(rough))
    step = next(step * power for step in (1, 2, 5, 10) if step * power >= rough * (1 - 1e-9))
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


class Chart(QWidget):
    """Lines over one axis; the values under the mouse are read off."""

    placeClicked = Signal(float)

    def __init__(self, name: str, title: str, across: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(title)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._title, self._across = title, across
        self.series: Sequence[Series] = ()
        self._mark: float | None = None
        self._hover: QPointF | None = None
        self._x = (0.0, 1.0)
        self._y = (0.0, 1.0)

    def show_series(
        self, series: Sequence[Series], across: tuple[float, float], mark: float | None = None, *, zero: bool = False
    ) -> None:
        """Lines from `across[0]` to `across[1]`; `mark` is a place to point out, `zero` starts the values there."""
        self.series, self._mark = [one for one in series if one.points], mark
        values = [value for one in self.series for _, value in one.points]
        low, high = (min(values), max(values)) if values else (0.0, 1.0)
        low = 0.0 if zero else low
        room = 0.06 * ((high - low) or abs(high) or 1.0)
        self._x, self._y = across, (low if zero else low - room, high + room)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(280, 180)

    def minimumSizeHint(self) -> QSize:
        return QSize(130, 80)

    def area(self) -> QRectF:
        return QRectF(_LEFT, _TOP, max(10, self.width() - _LEFT - _RIGHT), max(10, self.height() - _TOP - _BOTTOM))

    def place(self, x: float, y: float) -> QPointF:
        area = self.area()
        across = (x - self._x[0]) / ((self._x[1] - self._x[0]) or 1.0)
        up = (y - self._y[0]) / ((self._y[1] - self._y[0]) or 1.0)
        return QPointF(area.x() + across * area.width(), area.bottom() - up * area.height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._paint_axes(painter)
            area = self.area()
            painter.save()
            painter.setClipRect(area.adjusted(-5, -5, 5, 5))
            for series in self.series:
                self._paint_series(painter, series)
            painter.restore()
            if self._hover is not None and area.contains(self._hover):
                self._paint_values(painter, area, self._hover)

    def _paint_axes(self, painter: QPainter) -> None:
        area, window = self.area(), self.palette().window().color()
        text, dim = self.palette().windowText().color(), muted(self.palette(), 0.35)
        painter.setPen(text)
        painter.drawText(QRectF(area.x(), 0, area.width(), _TOP), Qt.AlignmentFlag.AlignVCenter, self._title)
        painter.setFont(small_font(self.font()))
        if self._mark is not None:
            accent = QColor(self.palette().highlight().color())
            accent.setAlpha(60)
            x = self.place(self._mark, 0).x()
            painter.fillRect(QRectF(x - 4, area.y(), 8, area.height()), accent)
        grid = QPen(mix(window, text, 0.12), 1)
        middle = Qt.AlignmentFlag.AlignVCenter
        for value in ticks(*self._y, max(2, int(area.height() / 36))):
            y = self.place(0, value).y()
            painter.setPen(grid)
            painter.drawLine(QPointF(area.x(), y), QPointF(area.right(), y))
            painter.setPen(dim)
            label = QRectF(0, y - 8, _LEFT - 6, 16)
            painter.drawText(label, middle | Qt.AlignmentFlag.AlignRight, f"{value:.4g}")
        for value in ticks(*self._x, max(2, int(area.width() / 40))):
            if value != round(value):
                continue
            x = self.place(value, 0).x()
            label = QRectF(x - 20, area.bottom() + 2, 40, 14)
            painter.drawText(label, Qt.AlignmentFlag.AlignCenter, f"{value:.0f}")
        painter.setPen(QPen(mix(window, text, 0.3), 1))
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        painter.setPen(dim)
        under = QRectF(area.x(), self.height() - 15, area.width(), 14)
        painter.drawText(under, Qt.AlignmentFlag.AlignCenter, self._across)

    def _paint_series(self, painter: QPainter, series: Series) -> None:
        line = Qt.PenStyle.DashLine if series.dashed else Qt.PenStyle.SolidLine
        painter.setPen(QPen(series.colour, 2.6 if series.thick else 1.6, line))
        places = [self.place(x, y) for x, y in series.points]
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolyline(QPolygonF(places))
        if series.dots and not series.dashed:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(series.colour)
            for place in places:
                painter.drawEllipse(place, 3.2, 3.2)

    def _paint_values(self, painter: QPainter, area: QRectF, hover: QPointF) -> None:
        x = self._x[0] + (hover.x() - area.x()) / area.width() * (self._x[1] - self._x[0])
        lines = []
        for series in self.series:
            nearest = min(series.points, key=lambda point: abs(point[0] - x))
            place = self.place(*nearest)
            if abs(place.x() - hover.x()) <= _REACH:
                lines.append((series.colour, f"{series.name}  {nearest[1]:.4g}"))
                painter.setPen(QPen(self.palette().windowText().color(), 1.4))
                painter.setBrush(series.colour)
                painter.drawEllipse(place, 4, 4)
        if not lines:
            return
        metrics = painter.fontMetrics()
        width = max(metrics.horizontalAdvance(text) for _, text in lines) + 26
        box = QRectF(0, area.y() + 4, width, 15 * len(lines) + 8)
        box.moveLeft(hover.x() + 12 if hover.x() + 12 + width < self.width() else hover.x() - 12 - width)
        painter.setPen(QPen(mix(self.palette().window().color(), self.palette().windowText().color(), 0.3), 1))
        painter.setBrush(self.palette().toolTipBase())
        painter.drawRoundedRect(box, 4, 4)
        for number, (colour, text) in enumerate(lines):
            row = QRectF(box.x() + 8, box.y() + 4 + 15 * number, width, 15)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            painter.drawEllipse(QPointF(row.x() + 3, row.center().y()), 3, 3)
            painter.setPen(self.palette().toolTipText().color())
            painter.drawText(row.adjusted(12, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, text)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover = event.position()
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self._hover = None
        self.update()
        super().leaveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        area = self.area()
        share = (event.position().x() - area.x()) / area.width()
        self.placeClicked.emit(self._x[0] + share * (self._x[1] - self._x[0]))
