"""The parts of a proxy: a list with their groups, and what can be done with those that are selected."""

from __future__ import annotations

from functools import partial
from typing import get_args

from PySide6.QtCore import QItemSelectionModel, QSignalBlocker, Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QMenu,
    QToolButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.document.document import Document
from app.panels.say import say
from app.shell.icons import icon, set_icon
from qnerf_core.errors import StudioError
from qnerf_core.proxy.model import PartKind

_PART = Qt.ItemDataRole.UserRole
_LIST_HEIGHT = 132


class PartsSection(QWidget):
    def __init__(self, document: Document) -> None:
        super().__init__()
        self._document = document
        self._shown: tuple[tuple[str, str, str], ...] | None = None
        self.tree = QTreeWidget()
        self.tree.setObjectName("proxyParts")
        self.tree.setHeaderHidden(True)
        self.tree.setColumnCount(2)
        self.tree.setIndentation(14)
        self.tree.setFixedHeight(_LIST_HEIGHT)
        self.tree.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.tree.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked | QAbstractItemView.EditTrigger.EditKeyPressed
        )
        self.tree.setToolTip("Click to select, Ctrl or Shift for several, double-click to rename")
        self.tree.setAccessibleName("Parts of the proxy")
        self.add = _button("addPart", "plus", "Add a part on top of the others (Shift+A)")
        self.add.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.add)
        for kind in get_args(PartKind):
            if kind != "mesh":
                menu.addAction(kind.capitalize(), partial(document.add_part, kind))
        self.add.setMenu(menu)
        self.buttons = {
            "duplicate": _button("duplicateParts", "copy", "Duplicate (Shift+D)"),
            "group": _button("groupParts", "link", "Group: a click in the view takes all of them (Ctrl+G)"),
            "ungroup": _button("ungroupParts", "minus", "Take out of their group (Ctrl+Alt+G)"),
            "floor": _button("partsToFloor", "arrow-down", "Put on the floor (End)"),
            "reset": _button("resetParts", "reset", "Back to the source; without a selection the whole proxy"),
            "delete": _button("deleteParts", "trash", "Delete (X)"),
        }
        row = QHBoxLayout()
        row.setSpacing(2)
        row.addWidget(self.add)
        for button in self.buttons.values():
            row.addWidget(button)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.tree)
        column.addLayout(row)
        self._connect()

    def _connect(self) -> None:
        document = self._document
        for name, call in (
            ("duplicate", document.duplicate_parts),
            ("group", document.group_parts),
            ("ungroup", document.ungroup_parts),
            ("floor", document.parts_to_floor),
            ("reset", document.reset_parts),
            ("delete", document.delete_parts),
        ):
            self.buttons[name].clicked.connect(lambda _checked=False, call=call: call())
        self.tree.itemSelectionChanged.connect(self._select)
        self.tree.itemChanged.connect(self._rename)

    def show_values(self) -> None:
        document = self._document
        parts = tuple((part.name, part.group, part.kind) for part in document.proxy.parts)
        if parts != self._shown:
            self._shown = parts
            self._fill(parts)
        self._show_selection()
        chosen = document.selected_parts
        proxy = document.proxy
        self.buttons["group"].setEnabled(len(chosen) > 1)
        self.buttons["ungroup"].setEnabled(any(proxy.part(name).group for name in chosen))
        for name in ("duplicate", "floor", "delete"):
            self.buttons[name].setEnabled(bool(chosen))
        self.buttons["reset"].setEnabled(document.proxy is not document.reference_proxy)

    def _fill(self, parts: tuple[tuple[str, str, str], ...]) -> None:
        with QSignalBlocker(self.tree):
            self.tree.clear()
            groups: dict[str, QTreeWidgetItem] = {}
            for name, group, kind in parts:
                parent = self.tree.invisibleRootItem()
                if group:
                    if group not in groups:
                        groups[group] = QTreeWidgetItem(parent, [group])
                        groups[group].setIcon(0, icon("layers", "dim"))
                    parent = groups[group]
                item = QTreeWidgetItem(parent, [name, kind])
                item.setData(0, _PART, name)
                item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
                item.setForeground(1, self.palette().placeholderText())
            self.tree.expandAll()
            self.tree.resizeColumnToContents(0)
            self.tree.setColumnWidth(0, max(self.tree.columnWidth(0) + 16, 170))

    def _show_selection(self) -> None:
        chosen = set(self._document.selected_parts)
        with QSignalBlocker(self.tree):
            recursive = Qt.MatchFlag.MatchRecursive
            for item in self.tree.findItems("", Qt.MatchFlag.MatchContains | recursive):
                name, members = item.data(0, _PART), _members(item)
                item.setSelected(name in chosen or (bool(members) and chosen.issuperset(members)))
            active = self._document.active_part
            exactly = Qt.MatchFlag.MatchExactly | recursive
            for found in self.tree.findItems(active.name, exactly)[-1:] if active is not None else []:
                self.tree.setCurrentItem(found, 0, QItemSelectionModel.SelectionFlag.NoUpdate)

    def _select(self) -> None:
        names: list[str] = []
        for item in self.tree.selectedItems():
            name = item.data(0, _PART)
            names += _members(item) if name is None else [name]
        self._document.select_parts(names)

    def _rename(self, item: QTreeWidgetItem, column: int) -> None:
        name = item.data(0, _PART)
        if column != 0 or name is None:
            return
        try:
            self._document.rename_part(name, item.text(0))
        except StudioError as error:
            say(error)
        self._shown = None
        self.show_values()


def _members(item: QTreeWidgetItem) -> list[str]:
    """Names of the parts in a group."""
    children = (item.child(row) for row in range(item.childCount()))
    return [child.data(0, _PART) for child in children if child is not None]


def _button(name: str, picture: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setObjectName(name)
    button.setToolTip(tip)
    button.setAccessibleName(tip.split("(")[0].split(":")[0].strip())
    set_icon(button, picture)
    return button
