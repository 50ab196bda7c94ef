from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QStyle, QToolTip, QWidget

from app.gallery.cells import CellPainter, paint_column, paint_frame, paint_headers
from app.gallery.compare import Comparison
from app.gallery.layout import GAP, Cell, Layout, lay_out_sheet, lay_out_views
from app.gallery.paint import muted, small_font
from app.gallery.pictures import FULL, Key, PictureStore
from app.gallery.run_state import RunState
from app.gallery.zoom import Zoom

Mode = Literal["views", "sheet"]
_GRIP = 6


class PictureGrid(QAbstractScrollArea):
    """All views at the scrubber's stop, or all views at all stops. Wipe and zoom act in every picture at once."""

    viewSelected = Signal(str)
    viewActivated = Signal(str)
    stopSelected = Signal(int)
    wantedChanged = Signal()

    def __init__(self, store: PictureStore, zoom: Zoom, comparison: Comparison, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("pictureGrid")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Views")
        self.viewport().setMouseTracking(True)
        self._store = store
        self._zoom = zoom
        self._comparison = comparison
        self._state: RunState | None = None
        self._mode: Mode = "views"
        self._stop = 0
        self._view = ""
        self._scale = 1.0
        self._layout = Layout((), QSize(), QSize())
        self._cells = CellPainter(store, zoom, comparison)
        self._hovered: Cell | None = None
        self._drag: Literal["", "divider", "pan"] = ""
        self._drag_from = QPointF()
        self._drag_cell: Cell | None = None
        store.arrived.connect(self.viewport().update)
        zoom.changed.connect(self._look_again)
        comparison.changed.connect(self._look_again)
        comparison.moved.connect(self.viewport().update)
        self.verticalScrollBar().valueChanged.connect(self.wantedChanged)

    @property
    def tile_size(self) -> QSize:
        return self._layout.tile

    @property
    def mode(self) -> Mode:
        return self._mode

    def set_state(self, state: RunState | None) -> None:
        fresh = state is None or self._state is None or state.path != self._state.path
        if fresh:
            self._cells.forget()
        self._state = state
        self._lay_out()

    def set_mode(self, mode: Mode) -> None:
        self._mode = mode
        self._lay_out()
        self.show_stop()

    def set_stop(self, stop: int) -> None:
        self._stop = stop
        self.show_stop()
        self.viewport().update()

    def set_view(self, view: str) -> None:
        self._view = view
        for cell in self._layout.cells:
            if cell.view == view:
                self._reveal(cell.frame.adjusted(0, -GAP, 0, GAP + cell.caption.height()))
                break
        self.viewport().update()

    def set_tile_scale(self, scale: float) -> None:
        if scale != self._scale:
            self._scale = scale
            self._lay_out()

    def show_stop(self) -> None:
        if self._mode == "sheet" and self._layout.column:
            left = self._layout.left + self._stop * self._layout.column
            bar = self.horizontalScrollBar()
            room = self.viewport().width() - self._layout.left
            if left - bar.value() < self._layout.left:
                bar.setValue(left - self._layout.left - self._layout.column)
            elif left + self._layout.column - bar.value() > self._layout.left + room:
                bar.setValue(left + 2 * self._layout.column - self._layout.left - room)

    def urgent_keys(self) -> Iterator[Key]:
        """Pictures that are seen now, and those beside them in time."""
        state, stop, zoomed = self._state, self._stop, self._zoom.is_zoomed
        if state is None:
            return
        size = self._device(self._layout.tile)
        seen = [cell for cell in self._layout.cells if self._on_screen(cell.frame).intersects(self._visible())]
        pictures = [state.picture(stop if cell.stop is None else cell.stop, cell.view) for cell in seen]
        if self._mode == "views" and (self._comparison.active or self._comparison.flicker):
            pictures += [self._comparison.partner(state, stop, cell.view) for cell in seen]
        if self._mode == "views":
            pictures += [state.picture(stop + 1, cell.view) for cell in seen]
            pictures += [state.picture(stop - 1, cell.view) for cell in seen]
        for picture in pictures:
            if picture:
                yield Key.of(picture, FULL if zoomed else size)

    def keys(self) -> Iterator[Key]:
        """Every picture of the run, the nearest in time first."""
        state = self._state
        if state is None:
            return
        size = self._device(self._layout.tile)
        for stop in sorted(range(len(state.stops)), key=lambda stop: abs(stop - self._stop)):
            for view in state.views:
                picture = state.picture(stop, view)
                if picture:
                    yield Key.of(picture, size)
        if self._mode == "views" and self._comparison.active:
            for stop in range(len(state.stops)):
                for view in state.views:
                    partner = self._comparison.partner(state, stop, view)
                    if partner:
                        yield Key.of(partner, size)

    def _device(self, size: QSize) -> QSize:
        ratio = self.devicePixelRatioF()
        return QSize(round(size.width() * ratio), round(size.height() * ratio))

    def _look_again(self) -> None:
        self.viewport().update()
        self.wantedChanged.emit()

    def _lay_out(self) -> None:
        state = self._state
        if state is None or not state.views:
            self._layout = Layout((), QSize(), QSize())
        else:
            aspect = state.size[0] / max(1, state.size[1])
            room = self.maximumViewportSize()
            bar = self.style().pixelMetric(QStyle.PixelMetric.PM_ScrollBarExtent)
            if self._mode == "views":
                self._layout = lay_out_views(state.views, aspect, room, bar, self._scale)
            else:
                left = max(self.fontMetrics().horizontalAdvance(view) for view in state.views) + 3 * GAP
                self._layout = lay_out_sheet(state.views, len(state.stops), aspect, room, bar, self._scale, left)
        self._set_ranges(self._layout.content, self.maximumViewportSize())
        self._look_again()

    def _set_ranges(self, content: QSize, room: QSize) -> None:
        bar = self.style().pixelMetric(QStyle.PixelMetric.PM_ScrollBarExtent)
        width, height = room.width(), room.height()
        if content.height() > height:
            width -= bar
        if content.width() > width:
            height -= bar
        self.verticalScrollBar().setRange(0, max(0, content.height() - height))
        self.verticalScrollBar().setPageStep(height)
        self.verticalScrollBar().setSingleStep(max(1, self._layout.tile.height() // 3))
        self.horizontalScrollBar().setRange(0, max(0, content.width() - width))
        self.horizontalScrollBar().setPageStep(width)

    def _on_screen(self, frame: QRect) -> QRect:
        return frame.translated(-self.horizontalScrollBar().value(), -self.verticalScrollBar().value())

    def _visible(self) -> QRect:
        return self.viewport().rect().adjusted(self._layout.left, self._layout.top, 0, 0)

    def _reveal(self, frame: QRect) -> None:
        shown, bar = self._on_screen(frame), self.verticalScrollBar()
        top = self._layout.top
        if shown.top() < top:
            bar.setValue(bar.value() + shown.top() - top)
        elif shown.bottom() > self.viewport().height():
            bar.setValue(bar.value() + shown.bottom() - self.viewport().height())

    def cell_at(self, place: QPoint) -> Cell | None:
        inside = place + QPoint(self.horizontalScrollBar().value(), self.verticalScrollBar().value())
        if not self._visible().contains(place):
            return None
        for cell in self._layout.cells:
            if cell.frame.contains(inside) or cell.caption.contains(inside):
                return cell
        return None

    def frame_of(self, view: str, stop: int | None = None) -> QRect:
        """Where a view's picture is on the screen, in the viewport's coordinates."""
        for cell in self._layout.cells:
            if cell.view == view and cell.stop == stop:
                return self._on_screen(cell.frame)
        return QRect()

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self.viewport()) as painter:
            painter.fillRect(event.rect(), self.palette().window())
            state = self._state
            if state is None or not self._layout.cells:
                return
            painter.setFont(small_font(self.font()))
            scrolled = (self.horizontalScrollBar().value(), self.verticalScrollBar().value())
            if self._mode == "sheet":
                height = self.viewport().height()
                paint_column(painter, self.palette(), self._layout, self._stop, scrolled[0], height)
            for cell in self._layout.cells:
                frame = self._on_screen(cell.frame)
                if frame.intersects(event.rect()) and frame.intersects(self._visible()):
                    self._paint_cell(painter, state, cell, frame)
            if self._mode == "sheet":
                here = (self._view, self._stop)
                paint_headers(painter, self.palette(), self._layout, state, here, scrolled)

    def _paint_cell(self, painter: QPainter, state: RunState, cell: Cell, frame: QRect) -> None:
        alone = cell.stop is None
        stop = self._stop if cell.stop is None else cell.stop
        hovered = self._hovered is not None and (self._hovered.view, self._hovered.stop) == (cell.view, cell.stop)
        self._cells.paint(painter, self.palette(), state, cell.view, stop, frame, alone=alone, hovered=hovered)
        selected = cell.view == self._view and stop == self._stop
        paint_frame(painter, self.palette(), frame, selected=selected, hovered=hovered)
        if cell.caption.height():
            painter.setPen(self.palette().windowText().color() if selected else muted(self.palette(), 0.35))
            flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(self._on_screen(cell.caption), flags, cell.view)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        cell = self.cell_at(event.position().toPoint())
        if cell is None:
            return
        self._drag_cell, self._drag_from = cell, event.position()
        if event.button() == Qt.MouseButton.LeftButton:
            if self._grips(cell, event.position()):
                self._drag = "divider"
                return
            self._choose(cell)
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton) and self._zoom.is_zoomed:
            self._drag = "pan"
            self.viewport().setCursor(Qt.CursorShape.ClosedHandCursor)

    def _choose(self, cell: Cell) -> None:
        self.viewSelected.emit(cell.view)
        if cell.stop is not None:
            self.stopSelected.emit(cell.stop)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        cell = self.cell_at(event.position().toPoint())
        if cell is not None and event.button() == Qt.MouseButton.LeftButton:
            self._drag = ""
            self._choose(cell)
            self.viewActivated.emit(cell.view)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        place = event.position()
        if self._drag and self._drag_cell is not None:
            frame = self._on_screen(self._drag_cell.frame)
            if self._drag == "divider":
                self._comparison.set_divider((place.x() - frame.x()) / frame.width())
            else:
                offset = place - self._drag_from
                self._drag_from = place
                self._zoom.pan(QPointF(offset.x() / frame.width(), offset.y() / frame.height()))
            return
        hovered = self.cell_at(place.toPoint())
        if hovered is not self._hovered:
            self._hovered = hovered
            self.viewport().update()
        if hovered is not None and self._grips(hovered, place):
            self.viewport().setCursor(Qt.CursorShape.SplitHCursor)
        elif hovered is not None and self._zoom.is_zoomed:
            self.viewport().setCursor(Qt.CursorShape.OpenHandCursor)
        else:
            self.viewport().unsetCursor()

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        self._drag, self._drag_cell = "", None
        self.viewport().unsetCursor()

    def leaveEvent(self, event: QEvent) -> None:
        self._hovered = None
        self.viewport().update()
        super().leaveEvent(event)

    def _grips(self, cell: Cell, place: QPointF) -> bool:
        if cell.stop is not None or not self._cells.wiping():
            return False
        frame = self._on_screen(cell.frame)
        return abs(place.x() - (frame.x() + frame.width() * self._comparison.divider)) <= _GRIP

    def wheelEvent(self, event: QWheelEvent) -> None:
        if not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            super().wheelEvent(event)
            return
        cell = self.cell_at(event.position().toPoint())
        if cell is not None:
            frame = self._on_screen(cell.frame)
            x = (event.position().x() - frame.x()) / frame.width()
            y = (event.position().y() - frame.y()) / frame.height()
            self._zoom.zoom_at(QPointF(x, y), 1.2 ** (event.angleDelta().y() / 120))
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        event.ignore()

    def resizeEvent(self, _event: QResizeEvent) -> None:
        self._lay_out()

    def scrollContentsBy(self, _dx: int, _dy: int) -> None:
        self.viewport().update()

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            cell = self.cell_at(event.pos())
            text = self._describe(cell) if cell is not None else ""
            QToolTip.showText(event.globalPos(), text, self.viewport())
            return True
        return super().viewportEvent(event)

    def _describe(self, cell: Cell) -> str:
        assert self._state is not None
        number = self._stop if cell.stop is None else cell.stop
        stop = self._state.stops[number]
        picture = self._state.picture(number, cell.view)
        problem = self._store.problem(picture) if picture else ""
        if picture is None:
            return f"View {cell.view}, {stop.title.lower()}: {'no preview was kept' if stop.seconds else stop.state}"
        lines = [f"View {cell.view}, {stop.title.lower()}", "Double-click to enlarge, Ctrl+wheel to zoom in all views"]
        return "\n".join([lines[0], f"{picture.path}: {problem}"] if problem else lines)
