from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QMouseEvent, QPainter, QPaintEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.gallery.compare import Comparison
from app.gallery.paint import (
    fitted,
    paint_badge,
    paint_compared,
    paint_divider,
    paint_picture,
    paint_placeholder,
    small_font,
)
from app.gallery.zoom import Zoom

_GRIP = 12
_MARGIN = 8


class CompareCanvas(QWidget):
    """One picture, large, with what it is compared with: a wipe, side by side, or their difference."""

    resized = Signal()

    def __init__(self, zoom: Zoom, comparison: Comparison, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("compareCanvas")
        self.setAccessibleName("Enlarged view")
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(120, 80)
        self._zoom = zoom
        self._comparison = comparison
        self._shape = QSize(1, 1)
        self._first: QImage | None = None
        self._second: QImage | None = None
        self._titles = ("", "")
        self._missing = ""
        self._alarm = False
        self._drag: Literal["", "divider", "pan"] = ""
        self._from = QPointF()
        zoom.changed.connect(self.update)
        comparison.moved.connect(self.update)
        comparison.changed.connect(self.update)

    def set_pictures(
        self,
        shape: QSize,
        first: QImage | None,
        second: QImage | None,
        titles: tuple[str, str],
        missing: str = "",
        *,
        alarm: bool = False,
    ) -> None:
        """`missing` is said where the first picture is not there."""
        self._shape, self._first, self._second = shape, first, second
        self._titles, self._missing, self._alarm = titles, missing, alarm
        self.update()

    @property
    def sides(self) -> bool:
        return self._comparison.active and self._comparison.style == "side"

    def panes(self) -> tuple[QRect, ...]:
        inside = self.rect().adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)
        if not self.sides:
            return (inside,)
        half = (inside.width() - _MARGIN) // 2
        return (
            QRect(inside.x(), inside.y(), half, inside.height()),
            QRect(inside.right() + 1 - half, inside.y(), half, inside.height()),
        )

    def frame(self, pane: int = 0) -> QRect:
        """Where the picture is when it is not magnified."""
        return fitted(self.panes()[pane], self._shape)

    def clip(self, pane: int = 0) -> QRect:
        """What is painted on: magnified pictures use the whole pane."""
        return self.panes()[pane] if self._zoom.is_zoomed else self.frame(pane)

    @property
    def _wiping(self) -> bool:
        comparison = self._comparison
        return (
            comparison.active
            and comparison.style == "wipe"
            and not comparison.flicker
            and self._first is not None
            and self._second is not None
        )

    def paintEvent(self, _event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), self.palette().dark())
            font = small_font(self.font())
            if self._first is None:
                painter.setFont(self.font())
                frame = QRectF(self.frame())
                paint_placeholder(painter, frame, self.palette(), self._missing, self._second, alarm=self._alarm)
                return
            if self.sides:
                for pane, image in ((0, self._second), (1, self._first)):
                    self._paint_pane(painter, pane, image)
                names = (self._titles[1], self._titles[0])
                for pane in (0, 1):
                    clip = QRectF(self.clip(pane))
                    paint_badge(painter, names[pane], clip, Qt.AlignmentFlag.AlignLeft, font)
                return
            frame, clip = QRectF(self.frame()), QRectF(self.clip())
            paint_compared(painter, self._first, self._second, frame, clip, self._zoom, self._comparison)
            if self._wiping:
                paint_divider(painter, clip, self._comparison.divider, knob=True)
            self._paint_names(painter, clip)

    def _paint_pane(self, painter: QPainter, pane: int, image: QImage | None) -> None:
        frame, clip = QRectF(self.frame(pane)), QRectF(self.clip(pane))
        if self._comparison.flicker:
            image = self._second if pane == 1 else self._first
        if image is None:
            paint_placeholder(painter, frame, self.palette(), "not there", None)
        else:
            paint_picture(painter, image, frame, clip, self._zoom)

    def _paint_names(self, painter: QPainter, clip: QRectF) -> None:
        font = small_font(self.font())
        first, second = self._titles
        if self._second is None or not (self._comparison.active or self._comparison.flicker):
            paint_badge(painter, first, clip, Qt.AlignmentFlag.AlignLeft, font)
        elif self._comparison.flicker:
            paint_badge(painter, second, clip, Qt.AlignmentFlag.AlignLeft, font)
        elif self._comparison.style == "difference":
            paint_badge(
                painter, f"{first} against {second.lower()}, amplified 4 times", clip, Qt.AlignmentFlag.AlignLeft, font
            )
        else:
            if self._comparison.divider > 0.06:
                paint_badge(painter, second, clip, Qt.AlignmentFlag.AlignLeft, font, 0.5)
            if self._comparison.divider < 0.94:
                paint_badge(painter, first, clip, Qt.AlignmentFlag.AlignRight, font, 0.5)

    def _grips(self, place: QPointF) -> bool:
        if not self._wiping:
            return False
        clip = self.clip()
        return abs(place.x() - (clip.x() + clip.width() * self._comparison.divider)) <= _GRIP

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._from = event.position()
        if event.button() == Qt.MouseButton.LeftButton and self._grips(event.position()):
            self._drag = "divider"
        elif event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._drag = "pan"
            if self._zoom.is_zoomed:
                self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        place = event.position()
        if self._drag == "divider":
            clip = self.clip()
            self._comparison.set_divider((place.x() - clip.x()) / clip.width())
        elif self._drag == "pan":
            offset, frame = place - self._from, self.frame()
            self._from = place
            self._zoom.pan(QPointF(offset.x() / frame.width(), offset.y() / frame.height()))
        elif self._grips(place):
            self.setCursor(Qt.CursorShape.SplitHCursor)
        elif self._zoom.is_zoomed:
            self.setCursor(Qt.CursorShape.OpenHandCursor)
        else:
            self.unsetCursor()

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        self._drag = ""
        self.unsetCursor()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self._zoom.is_zoomed:
            self._zoom.reset()
        else:
            self._zoom.zoom_at(self._share(event.position()), 2.0)

    def wheelEvent(self, event: QWheelEvent) -> None:
        self._zoom.zoom_at(self._share(event.position()), 1.2 ** (event.angleDelta().y() / 120))
        event.accept()

    def _share(self, place: QPointF) -> QPointF:
        panes = self.panes()
        pane = next((index for index, area in enumerate(panes) if area.contains(place.toPoint())), 0)
        frame = self.frame(pane)
        return QPointF((place.x() - frame.x()) / frame.width(), (place.y() - frame.y()) / frame.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.resized.emit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.update()
