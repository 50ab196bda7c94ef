from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.gallery.paint import fitted, mix, muted, small_font
from app.gallery.pictures import PictureStore
from app.gallery.run_state import RunState
from app.gallery.scrubber import Scrubber
from app.gallery.words import figures

_PICTURE = QSize(148, 148)
_MARGIN = 8
_LINE = 15


class Bubble(QWidget):
    """What is at the place of the timeline under the mouse: the picture of the current view, and figures."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.ToolTip | Qt.WindowType.FramelessWindowHint)
        self.setObjectName("scrubberBubble")
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._image: QImage | None = None
        self._shape = QSize(1, 1)
        self._lines: list[str] = []

    def show_at(self, above: QPoint, image: QImage | None, shape: QSize, lines: list[str]) -> None:
        """With the middle of its lower edge at a place of the screen."""
        self._image, self._shape, self._lines = image, shape, lines
        picture = shape.scaled(_PICTURE, Qt.AspectRatioMode.KeepAspectRatio)
        texts = max(self.fontMetrics().horizontalAdvance(line) for line in lines)
        width = max(picture.width(), texts) + 2 * _MARGIN
        self.resize(width, picture.height() + len(lines) * _LINE + 3 * _MARGIN)
        place = QRect(above - QPoint(width // 2, self.height() + 2), self.size())
        screen = self.screen().availableGeometry()
        place.moveLeft(max(screen.left(), min(place.left(), screen.right() - width)))
        self.move(place.topLeft())
        self.show()
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            palette = self.palette()
            painter.fillRect(self.rect(), palette.toolTipBase())
            painter.setPen(QPen(mix(palette.window().color(), palette.windowText().color(), 0.25), 1))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
            height = self.height() - len(self._lines) * _LINE - 3 * _MARGIN
            area = QRect(_MARGIN, _MARGIN, self.width() - 2 * _MARGIN, height)
            frame = fitted(area, self._shape)
            if self._image is not None:
                painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
                painter.drawImage(frame, self._image)
            else:
                painter.fillRect(frame, mix(palette.window().color(), palette.windowText().color(), 0.1))
            top = area.bottom() + _MARGIN
            for number, line in enumerate(self._lines):
                painter.setPen(palette.toolTipText().color() if number == 0 else muted(palette, 0.3))
                if number:
                    painter.setFont(small_font(self.font()))
                painter.drawText(QRectF(_MARGIN, top, area.width(), _LINE), Qt.AlignmentFlag.AlignVCenter, line)
                top += _LINE


class HoverPreview(QObject):
    """Shows the bubble while the mouse is over the timeline."""

    def __init__(self, scrubber: Scrubber, store: PictureStore, tile_size: Callable[[], QSize]) -> None:
        super().__init__(scrubber)
        self._scrubber = scrubber
        self._store = store
        self._tile_size = tile_size
        self._state: RunState | None = None
        self.view = ""
        self.bubble: Bubble | None = None
        scrubber.hovered.connect(self._show)

    def set_state(self, state: RunState | None) -> None:
        self._state = state
        self.hide()

    def hide(self) -> None:
        if self.bubble is not None:
            self.bubble.hide()

    def _show(self, number: int) -> None:
        state, scrubber = self._state, self._scrubber
        if state is None or not 0 <= number < len(state.stops) or not scrubber.isVisible():
            self.hide()
            return
        if self.bubble is None:
            self.bubble = Bubble(scrubber)
        stop = state.stops[number]
        picture = stop.pictures.get(self.view)
        image = self._store.any_size(picture, self._tile_size()) if picture else None
        lines = [f"{stop.title}, view {self.view}"]
        lines += figures(stop, state) if stop.kind == "interval" else []
        segment = scrubber.segment(number)
        place = QPoint(round(segment.center().x()), round(segment.top()) - 8)
        self.bubble.show_at(scrubber.mapToGlobal(place), image, QSize(*state.size), lines)
