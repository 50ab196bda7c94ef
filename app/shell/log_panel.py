from __future__ import annotations

import logging

from PySide6.QtCore import QUrl
from PySide6.QtGui import QColor, QDesktopServices, QFontDatabase, QGuiApplication, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from app.paths import logs_folder
from app.shell.icons import set_icon
from app.shell.log import LogLines
from app.shell.themes import themes

_LEVELS = (("Everything", logging.INFO), ("Warnings and errors", logging.WARNING), ("Errors", logging.ERROR))
_MOST_BLOCKS = 5000


class LogPanel(QWidget):
    def __init__(self, lines: LogLines, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("logPanel")
        self.setProperty("helpPage", "log")
        self._lines = lines
        self._level = QComboBox()
        self._level.setObjectName("logLevel")
        for text, level in _LEVELS:
            self._level.addItem(text, level)
        self._level.currentIndexChanged.connect(self._fill)
        self._filter = QLineEdit()
        self._filter.setObjectName("logFilter")
        self._filter.setPlaceholderText("Filter")
        self._filter.setClearButtonEnabled(True)
        self._filter.textChanged.connect(self._fill)
        copy = QPushButton("Copy")
        copy.setObjectName("logCopy")
        set_icon(copy, "copy")
        copy.clicked.connect(self._copy)
        folder = QPushButton("Open folder")
        folder.setObjectName("logFolder")
        set_icon(folder, "folder")
        folder.clicked.connect(lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(logs_folder()))))
        self._text = QPlainTextEdit()
        self._text.setObjectName("logText")
        self._text.setReadOnly(True)
        self._text.setMaximumBlockCount(_MOST_BLOCKS)
        self._text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self._text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        row = QHBoxLayout()
        row.addWidget(self._level)
        row.addWidget(self._filter, 1)
        row.addWidget(copy)
        row.addWidget(folder)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 10, 10, 10)
        layout.addLayout(row)
        layout.addWidget(self._text, 1)
        self._fill()
        lines.added.connect(self._add)
        themes().changed.connect(self._fill)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._text.toPlainText())

    def _fill(self) -> None:
        self._text.clear()
        for level, text in self._lines.lines:
            self._add(level, text)

    def _add(self, level: int, text: str) -> None:
        if level < self._level.currentData() or self._filter.text().lower() not in text.lower():
            return
        theme = themes().theme
        colour = theme.danger if level >= logging.ERROR else theme.warning if level >= logging.WARNING else theme.text
        form = QTextCharFormat()
        form.setForeground(QColor(colour))
        bar = self._text.verticalScrollBar()
        at_end = bar.value() >= bar.maximum() - 2
        cursor = self._text.textCursor()
        cursor.movePosition(QTextCursor.MoveOperation.End)
        if not self._text.document().isEmpty():
            cursor.insertBlock()
        cursor.insertText(text, form)
        if at_end:
            bar.setValue(bar.maximum())
