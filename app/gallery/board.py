from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QStyle, QWidget

from app.gallery.paint import muted, small_font

_GAP = 6
_HEADER = 20
_SMALLEST, _LARGEST = 64, 220


class MapBoard(QAbstractScrollArea):
    """Small pictures in named rows and columns, their pixels as they are."""

    columnSelected = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("mapBoard")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._rows: list[str] = []
        self._columns: list[str] = []
        self._images: Mapping[tuple[int, int], QImage] = {}
        self._chosen = -1
        self._shape = QSize(1, 1)

    def show_images(
        self, rows: list[str], columns: list[str], images: Mapping[tuple[int, int], QImage], shape: QSize, chosen: int
    ) -> None:
        """By (row, column); all are drawn in one shape."""
        self._rows, self._columns, self._images = rows, columns, images
        self._shape, self._chosen = shape, chosen
        self._set_ranges()
        self.viewport().update()

    @property
    def images(self) -> Mapping[tuple[int, int], QImage]:
        return self._images

    @property
    def _left(self) -> int:
        metrics = self.fontMetrics()
        lines = [line for row in self._rows for line in row.splitlines()]
        return max((metrics.horizontalAdvance(line) for line in lines), default=0) + 2 * _GAP

    @property
    def _tile(self) -> QSize:
        columns, rows = max(1, len(self._columns)), max(1, len(self._rows))
        room = self.maximumViewportSize()
        width = (room.width() - self._left) / columns - _GAP
        height = (room.height() - _HEADER) / rows - _GAP
        side = min(max(_SMALLEST, min(width, height * self._shape.width() / max(1, self._shape.height()))), _LARGEST)
        return QSize(int(side), max(1, int(side * self._shape.height() / max(1, self._shape.width()))))

    def _frame(self, row: int, column: int) -> QRect:
        tile = self._tile
        x = self._left + column * (tile.width() + _GAP) - self.horizontalScrollBar().value()
        y = _HEADER + row * (tile.height() + _GAP) - self.verticalScrollBar().value()
        return QRect(x, y, tile.width(), tile.height())

    def _set_ranges(self) -> None:
        tile, shown = self._tile, self.viewport().size()
        width = self._left + len(self._columns) * (tile.width() + _GAP)
        height = _HEADER + len(self._rows) * (tile.height() + _GAP)
        self.horizontalScrollBar().setRange(0, max(0, width - shown.width()))
        self.horizontalScrollBar().setPageStep(shown.width())
        self.horizontalScrollBar().setSingleStep(tile.width() + _GAP)
        self.verticalScrollBar().setRange(0, max(0, height - shown.height()))
        self.verticalScrollBar().setPageStep(shown.height())
        bar = self.style().pixelMetric(QStyle.PixelMetric.PM_ScrollBarExtent)
        self.verticalScrollBar().setSingleStep(max(bar, tile.height() // 3))

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self.viewport()) as painter:
            painter.fillRect(event.rect(), self.palette().window())
            painter.setFont(small_font(self.font()))
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
            for (row, column), image in self._images.items():
                frame = self._frame(row, column)
                if frame.intersects(event.rect()):
                    painter.drawImage(frame, image)
            self._paint_names(painter)

    def _paint_names(self, painter: QPainter) -> None:
        window = self.palette().window()
        painter.fillRect(0, 0, self.viewport().width(), _HEADER, window)
        for column, name in enumerate(self._columns):
            frame = self._frame(0, column)
            chosen = column == self._chosen
            painter.setPen(self.palette().windowText().color() if chosen else muted(self.palette(), 0.3))
            place = QRect(frame.x(), 0, frame.width(), _HEADER)
            text = painter.fontMetrics().elidedText(name, Qt.TextElideMode.ElideMiddle, frame.width())
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)
            if chosen:
                painter.setPen(QPen(self.palette().highlight().color(), 2))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                last = self._frame(len(self._rows) - 1, column)
                painter.drawRect(frame.united(last).adjusted(-2, -2, 2, 2))
        painter.fillRect(0, 0, self._left - _GAP, self.viewport().height(), window)
        painter.setPen(muted(self.palette(), 0.2))
        for row, name in enumerate(self._rows):
            frame = self._frame(row, 0)
            place = QRect(0, frame.y(), self._left - 2 * _GAP, frame.height())
            painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, name)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        for column in range(len(self._columns)):
            frame = self._frame(0, column)
            if frame.left() <= event.position().x() <= frame.right() and event.position().x() > self._left - _GAP:
                self.columnSelected.emit(column)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        event.ignore()

    def resizeEvent(self, _event: QResizeEvent) -> None:
        self._set_ranges()

    def scrollContentsBy(self, _dx: int, _dy: int) -> None:
        self.viewport().update()
