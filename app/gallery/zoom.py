from __future__ import annotations

from PySide6.QtCore import QObject, QPointF, QRectF, Signal

MOST = 32.0


class Zoom(QObject):
    """The part of a picture that is shown, the same for every view: corners in shares of the picture's size."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._scale = 1.0
        self._centre = QPointF(0.5, 0.5)

    @property
    def scale(self) -> float:
        return self._scale

    @property
    def is_zoomed(self) -> bool:
        return self._scale > 1.0

    def window(self) -> QRectF:
        side = 1.0 / self._scale
        return QRectF(self._centre.x() - side / 2, self._centre.y() - side / 2, side, side)

    def zoom_at(self, place: QPointF, factor: float) -> None:
        """Magnify so that what is at `place` (in shares of the frame) stays there."""
        window = self.window()
        fixed = QPointF(window.x() + place.x() * window.width(), window.y() + place.y() * window.height())
        scale = min(MOST, max(1.0, self._scale * factor))
        side = 1.0 / scale
        centre = QPointF(fixed.x() + (0.5 - place.x()) * side, fixed.y() + (0.5 - place.y()) * side)
        self._set(scale, centre)

    def pan(self, offset: QPointF) -> None:
        """Move the picture by shares of the frame."""
        side = 1.0 / self._scale
        self._set(self._scale, QPointF(self._centre.x() - offset.x() * side, self._centre.y() - offset.y() * side))

    def reset(self) -> None:
        self._set(1.0, QPointF(0.5, 0.5))

    def _set(self, scale: float, centre: QPointF) -> None:
        half = 0.5 / scale
        centre = QPointF(min(1 - half, max(half, centre.x())), min(1 - half, max(half, centre.y())))
        if (scale, centre) != (self._scale, self._centre):
            self._scale, self._centre = scale, centre
            self.changed.emit()
