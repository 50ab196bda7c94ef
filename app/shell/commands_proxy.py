from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, get_args

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import QMenu

if TYPE_CHECKING:
    from app.document.document import Document
    from app.window import MainWindow


class ProxyCommands(QObject):
    """What the Proxy menu does beyond what the document offers itself."""

    def __init__(self, window: MainWindow, document: Document) -> None:
        super().__init__(document)
        self._window, self._document = window, document

    def add_menu(self) -> None:
        """Where the pointer is, as in Blender."""
        from qnerf_core.proxy.model import PartKind

        menu = QMenu(self._window)
        menu.setObjectName("addPartMenu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for kind in get_args(PartKind):
            if kind != "mesh":
                menu.addAction(kind.capitalize(), partial(self._document.add_part, kind))
        menu.addSeparator()
        menu.addAction("Mesh from a file ...", self.import_file)
        menu.popup(QCursor.pos())

    def duplicate(self) -> None:
        """The copies follow the pointer until a click."""
        if self._document.duplicate_parts() and self._window.rooms.viewport is not None:
            self._window.rooms.viewport.tools.move_parts()

    def sculpt(self) -> None:
        self._document.sculpting.toggle()

    def fit(self) -> None:
        panel = self._window.rooms.proxy
        if panel is not None:
            self._window.docks.show("proxy")
            panel.folds["files"].set_open(True)
            panel.files.start_fit()

    def import_file(self) -> None:
        if self._window.rooms.proxy is not None:
            self._window.rooms.proxy.files.ask_import()

    def export_file(self) -> None:
        if self._window.rooms.proxy is not None:
            self._window.rooms.proxy.files.ask_export()
