"""Settings by name: choose, save, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QInputDialog, QLabel, QToolButton, QWidget

from app.panels.editors import small_button, tame
from app.panels.fields import LABEL_WIDTH
from app.panels.say import say
from app.presets import Presets
from qnerf_core.errors import StudioError

if TYPE_CHECKING:
    from app.document.document import Document

_CHANGED = "Own settings"


class PresetBar(QWidget):
    def __init__(self, document: Document) -> None:
        super().__init__()
        self.setObjectName("presets")
        self._document = document
        self._presets = Presets()
        self.box = QComboBox()
        self.box.setObjectName("preset_choice")
        self.box.setToolTip("<p>Settings by name. They do not touch edit, views, prompt and seed.</p>")
        tame(self.box)
        self.save_button = self._button("preset_save", "save", "Save these settings under a name")
        self.delete_button = self._button("preset_delete", "trash", "Delete this preset")
        label = QLabel("Preset")
        label.setFixedWidth(LABEL_WIDTH)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(label)
        row.addWidget(self.box, 1)
        row.addWidget(self.save_button)
        row.addWidget(self.delete_button)
        self.box.activated.connect(lambda index: self.apply(self.box.itemText(index)))
        self.save_button.clicked.connect(self._ask_name)
        self.delete_button.clicked.connect(lambda: self.delete(self.box.currentText()))

    def refresh(self) -> None:
        current = self._presets.name_of(self._document.spec)
        with QSignalBlocker(self.box):
            self.box.clear()
            self.box.addItems(self._presets.names())
            if current is None:
                self.box.insertItem(0, _CHANGED)
            self.box.setCurrentText(current or _CHANGED)
        self.delete_button.setEnabled(current is not None and self._presets.is_own(current))

    def apply(self, name: str) -> None:
        if name == _CHANGED:
            return
        try:
            settings = self._presets.settings(name)
        except StudioError as error:
            say(error)
            return
        self._document.finish_change()
        self._document.undo_stack.beginMacro(f"Apply preset {name}")
        self._document.set_spec(**settings)
        self._document.undo_stack.endMacro()
        self.refresh()

    def save(self, name: str) -> None:
        try:
            self._presets.save(name, self._document.spec)
        except StudioError as error:
            say(error)
        self.refresh()

    def delete(self, name: str) -> None:
        self._presets.delete(name)
        self.refresh()

    def _ask_name(self) -> None:
        dialog = QInputDialog(self)
        dialog.setObjectName("preset_name")
        dialog.setWindowTitle("Save preset")
        dialog.setLabelText("Name of these settings:")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.textValueSelected.connect(self.save)
        dialog.open()

    def _button(self, name: str, icon: str, tip: str) -> QToolButton:
        button = small_button(icon, tip)
        button.setObjectName(name)
        return button
