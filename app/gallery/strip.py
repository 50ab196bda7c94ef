from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QWidget

from app.gallery.paint import muted, paint_placeholder, small_font
from app.gallery.pictures import Key, PictureStore
from app.gallery.run_state import RunState

_GAP = 5
_PICTURE = 84
_SHADE = QColor(16, 18, 22, 153)


class FilmStrip(QAbstractScrollArea):
    """All views of a stop, one below the other."""

    viewSelected = Signal(str)

    def __init__(self, store: PictureStore, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("filmStrip")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFixedWidth(_PICTURE + 2 * _GAP + 12)
        self._store = store
        self._state: RunState | None = None
        self._stop = 0
        self._view = ""
        self._last: dict[str, QImage] = {}
        store.arrived.connect(self.viewport().update)

    @property
    def _size(self) -> QSize:
        state = self._state
        if state is None:
            return QSize(_PICTURE, _PICTURE)
        return QSize(*state.size).scaled(_PICTURE, _PICTURE, Qt.AspectRatioMode.KeepAspectRatio)

    def set_state(self, state: RunState | None) -> None:
        self._state = state
        self._last = {} if state is None else self._last
        self._set_range()
        self.viewport().update()

    def set_stop(self, stop: int) -> None:
        self._stop = stop
        self.viewport().update()

    def set_view(self, view: str) -> None:
        self._view = view
        if self._state and view in self._state.views:
            frame = self._frame(self._state.views.index(view))
            bar = self.verticalScrollBar()
            if frame.top() < 0:
                bar.setValue(bar.value() + frame.top() - _GAP)
            elif frame.bottom() > self.viewport().height():
                bar.setValue(bar.value() + frame.bottom() + _GAP - self.viewport().height())
        self.viewport().update()

    def keys(self) -> Iterator[Key]:
        if self._state is None:
            return
        size = self._size * self.devicePixelRatioF()
        for stop in (self._stop, self._stop + 1, self._stop - 1):
            for view in self._state.views:
                picture = self._state.picture(stop, view)
                if picture:
                    yield Key.of(picture, size)

    def _frame(self, index: int) -> QRect:
        size = self._size
        return QRect(_GAP, _GAP + index * (size.height() + _GAP) - self.verticalScrollBar().value(), *size.toTuple())

    def _set_range(self) -> None:
        count = len(self._state.views) if self._state else 0
        height = _GAP + count * (self._size.height() + _GAP)
        self.verticalScrollBar().setRange(0, max(0, height - self.viewport().height()))
        self.verticalScrollBar().setPageStep(self.viewport().height())
        self.verticalScrollBar().setSingleStep(self._size.height() // 2)

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self.viewport()) as painter:
            painter.fillRect(event.rect(), self.palette().window())
            if self._state is None:
                return
            painter.setFont(small_font(self.font()))
            size = self._size * self.devicePixelRatioF()
            for index, view in enumerate(self._state.views):
                frame = self._frame(index)
                if not frame.intersects(event.rect()):
                    continue
                picture = self._state.picture(self._stop, view)
                image = self._store.any_size(picture, size) if picture else None
                problem = self._store.problem(picture) if picture else ""
                if picture and image is None and not problem:
                    image = self._last.get(view)
                if image is None:
                    paint_placeholder(painter, QRectF(frame), self.palette(), "", None, alarm=bool(problem))
                else:
                    self._last[view] = image
                    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
                    painter.drawImage(frame, image)
                self._paint_name(painter, frame, view)

    def _paint_name(self, painter: QPainter, frame: QRect, view: str) -> None:
        painter.fillRect(frame.x(), frame.bottom() - 13, painter.fontMetrics().horizontalAdvance(view) + 8, 14, _SHADE)
        painter.setPen(Qt.GlobalColor.white)
        painter.drawText(frame.x() + 4, frame.bottom() - 2, view)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if view == self._view:
            painter.setPen(QPen(self.palette().highlight().color(), 2))
            painter.drawRect(frame.adjusted(-1, -1, 1, 1))
        else:
            painter.setPen(QPen(muted(self.palette(), 0.8), 1))
            painter.drawRect(frame.adjusted(0, 0, -1, -1))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        for index, view in enumerate(self._state.views if self._state else ()):
            if self._frame(index).contains(event.position().toPoint()):
                self.viewSelected.emit(view)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        event.ignore()

    def resizeEvent(self, _event: QResizeEvent) -> None:
        self._set_range()

    def scrollContentsBy(self, _dx: int, _dy: int) -> None:
        self.viewport().update()
