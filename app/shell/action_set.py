"""The table brought to life: QActions with their shortcuts, enabled when their conditions hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from app.shell import shortcuts
from app.shell.action_table import ACTIONS
from app.shell.actions import Action
from app.shell.icons import set_icon


class ActionSet(QObject):
    """The actions of a window; `targets` are the objects whose methods they call."""

    shortcutsChanged = Signal()

    def __init__(self, window: QWidget, table: Sequence[Action] = ACTIONS) -> None:
        super().__init__(window)
        self._window = window
        self._targets: dict[str, object] = {}
        self._conditions: frozenset[str] = frozenset()
        self.table: Mapping[str, Action] = {action.id: action for action in table}
        self.qactions: dict[str, QAction] = {}
        for action in table:
            self._make(action)
        self.apply_shortcuts()
        self.refresh(frozenset())

    def _make(self, action: Action) -> None:
        made = QAction(action.text, self)
        made.setObjectName(action.id)
        made.setCheckable(bool(action.checked))
        if action.icon:
            set_icon(made, action.icon)
        made.triggered.connect(lambda _checked=False, name=action.id: self.run(name))
        if action.scope == "window":
            self._window.addAction(made)
        else:
            made.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        self.qactions[action.id] = made

    def register(self, name: str, target: object) -> None:
        """Give the actions of a target what they call; a widget also gets the shortcuts of its scope."""
        self._targets[name] = target
        if isinstance(target, QWidget):
            target.addActions([self.qactions[action.id] for action in self.table.values() if action.scope == name])
        self.refresh(self._conditions)

    def run(self, name: str) -> None:
        action = self.table[name]
        method = getattr(self._targets[action.target], action.method)
        if action.argument is None:
            method()
        else:
            method(action.argument)

    def possible(self, name: str) -> bool:
        action = self.table[name]
        return action.target in self._targets and action.conditions <= self._conditions

    def refresh(self, conditions: frozenset[str]) -> None:
        """Enable and tick by the conditions that hold now."""
        self._conditions = conditions
        for name, action in self.table.items():
            self.qactions[name].setEnabled(self.possible(name))
            if action.checked:
                self.qactions[name].setChecked(action.checked in conditions)

    def apply_shortcuts(self) -> None:
        """Take the user's shortcuts; tips tell them."""
        for name, action in self.table.items():
            made = self.qactions[name]
            keys = shortcuts.shortcut_of(action)
            made.setShortcut(QKeySequence(keys))
            tip = action.tip or action.name
            shown = made.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            made.setToolTip(f"{tip} ({shown})" if shown else tip)
        self.shortcutsChanged.emit()
