from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QImage, QKeyEvent, QPainter, QPainterPath, QPalette, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from app.gallery.paint import fitted, small_font
from app.viewport.look import look_of
from qnerf_core.scene.scene import View

CELL_MARGIN = 4
CELL_TEXT = 26

_Index = QModelIndex | QPersistentModelIndex


class ViewsModel(QAbstractListModel):
    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.views: tuple[View, ...] = ()

    @property
    def shape(self) -> float:
        """Width of most pictures by their height."""
        ratios = sorted(view.camera.width / view.camera.height for view in self.views)
        return ratios[len(ratios) // 2] if ratios else 1.0

    def set_views(self, views: tuple[View, ...]) -> None:
        self.beginResetModel()
        self.views = views
        self.endResetModel()

    def row_of(self, name: str | None) -> int | None:
        return next((row for row, view in enumerate(self.views) if view.name == name), None)

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - as Qt declares it
        return 0 if parent.isValid() else len(self.views)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        view = self.views[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return view.name
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"View {view.name}, {'kept out: not edited, used to measure' if view.heldout else 'edited'}"
        return None


class ViewList(QListView):
    stepped = Signal(QModelIndex)
    toggled = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("viewsList")
        self.setAccessibleName("Views of the capture")
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMovement(QListView.Movement.Static)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space:
            self.toggled.emit()
            return
        before = self.currentIndex()
        super().keyPressEvent(event)
        if self.currentIndex() != before:
            self.stepped.emit(self.currentIndex())


class ViewDelegate(QStyledItemDelegate):
    """A thumbnail, the view's name, and a dot that says whether it is edited or kept out."""

    def __init__(
        self, thumbnail: Callable[[int], QImage | None], is_through: Callable[[int], bool], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._thumbnail, self._is_through = thumbnail, is_through
        self.cell = QSize(90, 110)

    @property
    def picture_size(self) -> QSize:
        return QSize(self.cell.width() - 2 * CELL_MARGIN, self.cell.height() - CELL_TEXT)

    def set_cell(self, cell: QSize) -> None:
        self.cell = cell

    def sizeHint(self, _option: QStyleOptionViewItem, _index: _Index) -> QSize:
        return self.cell

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        area: QRect = option.rect
        palette: QPalette = option.palette
        state = option.state
        picture = QRect(area.topLeft(), self.picture_size).translated(CELL_MARGIN, CELL_MARGIN)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_picture(painter, picture, index.row(), palette)
        accent = palette.color(QPalette.ColorRole.Accent)
        if self._is_through(index.row()):
            _outline(painter, picture, accent, 2.5)
        elif state & QStyle.StateFlag.State_Selected:
            _outline(painter, picture, accent, 1.5)
        elif state & QStyle.StateFlag.State_MouseOver:
            _outline(painter, picture, palette.color(QPalette.ColorRole.Shadow), 1.5)
        self._paint_name(painter, QRect(area.left(), picture.bottom() + 1, area.width(), 18), option, index)
        painter.restore()

    def _paint_picture(self, painter: QPainter, area: QRect, row: int, palette: QPalette) -> None:
        image = self._thumbnail(row)
        clip = QPainterPath()
        clip.addRoundedRect(area, 4, 4)
        painter.fillPath(clip, palette.color(QPalette.ColorRole.Midlight))
        if image is not None:
            painter.save()
            painter.setClipPath(clip)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(fitted(area, image.size()), image)
            painter.restore()

    def _paint_name(self, painter: QPainter, line: QRect, option: QStyleOptionViewItem, index: _Index) -> None:
        palette: QPalette = option.palette
        view = index.model().views[index.row()]  # type: ignore[attr-defined]  # always the list's own model
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        painter.setFont(small_font(option.font))
        metrics = painter.fontMetrics()
        name = metrics.elidedText(view.name, Qt.TextElideMode.ElideMiddle, line.width() - 18)
        width = metrics.horizontalAdvance(name) + 11
        left = line.left() + (line.width() - width) // 2
        painter.setPen(Qt.PenStyle.NoPen)
        look = look_of(palette)
        painter.setBrush(look.colour("heldout" if view.heldout else "training"))
        painter.drawEllipse(QPointF(left + 3, line.center().y() + 1), 3, 3)
        painter.setPen(look.colour("text" if chosen else "dim"))
        painter.drawText(line.adjusted(left + 11 - line.left(), 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, name)


def _outline(painter: QPainter, area: QRect, colour: QColor, width: float) -> None:
    painter.setPen(QPen(colour, width))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(area.adjusted(0, 0, -1, -1), 4, 4)
