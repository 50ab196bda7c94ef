from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QHeaderView,
    QKeySequenceEdit,
    QLabel,
    QLineEdit,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.shell import shortcuts
from app.shell.action_set import ActionSet
from app.shell.actions import Action

_SCOPES = {"window": "everywhere", "viewport": "in the viewport", "gallery": "in the gallery"}
_ID = Qt.ItemDataRole.UserRole


class ShortcutEditor(QDialog):
    """Choose a command, press keys; a key that is taken is named and can be taken over."""

    def __init__(self, actions: ActionSet, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("shortcutEditor")
        self.setWindowTitle("Keyboard shortcuts")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(640, 560)
        self._actions = actions
        self._table = list(actions.table.values())
        self._chosen = {action.id: shortcuts.shortcut_of(action) for action in self._table}
        self._taken: Action | None = None
        self._items: dict[str, QTreeWidgetItem] = {}
        self._build()
        self._fill()

    def _build(self) -> None:
        self._filter = QLineEdit()
        self._filter.setObjectName("shortcutFilter")
        self._filter.setPlaceholderText("Filter by command or keys")
        self._filter.setClearButtonEnabled(True)
        self._filter.textChanged.connect(self._apply_filter)
        self._tree = QTreeWidget()
        self._tree.setObjectName("shortcutTree")
        self._tree.setHeaderLabels(["Command", "Keys", "Where"])
        self._tree.setRootIsDecorated(False)
        self._tree.setAlternatingRowColors(True)
        self._tree.setUniformRowHeights(True)
        self._tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self._tree.header().setStretchLastSection(False)
        self._tree.setColumnWidth(1, 150)
        self._tree.setColumnWidth(2, 120)
        self._tree.currentItemChanged.connect(self._select)
        self._keys = QKeySequenceEdit()
        self._keys.setObjectName("shortcutKeys")
        self._keys.setMaximumSequenceLength(1)
        self._keys.setClearButtonEnabled(True)
        self._keys.keySequenceChanged.connect(self._try)
        self._default = QPushButton("Default")
        self._default.setObjectName("shortcutDefault")
        self._default.setToolTip("The keys this command came with")
        self._default.clicked.connect(self._take_default)
        self._conflict = QLabel()
        self._conflict.setObjectName("shortcutConflict")
        self._conflict.setProperty("role", "warning")
        self._conflict.setWordWrap(True)
        self._take_over = QPushButton("Take over")
        self._take_over.setObjectName("shortcutTakeOver")
        self._take_over.clicked.connect(self._take)
        self._take_over.hide()
        keys = QHBoxLayout()
        keys.addWidget(QLabel("Press the new keys"))
        keys.addWidget(self._keys, 1)
        keys.addWidget(self._default)
        said = QHBoxLayout()
        said.addWidget(self._conflict, 1)
        said.addWidget(self._take_over)
        box = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        box.accepted.connect(self.accept)
        box.rejected.connect(self.reject)
        everything = box.addButton("Reset all", QDialogButtonBox.ButtonRole.ResetRole)
        everything.setObjectName("shortcutResetAll")
        everything.clicked.connect(self._reset_all)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 14, 14, 12)
        layout.setSpacing(10)
        layout.addWidget(self._filter)
        layout.addWidget(self._tree, 1)
        layout.addLayout(keys)
        layout.addLayout(said)
        layout.addWidget(box)

    def _fill(self) -> None:
        for action in self._table:
            item = QTreeWidgetItem([_name(action), "", _SCOPES[action.scope]])
            item.setData(0, _ID, action.id)
            self._tree.addTopLevelItem(item)
            self._items[action.id] = item
        self._write_keys()
        self._tree.setCurrentItem(self._items[self._table[0].id])

    def _write_keys(self) -> None:
        for action in self._table:
            item = self._items[action.id]
            item.setText(1, shortcuts.shown(self._chosen[action.id]))
            font = item.font(1)
            font.setBold(self._chosen[action.id] != shortcuts.normal(action.keys))
            item.setFont(1, font)

    def _apply_filter(self, text: str) -> None:
        for item in self._items.values():
            words = f"{item.text(0)} {item.text(1)}".lower()
            item.setHidden(text.lower() not in words)

    @property
    def _action(self) -> Action | None:
        item = self._tree.currentItem()
        return None if item is None else self._actions.table[item.data(0, _ID)]

    def choose(self, name: str) -> None:
        """Select a command by its id."""
        self._tree.setCurrentItem(self._items[name])

    def _select(self) -> None:
        action = self._action
        self._say(None)
        if action is not None:
            self._keys.blockSignals(True)
            self._keys.setKeySequence(QKeySequence(self._chosen[action.id]))
            self._keys.blockSignals(False)

    def _try(self, sequence: QKeySequence) -> None:
        action = self._action
        if action is None:
            return
        keys = sequence.toString(QKeySequence.SequenceFormat.PortableText)
        taken = shortcuts.conflict(action, keys, self._chosen, self._table)
        self._say(taken)
        if taken is None:
            self._chosen[action.id] = keys
            self._write_keys()

    def _say(self, taken: Action | None) -> None:
        self._taken = taken
        self._take_over.setVisible(taken is not None)
        self._conflict.setText("" if taken is None else f"These keys already belong to \u201c{_name(taken)}\u201d.")

    def _take(self) -> None:
        action, taken = self._action, self._taken
        if action is not None and taken is not None:
            self._chosen[taken.id] = ""
            self._try(self._keys.keySequence())

    def _take_default(self) -> None:
        if self._action is not None:
            self._keys.setKeySequence(QKeySequence(self._action.keys))

    def _reset_all(self) -> None:
        self._chosen = {action.id: shortcuts.normal(action.keys) for action in self._table}
        self._write_keys()
        self._select()

    def accept(self) -> None:
        for action in self._table:
            shortcuts.set_shortcut(action, self._chosen[action.id])
        self._actions.apply_shortcuts()
        super().accept()


def _name(action: Action) -> str:
    return f"{action.menu.split('/')[-1]}: {action.name}"
