"""Target or source: which of the two an inspector edits."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from app.document.document import Document
from app.shell.icons import set_icon


@dataclass(frozen=True)
class PosedWords:
    """Names of the three buttons, and what is said about each."""

    names: tuple[str, str, str]
    target_tip: str
    source_tip: str
    both: str
    both_tip: str
    hint: str


class PosedRow(QWidget):
    def __init__(self, document: Document, words: PosedWords) -> None:
        super().__init__()
        self._document = document
        self._target, self._source = QPushButton("Target"), QPushButton("Source")
        self._both = QToolButton()
        self._both.setText(words.both)
        self._both.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        set_icon(self._both, "layers")
        self._hint = QLabel(words.hint)
        self._hint.setProperty("role", "warning")
        self._hint.setWordWrap(True)
        buttons = (self._target, self._source, self._both)
        tips = (words.target_tip, words.source_tip, words.both_tip)
        row = QHBoxLayout()
        row.setSpacing(4)
        for button, name, tip in zip(buttons, words.names, tips, strict=True):
            button.setObjectName(name)
            button.setToolTip(tip)
            button.setCheckable(True)
            row.addWidget(button, 0 if button is self._both else 1)
        group = QButtonGroup(self)
        group.addButton(self._target)
        group.addButton(self._source)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(row)
        column.addWidget(self._hint)
        self._target.clicked.connect(lambda: document.set_posed("target"))
        self._source.clicked.connect(lambda: document.set_posed("source"))
        self._both.clicked.connect(document.set_show_both)

    def show_values(self) -> None:
        source = self._document.posed == "source"
        (self._source if source else self._target).setChecked(True)
        self._both.setChecked(self._document.show_both)
        self._hint.setVisible(source)
