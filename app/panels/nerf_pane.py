from __future__ import annotations

from typing import Literal

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QMouseEvent, QPainter, QPaintEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.gallery.maps import colour_image
from app.gallery.paint import fitted, paint_badge, paint_placeholder, small_font


class NerfPane(QWidget):
    """A picture of a NeRF that is turned with the mouse as the viewport is."""

    turned = Signal(float, float)  # shares of the width and height
    panned = Signal(float, float)
    zoomed = Signal(float)
    rested = Signal()
    resetAsked = Signal()
    resized = Signal()

    def __init__(self, name: str, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(title)
        self.setMinimumSize(120, 110)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setToolTip("Drag turns, Shift+drag moves, the wheel zooms, double-click goes back to the view's camera")
        self.title = title
        self.image: QImage | None = None
        self._missing = ""
        self._shape = QSize(1, 1)
        self._drag: Literal["", "turn", "pan"] = ""
        self._from = QPointF()

    def sizeHint(self) -> QSize:
        return QSize(160, 160)

    def set_shape(self, shape: QSize) -> None:
        self._shape = shape
        self.update()

    def set_missing(self, text: str) -> None:
        """Why there is no picture."""
        self._missing = text
        self.image = None
        self.update()

    def show_picture(self, picture: np.ndarray) -> None:
        self.image = colour_image(picture)
        self.update()

    def frame(self) -> QRectF:
        return QRectF(fitted(self.rect(), self._shape))

    def paintEvent(self, _event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), self.palette().dark())
            if self.image is None:
                paint_placeholder(painter, self.frame(), self.palette(), self._missing, None)
                return
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(self.frame(), self.image)
            font = small_font(self.font())
            paint_badge(painter, self.title, self.frame(), Qt.AlignmentFlag.AlignLeft, font)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            shifted = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self._drag, self._from = "pan" if shifted else "turn", event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._drag:
            offset, self._from = event.position() - self._from, event.position()
            across, down = offset.x() / max(1, self.width()), offset.y() / max(1, self.height())
            (self.panned if self._drag == "pan" else self.turned).emit(across, down)

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        if self._drag:
            self._drag = ""
            self.rested.emit()

    def mouseDoubleClickEvent(self, _event: QMouseEvent) -> None:
        self.resetAsked.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.zoomed.emit(1.15 ** (event.angleDelta().y() / 120))
        event.accept()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.resized.emit()
