from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from app.paths import APPLICATION
from app.shell.docks import Docks, Slot
from app.shell.icons import icon


class MainWindow(QMainWindow):
    def __init__(self, path: Path | None = None) -> None:
        super().__init__()
        self._path_to_open = path
        self.setObjectName("mainWindow")
        self.setWindowTitle(APPLICATION)
        self.setWindowIcon(icon("studio", "accent"))
        self.resize(1280, 800)
        self.stack = QStackedWidget()
        self.stack.setObjectName("centre")
        self.viewport_slot = Slot()
        self.stack.addWidget(self.viewport_slot)
        centre = QWidget()
        layout = QVBoxLayout(centre)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.stack, 1)
        self.setCentralWidget(centre)
        self.docks = Docks(self)
        self.docks.restore()

    def closeEvent(self, event: QCloseEvent) -> None:
        self.docks.remember()
        super().closeEvent(event)
