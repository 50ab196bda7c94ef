from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QBrush,
    QColor,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QPolygonF,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.gallery.paint import AMBER, ORANGE, mix, muted, small_font
from app.gallery.run_state import RunState, Stop
from app.gallery.words import mean

_SIDE = 10
_TOP = 8
_TRACK = 26
_SPARK = 40
_SPARK_GAP = 6
_GAP = 2
_CAP = 60
_NARROW = 16


class Scrubber(QWidget):
    """A timeline of originals, intervals and result, with the views' disagreement and the guidance below."""

    stopChanged = Signal(int)
    hovered = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("scrubber")
        self.setAccessibleName("Intervals")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._state: RunState | None = None
        self._stop = 0
        self._hover = -1
        self._dragging = False
        self._spark = True
        self._wheel = 0
        self._segments: list[QRectF] = []
        self._drawn: QPixmap | None = None

    @property
    def stop(self) -> int:
        return self._stop

    @property
    def count(self) -> int:
        return len(self._state.stops) if self._state else 0

    def set_state(self, state: RunState | None) -> None:
        self._state = state
        self._stop = min(self._stop, max(0, self.count - 1))
        self._lay_out()

    def set_stop(self, stop: int) -> None:
        stop = max(0, min(stop, self.count - 1))
        if stop != self._stop:
            self._stop = stop
            self.update()
            self.stopChanged.emit(stop)

    def set_spark_shown(self, shown: bool) -> None:
        if shown != self._spark:
            self._spark = shown
            self.updateGeometry()
            self._lay_out()

    def sizeHint(self) -> QSize:
        return QSize(400, _TOP + _TRACK + 4 + (_SPARK + _SPARK_GAP if self._spark else 0))

    def minimumSizeHint(self) -> QSize:
        return QSize(160, self.sizeHint().height())

    def segment(self, stop: int) -> QRectF:
        """Where a stop is on the track."""
        return self._segments[stop]

    def _lay_out(self) -> None:
        width, last = self.width() - 2 * _SIDE, self.count - 1
        inner = max(1, self.count - 2)
        cap = min(_CAP, max(width / max(1, self.count), (width - inner * _NARROW) / 2))
        each = (width - 2 * cap) / inner
        self._segments = [QRectF(_SIDE + cap + (stop - 1) * each, _TOP, each - _GAP, _TRACK) for stop in range(last)]
        if self._segments:
            self._segments[0] = QRectF(_SIDE, _TOP, cap - _GAP, _TRACK)
            self._segments.append(QRectF(_SIDE + width - cap, _TOP, cap, _TRACK))
        self._drawn = None
        self.update()

    def stop_at(self, x: float) -> int:
        for stop in range(self.count):
            if x < self.segment(stop).right() + _GAP:
                return stop
        return self.count - 1

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.count:
            self._dragging = True
            self._say_hover(-1)
            self.set_stop(self.stop_at(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if not self.count:
            return
        stop = self.stop_at(event.position().x())
        if self._dragging:
            self.set_stop(stop)
        else:
            self._say_hover(stop)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._dragging = False
            self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self._say_hover(-1)
        super().leaveEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        self._wheel += event.angleDelta().y() or event.angleDelta().x()
        clicks = int(self._wheel / 120)
        self._wheel -= clicks * 120
        self.set_stop(self._stop - clicks)
        event.accept()

    def _say_hover(self, stop: int) -> None:
        if stop != self._hover:
            self._hover = stop
            self.update()
            self.hovered.emit(stop)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay_out()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange):
            self._drawn = None

    def paintEvent(self, _event: QPaintEvent) -> None:
        state = self._state
        if state is None or not self.count:
            return
        if self._drawn is None:
            self._drawn = self._draw(state)
        with QPainter(self) as painter:
            painter.drawPixmap(0, 0, self._drawn)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setFont(small_font(self.font()))
            if 0 <= self._hover < self.count:
                self._paint_segment(painter, self._hover, state.stops[self._hover])
            self._paint_head(painter, state.stops[self._stop])

    def _draw(self, state: RunState) -> QPixmap:
        """All that does not follow the mouse."""
        ratio = self.devicePixelRatioF()
        pixmap = QPixmap(self.size() * ratio)
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(self.palette().window().color())
        with QPainter(pixmap) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setFont(small_font(self.font()))
            for number, stop in enumerate(state.stops):
                self._paint_segment(painter, number, stop)
            if self._spark:
                self._paint_spark(painter, state)
        return pixmap

    def _paint_segment(self, painter: QPainter, number: int, stop: Stop) -> None:
        area = self.segment(number)
        window, accent = self.palette().window().color(), self.palette().highlight().color()
        text = self.palette().windowText().color()
        empty, full = mix(window, text, 0.07), mix(window, accent, 0.38)
        if number == self._hover:
            empty, full = mix(empty, text, 0.08), mix(full, text, 0.12)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(full if stop.state == "finished" else empty)
        painter.drawRoundedRect(area, 4, 4)
        if stop.state in ("running", "stopped") or (stop.kind == "original" and stop.fraction < 1.0):
            self._paint_part(painter, area, stop, full, empty)
        if stop.state == "planned":
            painter.setPen(QPen(mix(window, text, 0.18), 1, Qt.PenStyle.DashLine))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(area.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        if stop.guided:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(accent if stop.state == "finished" else mix(window, accent, 0.45))
            painter.drawRoundedRect(QRectF(area.x() + 5, area.bottom() - 4, area.width() - 10, 2), 1, 1)
        painter.setPen(mix(text, window, 0.5) if stop.state == "planned" else text)
        label = stop.title if painter.fontMetrics().horizontalAdvance(stop.title) < area.width() - 8 else stop.short
        if stop.kind != "interval" and painter.fontMetrics().horizontalAdvance(label) > area.width() - 4:
            label = label[0]
        if painter.fontMetrics().horizontalAdvance(label) <= area.width():
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, label)

    def _paint_part(self, painter: QPainter, area: QRectF, stop: Stop, full: QColor, empty: QColor) -> None:
        part = QRectF(area)
        part.setWidth(max(4.0, area.width() * min(1.0, stop.fraction)))
        painter.save()
        painter.setClipRect(part)
        painter.setPen(Qt.PenStyle.NoPen)
        if stop.state == "stopped":
            painter.setBrush(QBrush(mix(empty, AMBER, 0.7), Qt.BrushStyle.BDiagPattern))
        else:
            painter.setBrush(full)
        painter.drawRoundedRect(area, 4, 4)
        painter.restore()
        if stop.kind == "original":
            painter.setBrush(empty)
            painter.drawRoundedRect(area.adjusted(part.width(), 0, 0, 0), 4, 4)
        painter.setPen(QPen(AMBER if stop.state == "stopped" else self.palette().highlight().color(), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(area.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)

    def _paint_head(self, painter: QPainter, stop: Stop) -> None:
        area = self.segment(self._stop)
        accent = self.palette().highlight().color()
        head = accent if self.hasFocus() or self._dragging else mix(accent, self.palette().windowText().color(), 0.25)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(head)
        x = area.center().x()
        painter.drawPolygon(QPolygonF([QPointF(x - 6, 0), QPointF(x + 6, 0), QPointF(x, _TOP - 1)]))
        if stop.state == "finished":
            painter.drawRoundedRect(area, 4, 4)
            painter.setPen(self.palette().highlightedText().color())
            fits = painter.fontMetrics().horizontalAdvance(stop.title) < area.width() - 8
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, stop.title if fits else stop.short)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(head, 2))
        painter.drawRoundedRect(area.adjusted(1, 1, -1, -1), 4, 4)
        if self._spark:
            painter.setPen(QPen(head, 1))
            bottom = area.bottom() + _SPARK_GAP + _SPARK
            painter.drawLine(QPointF(x, area.bottom() + 1), QPointF(x, bottom))

    def _paint_spark(self, painter: QPainter, state: RunState) -> None:
        top = _TOP + _TRACK + _SPARK_GAP
        legend = self.segment(0)
        stops = list(enumerate(state.stops))
        losses = [(number, stop.guidance_loss) for number, stop in stops if stop.guidance_loss is not None]
        means = [(number, value) for number, stop in stops if (value := mean(stop.disagreement)) is not None]
        fits = [
            (number, before, after)
            for number, stop in stops
            if stop.fit
            and (before := mean(stop.fit.recorded)) is not None
            and (after := mean(stop.fit.rendered)) is not None
        ]
        if not (losses or means or fits):
            return
        grey = mix(self.palette().window().color(), self.palette().windowText().color(), 0.2)
        painter.setPen(Qt.PenStyle.NoPen)
        most = max((loss for _, loss in losses), default=1.0) or 1.0
        painter.setBrush(grey)
        for number, loss in losses:
            area = self.segment(number)
            height = (_SPARK - 6) * loss / most
            width = min(18.0, area.width() * 0.5)
            painter.drawRoundedRect(QRectF(area.center().x() - width / 2, top + _SPARK - height, width, height), 2, 2)
        highest = max([value for _, value in means] + [max(pair[1:]) for pair in fits], default=1.0) or 1.0

        def place(number: int, value: float) -> QPointF:
            return QPointF(self.segment(number).center().x(), top + 4 + (_SPARK - 8) * (1.0 - value / highest))

        painter.setPen(QPen(ORANGE, 1.6))
        painter.drawPolyline(QPolygonF([place(number, value) for number, value in means]))
        for number, before, after in fits:
            painter.setPen(QPen(ORANGE, 1.2, Qt.PenStyle.DotLine))
            painter.drawLine(place(number, before), place(number, after))
            painter.setPen(QPen(ORANGE, 1.4))
            painter.setBrush(self.palette().window())
            painter.drawEllipse(place(number, before), 2.6, 2.6)
            painter.setBrush(ORANGE)
            painter.drawEllipse(place(number, after), 2.6, 2.6)
        self._paint_legend(painter, QRectF(legend.x(), top, legend.width(), _SPARK), grey)

    def _paint_legend(self, painter: QPainter, area: QRectF, grey: QColor) -> None:
        row = area.height() / 2
        for line, (colour, text) in enumerate(((ORANGE, "Disagree"), (grey, "Guidance"))):
            middle = area.y() + row * (line + 0.5)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            painter.drawRoundedRect(QRectF(area.x(), middle - 3, 6, 6), 2, 2)
            painter.setPen(muted(self.palette(), 0.35))
            painter.drawText(
                QRectF(area.x() + 10, middle - row / 2, area.width(), row), Qt.AlignmentFlag.AlignVCenter, text
            )
