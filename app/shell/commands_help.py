from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QWidget

from app.shell import settings
from app.shell.about import AboutDialog, system_information
from app.shell.help import page_of
from app.shell.notices import notify
from app.shell.palette import Entry, Palette, entries_of
from app.shell.sheet import ShortcutSheet
from app.shell.shortcut_editor import ShortcutEditor
from app.shell.tour import Step, Tour
from qnerf_core import assets

if TYPE_CHECKING:
    from app.window import MainWindow

TOUR_SEEN = "tour/seen"


_SHAPING = {
    "skeleton": (
        "Drag the body into its new pose",
        "Drag a joint and the body follows; Shift turns only that joint. The middle mouse button orbits, the wheel "
        "zooms. Everything can be undone.",
    ),
    "depth": (
        "Move and scale the proxy",
        "Click a part and drag it, or use its arrows, rings and boxes; G, R and S move, turn and scale it. The model "
        "fills the solids as it likes. The middle mouse button orbits, the wheel zooms. Everything can be undone.",
    ),
}


class HelpCommands(QObject):
    """What the Help menu does, and the command palette."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window

    def palette(self) -> None:
        window = self._window
        entries = entries_of(window.actions_of_table)
        for name in assets.builtin_scenes():
            entries.append(Entry(f"Begin with capture {name}", "Capture", partial(window.file.begin, name)))
        for recent in window.recent():
            open_it = partial(window.file.open_path, recent.folder)
            entries.append(Entry(f"Open project {recent.name}", "Recent", open_it))
        Palette(entries, window).show()

    def edit_shortcuts(self) -> None:
        ShortcutEditor(self._window.actions_of_table, self._window).open()

    def sheet(self) -> None:
        dialog = ShortcutSheet(self._window.actions_of_table, self._window)
        dialog.change.clicked.connect(self.edit_shortcuts)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def here(self) -> None:
        """The page of the panel that has the focus."""
        self.show_page(page_of(QApplication.focusWidget()))

    def contents(self) -> None:
        self.show_page("start")

    def show_page(self, name: str) -> None:
        self._window.help_panel.show_page(name)
        self._window.docks.show("help")

    def about(self) -> None:
        dialog = AboutDialog(self._window)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def copy_system(self) -> None:
        QGuiApplication.clipboard().setText(system_information())
        notify("System information is in the clipboard", "", "Paste it into your report", "success")

    def tour(self) -> None:
        tour = Tour(self._window, self._steps())
        tour.finished.connect(lambda: settings.set_flag(TOUR_SEEN))

    def _steps(self) -> list[Step]:
        window = self._window
        document = window.rooms.document

        def dock(name: str) -> QWidget | None:
            return window.docks.docks[name] if window.docks.docks[name].isVisible() else None

        return [
            Step(
                "Begin with a capture",
                "A capture is a set of photos of a subject with their cameras. Choose a built-in one, or open a folder "
                "of your own. All photos are listed on the left; a click looks through one.",
                lambda: dock("views") or window.welcome,
            ),
            Step(
                *_SHAPING["depth" if document is not None and document.control == "depth" else "skeleton"],
                lambda: window.viewport_slot if window.viewport_slot.isVisible() else None,
            ),
            Step(
                "Edit all views",
                "The Edit tab says what a run will take. One click edits every photo so that all of them agree; you "
                "can pause or cancel at any time and lose nothing that is finished.",
                lambda: dock("inspector"),
            ),
            Step(
                "Scrub through the run",
                "The gallery fills while the edit runs: every view at every interval. Scrub, compare with the "
                "original, look inside, and branch a new run from any interval.",
                lambda: dock("gallery"),
            ),
            Step(
                "Export, and find everything",
                "Export gives pictures with cameras, a NeRF, a turntable and a mesh. Press Ctrl+Shift+P to find any "
                "command, and F1 for help on the panel you are in.",
                window.menuBar,
            ),
        ]
