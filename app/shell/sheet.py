from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.shell import shortcuts
from app.shell.action_set import ActionSet
from app.shell.icons import set_icon

MOUSE = (
    ("Select a joint", "Click"),
    ("Move a joint", "Drag"),
    ("Turn only this joint", "Shift+drag"),
    ("Orbit", "Middle drag, Alt+drag"),
    ("Pan", "Shift+middle drag"),
    ("Zoom", "Wheel"),
    ("Cancel a drag", "Esc"),
    ("Keep to an axis while dragging", "X, Y, Z"),
)


class ShortcutSheet(QDialog):
    """Every key and mouse gesture on one page."""

    def __init__(self, actions: ActionSet, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("shortcutSheet")
        self.setWindowTitle("Shortcuts")
        self.resize(860, 600)
        groups: dict[str, list[tuple[str, str]]] = {}
        for action in actions.table.values():
            keys = shortcuts.shown(shortcuts.shortcut_of(action))
            if keys:
                groups.setdefault(action.menu.split("/")[0], []).append((action.name, keys))
        groups["Mouse in the viewport"] = list(MOUSE)
        page = QWidget()
        columns = QHBoxLayout(page)
        columns.setContentsMargins(18, 14, 18, 14)
        columns.setSpacing(32)
        piles: list[QVBoxLayout] = []
        lengths = [0, 0]
        for _ in lengths:
            pile = QVBoxLayout()
            pile.setSpacing(16)
            piles.append(pile)
            columns.addLayout(pile, 1)
        for name, entries in groups.items():
            shortest = lengths.index(min(lengths))
            piles[shortest].addLayout(_group(name, entries))
            lengths[shortest] += len(entries) + 2
        for pile in piles:
            pile.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(page)
        self.change = QPushButton("Change shortcuts ...")
        self.change.setObjectName("sheetChange")
        set_icon(self.change, "keyboard")
        self.change.clicked.connect(self.accept)
        close = QPushButton("Close")
        close.setDefault(True)
        close.clicked.connect(self.accept)
        row = QHBoxLayout()
        row.setContentsMargins(18, 0, 18, 14)
        row.addWidget(self.change)
        row.addStretch(1)
        row.addWidget(close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(area, 1)
        layout.addLayout(row)


def _group(name: str, entries: list[tuple[str, str]]) -> QGridLayout:
    grid = QGridLayout()
    grid.setVerticalSpacing(5)
    title = QLabel(name)
    title.setProperty("role", "section")
    grid.addWidget(title, 0, 0, 1, 2)
    for row, (text, keys) in enumerate(entries, start=1):
        label = QLabel(keys)
        label.setProperty("role", "key")
        grid.addWidget(QLabel(text), row, 0)
        grid.addWidget(label, row, 1, Qt.AlignmentFlag.AlignRight)
    grid.setColumnStretch(0, 1)
    return grid
