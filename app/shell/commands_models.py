from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt

if TYPE_CHECKING:
    from app.window import MainWindow


class ModelCommands(QObject):
    """The page of the diffusion models."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window

    def show(self) -> None:
        from app.panels.models import ModelsDialog

        dialog = ModelsDialog(self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.modelsChanged.connect(self._offer)
        dialog.open()

    def _offer(self) -> None:
        from app.panels.edit import EditPanel

        edit = self._window.rooms.panels.get("edit")
        if isinstance(edit, EditPanel):
            edit.model_choice.refresh()
