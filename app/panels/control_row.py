"""Body or proxy: what shapes the subject of a capture that does not say so itself."""

from __future__ import annotations

from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.document.document import Document
from qnerf_core.scene.capture import ControlKind

_CHOICES: tuple[tuple[ControlKind, str, str], ...] = (
    ("skeleton", "A body", "People, toys and statues with limbs: a pose shapes them"),
    ("depth", "A proxy", "Furniture, boots, anything else: a few solids shape it"),
)
_NO_PROXY = (
    "Nothing says yet where the subject is: fit a proxy to the photos (below; it needs masks), or add boxes around it."
)


class ControlRow(QWidget):
    """Seen where there is a choice: a change is one command, and what was made the other way stays as it is."""

    def __init__(self, document: Document) -> None:
        super().__init__()
        self._document = document
        self.buttons: dict[ControlKind, QPushButton] = {}
        label = QLabel("Shaped by")
        label.setProperty("role", "dim")
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(label)
        group = QButtonGroup(self)
        for kind, text, tip in _CHOICES:
            button = QPushButton(text)
            button.setObjectName(f"control_{kind}")
            button.setToolTip(tip)
            button.setCheckable(True)
            group.addButton(button)
            row.addWidget(button, 1)
            self.buttons[kind] = button
        self.hint = QLabel(_NO_PROXY)
        self.hint.setObjectName("controlHint")
        self.hint.setProperty("role", "warning")
        self.hint.setWordWrap(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(row)
        column.addWidget(self.hint)
        self.buttons["skeleton"].clicked.connect(lambda: self._choose("skeleton"))
        self.buttons["depth"].clicked.connect(lambda: self._choose("depth"))
        for signal in (document.projectChanged, document.controlChanged, document.sourceProxyChanged):
            signal.connect(self._show_values)
        self._show_values()

    def _choose(self, kind: ControlKind) -> None:
        self._document.set_control(kind)

    def _show_values(self) -> None:
        document = self._document
        self.setVisible(document.can_choose_control)
        self.buttons[document.control].setChecked(True)
        self.hint.setVisible(document.control == "depth" and not document.source_proxy.parts)
