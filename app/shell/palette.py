from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QPoint, QRect, QSize, Qt
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QDialog,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app.shell import shortcuts
from app.shell.action_set import ActionSet

_ENTRY = Qt.ItemDataRole.UserRole
_WIDTH, _HEIGHT = 560, 380
_KEYS = (Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_PageDown, Qt.Key.Key_PageUp)


@dataclass(frozen=True)
class Entry:
    text: str
    group: str
    run: Callable[[], object]
    keys: str = ""


def score(query: str, text: str) -> float | None:
    """How well the letters of the query occur in this order in the text; None if they do not. Higher is better."""
    query, low = query.lower().replace(" ", ""), text.lower()
    total, place, before = 0.0, 0, -2
    for letter in query:
        found = low.find(letter, place)
        starts = found
        # The start of a word is meant rather than the middle of an earlier one.
        while starts > 0 and low[starts - 1].isalnum() and starts != before + 1:
            starts = low.find(letter, starts + 1)
        if starts >= 0:
            found = starts
        if found < 0:
            return None
        first = found == 0 or not low[found - 1].isalnum()
        total += 3.0 if first else 2.0 if found == before + 1 else 0.5
        before, place = found, found + 1
    return total - 0.01 * len(text)


def best(query: str, entries: Sequence[Entry]) -> list[Entry]:
    """The matching entries, the best first; all of them in their order for an empty query."""
    scored = [(score(query, f"{entry.text} {entry.group}"), entry) for entry in entries]
    matching = [(value, entry) for value, entry in scored if value is not None]
    if not query.strip():
        return [entry for _, entry in matching]
    return [entry for _, entry in sorted(matching, key=lambda pair: -pair[0])]


def entries_of(actions: ActionSet) -> list[Entry]:
    return [
        Entry(
            actions.qactions[name].text().rstrip(" ."),
            action.menu.replace("/", " \u203a "),
            partial(actions.run, name),
            shortcuts.shown(shortcuts.shortcut_of(action)),
        )
        for name, action in actions.table.items()
        if actions.possible(name) and name != "edit.palette"
    ]


class Palette(QDialog):
    """Type a part of a command, Enter runs it."""

    def __init__(self, entries: Sequence[Entry], parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup | Qt.WindowType.FramelessWindowHint)
        self.setObjectName("palette")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._entries = entries
        self._query = QLineEdit()
        self._query.setObjectName("paletteQuery")
        self._query.setPlaceholderText("What do you want to do?")
        self._query.textChanged.connect(self._fill)
        self._query.installEventFilter(self)
        self._list = QListWidget()
        self._list.setObjectName("paletteList")
        self._list.setItemDelegate(_Rows(self._list))
        self._list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._list.itemClicked.connect(self._run)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(6)
        layout.addWidget(self._query)
        layout.addWidget(self._list, 1)
        width, height = min(_WIDTH, parent.width() - 40), min(_HEIGHT, parent.height() - 80)
        self.resize(width, height)
        self.move(parent.mapToGlobal(QPoint((parent.width() - width) // 2, 60)))
        self._fill()
        self._query.setFocus()

    def _fill(self) -> None:
        self._list.clear()
        for entry in best(self._query.text(), self._entries):
            item = QListWidgetItem(entry.text)
            item.setData(_ENTRY, entry)
            self._list.addItem(item)
        self._list.setCurrentRow(0)

    def _run(self, item: QListWidgetItem | None) -> None:
        if item is not None:
            entry: Entry = item.data(_ENTRY)
            self.close()
            entry.run()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._query and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._run(self._list.currentItem())
                return True
            if event.key() in _KEYS:
                steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: 8, Qt.Key.Key_PageUp: -8}
                row = self._list.currentRow() + steps[Qt.Key(event.key())]
                self._list.setCurrentRow(max(0, min(row, self._list.count() - 1)))
                return True
        return super().eventFilter(watched, event)


class _Rows(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(super().sizeHint(option, index).width(), 30)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        entry: Entry = index.data(_ENTRY)
        palette = option.palette
        rect: QRect = option.rect
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        painter.save()
        if chosen:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(palette.highlight())
            painter.drawRoundedRect(rect.adjusted(1, 1, -1, -1), 5, 5)
        inner = rect.adjusted(10, 0, -10, 0)
        middle = Qt.AlignmentFlag.AlignVCenter
        strong = palette.highlightedText().color() if chosen else palette.text().color()
        painter.setPen(strong)
        painter.drawText(inner, middle | Qt.AlignmentFlag.AlignLeft, entry.text)
        weak = strong
        weak.setAlphaF(0.65)
        painter.setPen(weak)
        painter.drawText(inner, middle | Qt.AlignmentFlag.AlignRight, entry.keys)
        width = painter.fontMetrics().horizontalAdvance("Ctrl+Shift+Space") + 16
        painter.drawText(inner.adjusted(0, 0, -width, 0), middle | Qt.AlignmentFlag.AlignRight, entry.group)
        painter.restore()
