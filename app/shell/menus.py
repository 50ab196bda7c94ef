"""Menu bar and toolbar, made from the table."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMainWindow, QMenu, QToolBar

from app.shell.action_set import ActionSet
from app.shell.actions import MENUS, Action


class Menus:
    """The menus by their path ("Window/Theme")."""

    def __init__(self, window: QMainWindow, actions: ActionSet) -> None:
        self._window = window
        self.menus: dict[str, QMenu] = {}
        for name in MENUS:
            self._menu(name)
        for action in actions.table.values():
            menu = self._menu(action.menu)
            if action.group and not menu.isEmpty():
                menu.addSeparator()
            menu.addAction(actions.qactions[action.id])

    def _menu(self, path: str) -> QMenu:
        if path not in self.menus:
            parent, _, name = path.rpartition("/")
            made = self._menu(parent).addMenu(name) if parent else self._window.menuBar().addMenu(f"&{name}")
            made.setObjectName(f"menu {path}")
            made.setToolTipsVisible(True)
            self.menus[path] = made
        return self.menus[path]

    def insert_submenu(self, after: QAction, path: str, fill: Callable[[QMenu], None]) -> None:
        """A menu after an action that `fill` fills each time it is opened."""
        parent, _, name = path.rpartition("/")
        menu = QMenu(name, self._window)
        menu.setObjectName(f"menu {path}")
        menu.setToolTipsVisible(True)
        menu.aboutToShow.connect(partial(fill, menu))
        entries = self.menus[parent].actions()
        self.menus[parent].insertMenu(entries[entries.index(after) + 1], menu)
        self.menus[path] = menu


def make_toolbar(window: QMainWindow, actions: ActionSet) -> QToolBar:
    bar = QToolBar("Toolbar", window)
    bar.setObjectName("toolbar")
    bar.setMovable(False)
    bar.setIconSize(QSize(18, 18))
    bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
    shown: list[Action] = [action for action in actions.table.values() if action.toolbar]
    for action in shown:
        if action.group and action is not shown[0]:
            bar.addSeparator()
        bar.addAction(actions.qactions[action.id])
    window.addToolBar(bar)
    return bar
