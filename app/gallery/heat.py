from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.gallery.maps import HEAT_COLOURS, colour_image
from app.gallery.paint import fitted, muted, paint_badge, paint_picture, paint_placeholder, small_font
from app.gallery.zoom import Zoom

_BAR = 10
_SCALE = 34
_MARGIN = 8


class Overlay(QWidget):
    """A picture with a veil of colours over it and the veil's scale below."""

    def __init__(self, zoom: Zoom, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("disagreementOverlay")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(120, 100)
        self._zoom = zoom
        self._image: QImage | None = None
        self._veil: QImage | None = None
        self._shape = QSize(1, 1)
        self._opacity = 0.75
        self._limit = 0.0
        self._title = ""
        self._scale = colour_image(np.repeat(HEAT_COLOURS[None], 2, axis=0))
        zoom.changed.connect(self.update)

    def show_picture(self, shape: QSize, image: QImage | None, veil: QImage | None, limit: float, title: str) -> None:
        self._shape, self._image, self._veil = shape, image, veil
        self._limit, self._title = limit, title
        self.update()

    def set_opacity(self, opacity: float) -> None:
        self._opacity = opacity
        self.update()

    def frame(self) -> QRect:
        return fitted(self.rect().adjusted(_MARGIN, _MARGIN, -_MARGIN, -_SCALE - _MARGIN), self._shape)

    def paintEvent(self, _event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            frame = QRectF(self.frame())
            if self._image is None:
                paint_placeholder(painter, frame, self.palette(), "no preview", None)
            else:
                paint_picture(painter, self._image, frame, frame, self._zoom)
            font = small_font(self.font())
            if self._veil is not None:
                painter.setOpacity(self._opacity)
                paint_picture(painter, self._veil, frame, frame, self._zoom)
                painter.setOpacity(1.0)
                self._paint_scale(painter, QRectF(frame.x(), frame.bottom() + 8, frame.width(), _BAR))
            paint_badge(painter, self._title, frame, Qt.AlignmentFlag.AlignLeft, font)

    def _paint_scale(self, painter: QPainter, area: QRectF) -> None:
        painter.drawImage(area, self._scale)
        painter.setFont(small_font(self.font()))
        painter.setPen(muted(self.palette(), 0.25))
        text = QRectF(area.x(), area.bottom() + 2, area.width(), 14)
        painter.drawText(text, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, "0, views agree")
        painter.drawText(text, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"{self._limit:.2g}")

    def wheelEvent(self, event: QWheelEvent) -> None:
        frame, place = self.frame(), event.position()
        share = QPointF((place.x() - frame.x()) / frame.width(), (place.y() - frame.y()) / frame.height())
        self._zoom.zoom_at(share, 1.2 ** (event.angleDelta().y() / 120))
        event.accept()
