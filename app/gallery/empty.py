from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from app.shell.icons import pixmap
from app.shell.themes import themes


class EmptyState(QWidget):
    """Says what is missing here and what to do about it."""

    acted = Signal()

    def __init__(self, icon: str, title: str = "", text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon_name = icon
        self.icon = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        self.title = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        self.title.setProperty("role", "heading")
        self.text = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        self.text.setProperty("role", "hint")
        self.text.setWordWrap(True)
        self.button = QPushButton()
        self.button.clicked.connect(self.acted)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 8, 24, 8)
        layout.setSpacing(6)
        layout.addStretch(1)
        for widget in (self.icon, self.title, self.text):
            layout.addWidget(widget)
        layout.addWidget(self.button, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(1)
        themes().changed.connect(self._draw_icon)
        self.set_text(title, text)

    def set_text(self, title: str, text: str, action: str = "") -> None:
        self.title.setText(title)
        self.text.setText(text)
        self.button.setText(action)
        self.button.setVisible(bool(action))

    def showEvent(self, event: QShowEvent) -> None:
        self._draw_icon()
        super().showEvent(event)

    def _draw_icon(self) -> None:
        self.icon.setPixmap(pixmap(self._icon_name, 36, "dim", self.devicePixelRatioF()))
