from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt

if TYPE_CHECKING:
    from app.panels.capture import CaptureDialog
    from app.window import MainWindow
    from qnerf_core.scene.capture import ControlKind
    from qnerf_core.scene.problems import CaptureReport


class CaptureCommands(QObject):
    """The report of a capture, its repairs and its placement."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window

    def report(self) -> None:
        """Of the open project's capture; one that was prepared is looked at where it came from."""
        from qnerf_core.scene.provenance import read_origin

        document = self._window.rooms.document
        if document is None or document.scene is None:
            return
        origin = read_origin(document.scene.root)
        path = Path(origin["source"]) if origin else document.scene.root
        dialog = self.show_report(path, control=document.control)
        if document.can_choose_control:
            dialog.controlChosen.connect(document.set_control)

    def show_report(
        self, path: Path, report: CaptureReport | None = None, control: ControlKind = "skeleton"
    ) -> CaptureDialog:
        from app.panels.capture import CaptureDialog

        dialog = CaptureDialog(path, report, self._window, control)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.openRequested.connect(lambda path, control: self._window.file.begin(path, control=control))
        dialog.open()
        return dialog
