"""Rows of an inspector: a label, an editor, and a button that brings the default back."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.panels.editors import Editor
from app.shell.icons import set_icon

LABEL_WIDTH = 98
_RESET_WIDTH = 20


class FieldRow(QWidget):
    """One setting, by its dotted name in the spec."""

    edited = Signal(str, object)
    finished = Signal()

    def __init__(self, name: str, label: str, tip: str, editor: Editor, default: Any) -> None:
        super().__init__()
        self.name = name
        self.default = default
        self.editor = editor
        self.value: Any = default
        self.setObjectName(f"field_{name.replace('.', '_')}")
        self.label = QLabel(label)
        self.label.setFixedWidth(LABEL_WIDTH)
        self.reset = QToolButton()
        self.reset.setObjectName("reset")
        self.reset.setToolTip("Back to the default")
        self.reset.setAutoRaise(True)
        self.reset.setFixedSize(_RESET_WIDTH, _RESET_WIDTH)
        set_icon(self.reset, "reset", "dim")
        policy = self.reset.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.reset.setSizePolicy(policy)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(self.label)
        row.addWidget(editor, 1)
        row.addWidget(self.reset)
        self.setToolTip(f"<p>{tip}</p>")
        self.setAccessibleName(label)
        editor.edited.connect(lambda value: self.edited.emit(self.name, value))
        editor.finished.connect(self.finished)
        self.reset.clicked.connect(lambda: self.edited.emit(self.name, self.default))
        self.show_value(default)

    def show_value(self, value: Any) -> None:
        self.value = value
        self.editor.show_value(value)
        self.reset.setVisible(value != self.default)


class Heading(QLabel):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.setProperty("role", "section")


class Fold(QWidget):
    """A part that is closed until somebody wants to see it."""

    toggled = Signal(bool)

    def __init__(self, title: str) -> None:
        super().__init__()
        self.button = QToolButton()
        self.button.setObjectName("fold")
        self.button.setText(title)
        self.button.setAutoRaise(True)
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.button.setArrowType(Qt.ArrowType.RightArrow)
        self.button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.body = QWidget()
        self.content = QVBoxLayout(self.body)
        self.content.setContentsMargins(0, 4, 0, 0)
        self.content.setSpacing(6)
        self.body.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.button)
        column.addWidget(self.body)
        self.button.clicked.connect(lambda: self.set_open(self.body.isHidden()))

    def set_open(self, opened: bool) -> None:
        self.button.setArrowType(Qt.ArrowType.DownArrow if opened else Qt.ArrowType.RightArrow)
        self.body.setVisible(opened)
        self.toggled.emit(opened)


def line() -> QFrame:
    result = QFrame()
    result.setProperty("role", "line")
    return result


def scrolled(content: QWidget, name: str) -> QScrollArea:
    """An inspector's content, which scrolls up and down only."""
    scroll = QScrollArea()
    scroll.setObjectName(name)
    scroll.setWidgetResizable(True)
    scroll.setFrameShape(QFrame.Shape.NoFrame)
    scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    scroll.setWidget(content)
    return scroll
