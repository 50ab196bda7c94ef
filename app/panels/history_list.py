from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractItemModel,
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFont, QImage, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.gallery.paint import fitted, mix, muted, small_font
from app.panels.history_entries import RunEntry, in_bytes
from app.shell.icons import pixmap
from app.shell.themes import themes

ENTRY = Qt.ItemDataRole.UserRole
_HEIGHT, _PICTURE, _GAP, _STAR = 74, 58, 8, 18
_COLOURS = {"finished": "success", "running": "accent", "failed": "danger", "damaged": "danger"}

Index = QModelIndex | QPersistentModelIndex


class HistoryModel(QAbstractListModel):
    """Runs that match a search, newest first."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._all: Sequence[RunEntry] = ()
        self._shown: list[RunEntry] = []
        self._words = ""
        self._starred = False

    @property
    def total(self) -> int:
        return len(self._all)

    def set_entries(self, entries: Sequence[RunEntry]) -> None:
        self._all = entries
        self._filter()

    def replace(self, entry: RunEntry) -> None:
        self.set_entries([entry if one.path == entry.path else one for one in self._all])

    def search(self, words: str, *, starred: bool) -> None:
        self._words, self._starred = words.lower().strip(), starred
        self._filter()

    def _filter(self) -> None:
        shown = [
            entry
            for entry in self._all
            if all(word in entry.words for word in self._words.split()) and (entry.label.starred or not self._starred)
        ]
        if [entry.path for entry in shown] == [entry.path for entry in self._shown]:
            self._shown = shown
            if shown:
                self.dataChanged.emit(self.index(0), self.index(len(shown) - 1))
            return
        self.beginResetModel()
        self._shown = shown
        self.endResetModel()

    def entry(self, row: int) -> RunEntry:
        return self._shown[row]

    def row_of(self, entry_path: object) -> int:
        return next((row for row, entry in enumerate(self._shown) if entry.path == entry_path), -1)

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._shown)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        entry = self._shown[index.row()]
        if role == ENTRY:
            return entry
        if role == Qt.ItemDataRole.ToolTipRole:
            return "\n".join(part for part in (str(entry.path), entry.problem, entry.label.note) if part)
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return entry.title
        return None


class HistoryDelegate(QStyledItemDelegate):
    starClicked = Signal(object)

    def __init__(self, thumbnail: Callable[[RunEntry, QSize], QImage | None], parent: QObject) -> None:
        super().__init__(parent)
        self._thumbnail = thumbnail

    def sizeHint(self, _option: QStyleOptionViewItem, _index: Index) -> QSize:
        return QSize(200, _HEIGHT)

    def star_place(self, row: QRect) -> QRect:
        return QRect(row.right() - _GAP - _STAR, row.y() + _GAP + 1, _STAR, _STAR)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        entry = index.data(ENTRY)
        palette, row = option.palette, option.rect
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        if chosen:
            painter.fillRect(row, QColor(themes().theme.selection))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(row, QColor(themes().theme.hover))
        self._paint_picture(painter, option, entry)
        left = row.x() + 2 * _GAP + _PICTURE
        width = row.right() - left - _GAP
        bold = QFont(option.font)
        bold.setWeight(QFont.Weight.DemiBold)
        painter.setFont(bold)
        painter.setPen(palette.text().color())
        title = painter.fontMetrics().elidedText(entry.title, Qt.TextElideMode.ElideRight, width - _STAR - _GAP)
        line = QRect(left, row.y() + _GAP, width, 18)
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, title)
        painter.setFont(small_font(option.font))
        painter.setPen(palette.text().color() if chosen else muted(palette, 0.3))
        parts = [entry.when, entry.method, f"{entry.views} views" if entry.views else "", f"seed {entry.seed}"]
        self._line(painter, line.translated(0, 18), "  ".join(part for part in parts if part))
        self._paint_status(painter, entry, line.translated(0, 36))
        star = "star-filled" if entry.label.starred else "star"
        colour = "warning" if entry.label.starred else "disabled"
        painter.drawPixmap(self.star_place(row), pixmap(star, _STAR, colour, painter.device().devicePixelRatioF()))
        painter.setPen(QPen(mix(palette.base().color(), palette.text().color(), 0.1), 1))
        painter.drawLine(row.bottomLeft(), row.bottomRight())
        painter.restore()

    def _line(self, painter: QPainter, place: QRect, text: str) -> None:
        short = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, place.width())
        painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, short)

    def _paint_status(self, painter: QPainter, entry: RunEntry, place: QRect) -> None:
        status = f"{entry.status}, branched" if entry.branched else entry.status
        width = painter.fontMetrics().horizontalAdvance(status)
        pen = painter.pen()
        painter.setPen(QColor(getattr(themes().theme, _COLOURS.get(entry.status, "warning"))))
        painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, status)
        painter.setPen(pen)
        rest = "   ".join(part for part in (in_bytes(entry.size), entry.label.note.replace("\n", " ")) if part)
        self._line(painter, place.adjusted(width + 10, 0, 0, 0), rest)

    def _paint_picture(self, painter: QPainter, option: QStyleOptionViewItem, entry: RunEntry) -> None:
        area = QRect(option.rect.x() + _GAP, option.rect.y() + _GAP, _PICTURE, _PICTURE)
        image = self._thumbnail(entry, area.size() * painter.device().devicePixelRatioF())
        if image is None:
            painter.fillRect(area, mix(option.palette.base().color(), option.palette.text().color(), 0.1))
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(fitted(area, image.size()), image)

    def editorEvent(self, event: QEvent, model: QAbstractItemModel, option: QStyleOptionViewItem, index: Index) -> bool:
        star = self.star_place(option.rect).adjusted(-4, -4, 4, 4)
        released = isinstance(event, QMouseEvent) and event.type() == QEvent.Type.MouseButtonRelease
        if isinstance(event, QMouseEvent) and released and star.contains(event.position().toPoint()):
            self.starClicked.emit(index.data(ENTRY))
            return True
        return super().editorEvent(event, model, option, index)
