"""Rows of the Edit inspector that depend on the capture: the edit, the views, the model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSettings, QSignalBlocker, Qt
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QListWidget,
    QListWidgetItem,
    QMenu,
    QSpinBox,
    QToolButton,
    QWidgetAction,
)

from app.model_store import bases
from app.panels.editors import Editor, small_button, tame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qnerf_core.scene.capture import ControlKind

MY_POSE = "custom"
_MODELS_KEY = "edit/models"
_BUILTIN = "builtin"
_CHOOSE = object()


class EditChoice(Editor):
    """The capture's edits, and the pose or proxy in the viewport."""

    def __init__(self) -> None:
        super().__init__()
        self.box = QComboBox()
        self.box.setObjectName("edit_choice")
        tame(self.box)
        self.row.addWidget(self.box, 1)
        self.box.activated.connect(lambda index: self.edited.emit(self.box.itemData(index)))

    def set_edits(self, names: Sequence[str], control: ControlKind) -> None:
        own = "My pose, as in the viewport" if control == "skeleton" else "My proxy, as it is shown"
        with QSignalBlocker(self.box):
            self.box.clear()
            self.box.addItem(own, MY_POSE)
            for name in names:
                self.box.addItem(in_words(name), name)

    def show_value(self, value: str) -> None:
        with QSignalBlocker(self.box):
            self.box.setCurrentIndex(max(0, self.box.findData(value)))


class ViewsChoice(Editor):
    """All views, so many spread evenly, or chosen ones."""

    def __init__(self) -> None:
        super().__init__()
        self._names: tuple[str, ...] = ()
        self._chosen: tuple[str, ...] | None = None
        self.box = QSpinBox()
        self.box.setObjectName("views_count")
        self.box.setKeyboardTracking(False)
        self.box.setMinimum(1)
        tame(self.box)
        self.choose = small_button("views", "Choose views by name")
        self.choose.setObjectName("views_choose")
        self.choose.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._list = QListWidget()
        self._list.setMaximumHeight(260)
        menu = QMenu(self.choose)
        action = QWidgetAction(menu)
        action.setDefaultWidget(self._list)
        menu.addAction(action)
        self.choose.setMenu(menu)
        self.row.addWidget(self.box, 1)
        self.row.addWidget(self.choose)
        self.box.valueChanged.connect(self._count_edited)
        self.box.editingFinished.connect(self.finished)
        self._list.itemChanged.connect(self._list_edited)
        menu.aboutToHide.connect(self.finished)

    def set_views(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        with QSignalBlocker(self.box):
            self.box.setMaximum(max(1, len(names)))
        with QSignalBlocker(self._list):
            self._list.clear()
            for name in names:
                item = QListWidgetItem(name, self._list)
                item.setFlags(Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsEnabled)
                item.setCheckState(Qt.CheckState.Checked)

    def show_value(self, value: int | Sequence[str] | None) -> None:
        total = len(self._names)
        count = total if value is None else value if isinstance(value, int) else len(value)
        with QSignalBlocker(self.box):
            self.box.setValue(count)
            suffix = f" of {total}" + ("" if isinstance(value, int) or value is None else ", chosen")
            self.box.setSuffix(", all" if count == total else suffix)
        shown = set(self._names) if value is None or isinstance(value, int) else set(value)
        if isinstance(value, int):
            shown = {self._names[index * total // value] for index in range(min(value, total))}
        with QSignalBlocker(self._list):
            for row in range(self._list.count()):
                item = self._list.item(row)
                checked = Qt.CheckState.Checked if item.text() in shown else Qt.CheckState.Unchecked
                item.setCheckState(checked)

    def _count_edited(self, count: int) -> None:
        self.edited.emit(None if count == len(self._names) else count)

    def _list_edited(self, item: QListWidgetItem) -> None:
        items = [self._list.item(row) for row in range(self._list.count())]
        names = tuple(entry.text() for entry in items if entry.checkState() == Qt.CheckState.Checked)
        if not names:
            # Nothing to edit is no choice.
            with QSignalBlocker(self._list):
                item.setCheckState(Qt.CheckState.Checked)
            return
        self.edited.emit(None if len(names) == len(items) else names)


class ModelChoice(Editor):
    """The built-in model, those of the store, or folders in the Stable Diffusion layout."""

    def __init__(self) -> None:
        super().__init__()
        self.box = QComboBox()
        self.box.setObjectName("model_choice")
        tame(self.box)
        self.row.addWidget(self.box, 1)
        self._value = _BUILTIN
        self._fill(_known_models())
        self.box.activated.connect(self._activated)

    def show_value(self, value: str) -> None:
        self._value = value
        if self.box.findData(value) < 0:
            self._fill([*_known_models(), value])
        with QSignalBlocker(self.box):
            self.box.setCurrentIndex(self.box.findData(value))

    def refresh(self) -> None:
        """Offer what the store has now."""
        self._fill([*_known_models(), *([] if self._value == _BUILTIN else [self._value])])
        self.show_value(self._value)

    def add(self, folder: str) -> None:
        """Offer a folder from now on, and choose it."""
        known = [model for model in _known_models() if model != folder]
        QSettings().setValue(_MODELS_KEY, [folder, *known][:8])
        self.edited.emit(folder)

    def _fill(self, models: Sequence[str]) -> None:
        listed = {entry.place: entry.name for entry in bases()}
        with QSignalBlocker(self.box):
            self.box.clear()
            self.box.addItem("Built-in", _BUILTIN)
            for model in dict.fromkeys([*listed, *models]):
                self.box.addItem(listed.get(model, Path(model).name or model), model)
                self.box.setItemData(self.box.count() - 1, model, Qt.ItemDataRole.ToolTipRole)
            self.box.insertSeparator(self.box.count())
            self.box.addItem("Choose a folder ...", _CHOOSE)

    def _activated(self, index: int) -> None:
        data: Any = self.box.itemData(index)
        if data is not _CHOOSE:
            self.edited.emit(data)
            return
        self.show_value(self._value)
        dialog = QFileDialog(self, "A model in the Stable Diffusion layout")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.add)
        dialog.open()


def in_words(name: str) -> str:
    words = name.replace("-", " ").replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def _known_models() -> list[str]:
    found: Any = QSettings().value(_MODELS_KEY, [])
    models = [found] if isinstance(found, str) else list(found or [])
    return [str(model) for model in models if str(model) != _BUILTIN]
