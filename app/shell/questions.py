"""Questions that hold up their window only, never the program."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.shell.icons import pixmap

Button = tuple[str, str]  # text, kind: "primary", "danger" or ""


def ask(
    parent: QWidget,
    title: str,
    text: str,
    buttons: Sequence[Button],
    answered: Callable[[str], object],
) -> QDialog:
    """Ask; `answered` gets the text of the chosen button, or "" after Escape."""
    dialog = QDialog(parent)
    dialog.setObjectName("question")
    dialog.setWindowTitle(title)
    dialog.setWindowModality(Qt.WindowModality.WindowModal)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    sign = QLabel()
    sign.setPixmap(pixmap("help", 32, "accent"))
    heading = QLabel(title)
    heading.setProperty("role", "heading")
    body = QLabel(text)
    body.setWordWrap(True)
    body.setMinimumWidth(400)
    words = QVBoxLayout()
    words.setSpacing(6)
    words.addWidget(heading)
    words.addWidget(body)
    words.addStretch(1)
    top = QHBoxLayout()
    top.setSpacing(16)
    top.addWidget(sign, 0, Qt.AlignmentFlag.AlignTop)
    top.addLayout(words, 1)
    row = QHBoxLayout()
    row.setSpacing(8)
    row.addStretch(1)
    chosen = [""]

    def choose(answer: str) -> None:
        chosen[0] = answer
        dialog.accept()

    for label, kind in buttons:
        button = QPushButton(label)
        button.setObjectName(f"answer {label}")
        button.setAutoDefault(kind == "primary")
        button.setDefault(kind == "primary")
        button.setProperty("danger", kind == "danger")
        button.clicked.connect(lambda _checked=False, label=label: choose(label))
        row.addWidget(button)
    layout = QVBoxLayout(dialog)
    layout.setContentsMargins(20, 20, 20, 16)
    layout.setSpacing(18)
    layout.addLayout(top)
    layout.addLayout(row)
    dialog.finished.connect(lambda _code: answered(chosen[0]))
    dialog.open()
    return dialog
