from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QObject, Qt
from PySide6.QtWidgets import QSizePolicy

from app.shell.docks import STATE_VERSION
from app.shell.settings import Preferences, ThemeChoice
from app.shell.themes import themes

if TYPE_CHECKING:
    from app.window import MainWindow


class LookCommands(QObject):
    """What the Window menu does."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._before: QByteArray | None = None
        self.focused = ""

    def toggle(self, name: str) -> None:
        dock = self._window.docks.docks[name]
        if dock.isVisible() and not dock.visibleRegion().isEmpty():
            dock.hide()
        else:
            self._window.docks.show(name)

    def show(self, name: str) -> None:
        self._window.docks.show(name)

    def focus(self, which: str) -> None:
        """Give the window to the viewport or the gallery; the same again gives back what was."""
        same = which == self.focused
        self.leave_focus()
        if same:
            return
        window = self._window
        self._before, self.focused = window.saveState(STATE_VERSION), which
        for name, dock in window.docks.docks.items():
            if not (which == "gallery" and name == "gallery"):
                dock.hide()
        if which == "gallery":
            window.docks.show("gallery")
            self._show_centre(False)
        window.refresh()

    def leave_focus(self) -> None:
        self._show_centre(True)
        if self._before is not None:
            self._window.restoreState(self._before, STATE_VERSION)
        self._before, self.focused = None, ""
        self._window.refresh()

    def _show_centre(self, shown: bool) -> None:
        """Without it the docks have its room, but for what a notice needs."""
        policy, centre = QSizePolicy.Policy, self._window.centralWidget()
        assert centre is not None
        self._window.stack.setVisible(shown)
        centre.setSizePolicy(policy.Preferred, policy.Preferred if shown else policy.Maximum)

    def fullscreen(self) -> None:
        self._window.setWindowState(self._window.windowState() ^ Qt.WindowState.WindowFullScreen)

    def reset_layout(self) -> None:
        self._show_centre(True)
        self._before, self.focused = None, ""
        self._window.docks.reset()
        self._window.refresh()

    def choose_theme(self, choice: ThemeChoice) -> None:
        preferences = Preferences.load()
        Preferences(**(vars(preferences) | {"theme": choice})).save()
        themes().choose(choice)
        self._window.refresh()
