from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPalette, QPen

from app.gallery.compare import Comparison
from app.gallery.layout import GAP, Layout
from app.gallery.paint import mix, muted, paint_compared, paint_divider, paint_placeholder
from app.gallery.pictures import Key, PictureStore
from app.gallery.run_state import Picture, RunState
from app.gallery.zoom import Zoom

_KNOB_FROM = 120


class CellPainter:
    """Draws one view of the grid: its picture, what it is compared with, or why there is none."""

    def __init__(self, store: PictureStore, zoom: Zoom, comparison: Comparison) -> None:
        self._store = store
        self._zoom = zoom
        self._comparison = comparison
        self._last: dict[str, QImage] = {}

    def forget(self) -> None:
        self._last.clear()

    def wiping(self) -> bool:
        comparison = self._comparison
        return comparison.active and comparison.style != "difference" and not comparison.flicker

    def paint(
        self,
        painter: QPainter,
        palette: QPalette,
        state: RunState,
        view: str,
        stop: int,
        frame: QRect,
        *,
        alone: bool,
        hovered: bool,
    ) -> None:
        """`alone`: the only picture of its view, which takes part in the comparison and keeps what it showed until
        the next picture is decoded, so that nothing flickers while scrubbing."""
        area, size = QRectF(frame), frame.size() * painter.device().devicePixelRatioF()
        picture = state.picture(stop, view)
        image = self._image(picture, size) if picture else None
        problem = self._store.problem(picture) if picture else ""
        if picture and image is None and not problem and alone:
            image = self._last.get(view)
        if image is None:
            ghost = self._last.get(view) if alone and picture is None else None
            words = self._words(state, stop, picture, problem)
            paint_placeholder(painter, area, palette, words, ghost, alarm=bool(problem))
            return
        second = None
        if alone:
            self._last[view] = image
            partner = self._comparison.partner(state, stop, view)
            second = self._image(partner, size) if partner else None
        paint_compared(painter, image, second, area, area, self._zoom, self._comparison)
        if second is not None and self.wiping():
            knob = hovered and frame.width() >= _KNOB_FROM
            paint_divider(painter, area, self._comparison.divider, knob=knob)

    def _image(self, picture: Picture, size: QSize) -> QImage | None:
        small, full = Key.of(picture, size), Key.of(picture)
        first, then = (full, small) if self._zoom.is_zoomed else (small, full)
        return self._store.get(first) or self._store.get(then)

    @staticmethod
    def _words(state: RunState, stop: int, picture: Picture | None, problem: str) -> str:
        if picture is not None:
            return ("damaged" if picture.stamp else "missing") if problem else ""
        names = {"running": "in work", "planned": "planned", "stopped": "stopped", "finished": "no preview"}
        return names[state.stops[stop].state]


def paint_frame(painter: QPainter, palette: QPalette, frame: QRect, *, selected: bool, hovered: bool) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if selected:
        painter.setPen(QPen(palette.highlight().color(), 2))
        painter.drawRect(frame.adjusted(-1, -1, 1, 1))
    elif hovered:
        painter.setPen(QPen(muted(palette, 0.4), 1))
        painter.drawRect(frame.adjusted(-1, -1, 0, 0))


def paint_column(painter: QPainter, palette: QPalette, layout: Layout, stop: int, scrolled: int, height: int) -> None:
    """The tint behind the column of the scrubber's stop."""
    left = layout.left + stop * layout.column - scrolled
    tint = mix(palette.window().color(), palette.highlight().color(), 0.28)
    painter.fillRect(QRect(left - GAP // 2, 0, layout.column, height), tint)


def paint_headers(
    painter: QPainter,
    palette: QPalette,
    layout: Layout,
    state: RunState,
    here: tuple[str, int],
    scrolled: tuple[int, int],
) -> None:
    """Names of the views at the left, of the stops on top; they stay while the pictures scroll."""
    window, room = palette.window(), painter.viewport().size()
    view, current = here
    painter.fillRect(0, 0, room.width(), layout.top, window)
    painter.fillRect(0, layout.top, layout.left - GAP // 2, room.height(), window)
    middle = Qt.AlignmentFlag.AlignVCenter
    for cell in layout.cells[:: len(state.stops)]:
        row = QRect(GAP, cell.frame.y() - scrolled[1], layout.left - 2 * GAP, cell.frame.height())
        if row.bottom() > layout.top:
            painter.setPen(palette.windowText().color() if cell.view == view else muted(palette, 0.35))
            painter.drawText(row, middle | Qt.AlignmentFlag.AlignRight, cell.view)
    painter.fillRect(0, 0, layout.left, layout.top, window)
    painter.setClipRect(layout.left - GAP // 2, 0, room.width(), layout.top)
    for number, stop in enumerate(state.stops):
        x = layout.left + number * layout.column - scrolled[0]
        column = QRect(x - GAP // 2, 0, layout.column, layout.top)
        if number == current:
            painter.fillRect(column, palette.highlight())
        text = stop.title if painter.fontMetrics().horizontalAdvance(stop.title) < column.width() else stop.short
        painter.setPen(palette.highlightedText().color() if number == current else muted(palette, 0.3))
        painter.drawText(column, middle | Qt.AlignmentFlag.AlignHCenter, text)
    painter.setClipping(False)
