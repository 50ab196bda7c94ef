"""The diffusion models on this machine: what there is, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.cli_models import size_in_words
from app.model_store import model_store
from app.panels.models_child import ModelsChild
from app.shell.icons import set_icon
from app.shell.questions import ask
from app.shell.tasks import beside
from qnerf_core.errors import StudioError
from qnerf_core.models.hub import RECOMMENDED, Download, plan_download
from qnerf_core.models.store import ModelEntry

_KINDS = {"base": "whole model", "controlnet": "ControlNet", "lora": "LoRA"}


class ModelsDialog(QDialog):
    modelsChanged = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("modelsDialog")
        self.setProperty("helpPage", "models")
        self.setWindowTitle("Models")
        self.resize(760, 520)
        self._child: ModelsChild | None = None
        self.list = QListWidget()
        self.list.setObjectName("modelsList")
        self.list.currentItemChanged.connect(lambda *_: self._show_chosen())
        self.details = QLabel()
        self.details.setObjectName("modelsDetails")
        self.details.setWordWrap(True)
        self.details.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.repository = QLineEdit()
        self.repository.setObjectName("modelsRepository")
        self.repository.setPlaceholderText("Id on huggingface.co: owner/name")
        self.repository.setToolTip("\n".join(f"{name}: {what}" for name, what in RECOMMENDED.items()))
        self.add_folder = self._button("modelsAddFolder", "folder", "Add folder ...", self._choose_folder)
        self.add_file = self._button("modelsAddFile", "folder-open", "Add file ...", self._choose_file)
        self.verify = self._button("modelsVerify", "check", "Verify", self._verify)
        self.delete = self._button("modelsDelete", "trash", "Delete ...", self._ask_delete)
        self.download = self._button("modelsDownload", "export", "Download ...", self._plan)
        self.stop = self._button("modelsStop", "stop", "Stop", self._stop)
        self._build()
        self.refresh()

    def refresh(self, chosen: str | None = None) -> None:
        self.list.clear()
        for entry in model_store().entries():
            item = QListWidgetItem(f"{entry.name}   {_KINDS[entry.kind]}, {size_in_words(entry.size)}")
            item.setData(Qt.ItemDataRole.UserRole, entry)
            self.list.addItem(item)
            if entry.name == chosen:
                self.list.setCurrentItem(item)
        if self.list.currentRow() < 0 and self.list.count():
            self.list.setCurrentRow(0)
        self._show_chosen()

    def add(self, place: str) -> None:
        """Register what lies there."""
        self._say("")
        try:
            entry = model_store().add(place)
        except StudioError as error:
            self._complain(error)
        else:
            self.refresh(entry.name)
            self.modelsChanged.emit()

    def done(self, result: int) -> None:
        self._stop()
        super().done(result)

    def _build(self) -> None:
        buttons = QHBoxLayout()
        for button in (self.add_folder, self.add_file, self.verify, self.delete):
            buttons.addWidget(button)
        buttons.addStretch(1)
        buttons.addWidget(self.stop)
        fetching = QHBoxLayout()
        fetching.addWidget(self.repository, 1)
        fetching.addWidget(self.download)
        hint = QLabel("Models for the Edit panel, beside the built-in one. Nothing is downloaded unless you say so.")
        hint.setProperty("role", "hint")
        hint.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 14, 16, 14)
        layout.setSpacing(10)
        layout.addWidget(hint)
        layout.addWidget(self.list, 1)
        layout.addWidget(self.details)
        layout.addLayout(buttons)
        layout.addLayout(fetching)

    def _button(self, name: str, icon: str, text: str, pressed: Callable[[], object]) -> QPushButton:
        button = QPushButton(text)
        button.setObjectName(name)
        button.setAutoDefault(False)
        set_icon(button, icon)
        button.clicked.connect(lambda _checked=False: pressed())
        return button

    def _chosen(self) -> ModelEntry | None:
        item = self.list.currentItem()
        entry: ModelEntry | None = item.data(Qt.ItemDataRole.UserRole) if item is not None else None
        return entry

    def _show_chosen(self) -> None:
        entry, busy = self._chosen(), self._child is not None
        for button in (self.verify, self.delete):
            button.setEnabled(entry is not None and not busy)
        self.download.setEnabled(not busy)
        self.stop.setVisible(busy)
        if busy:
            return
        if entry is None:
            self._say("No model is here yet. Add a folder or a file, or download one.")
            return
        there = "" if Path(entry.place).exists() else " Its files are gone."
        state = "Verified." if entry.verified else "Not verified yet."
        reads = f"Reads {entry.control} images. " if entry.control else ""
        self._say(f"{entry.place}\n{reads}Made for text embeddings {entry.text_width} wide. {state}{there}")

    def _choose_folder(self) -> None:
        dialog = QFileDialog(self, "A model in the Stable Diffusion layout, or a ControlNet")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        self._open(dialog)

    def _choose_file(self) -> None:
        dialog = QFileDialog(self, "A model, ControlNet or LoRA in one file", filter="Weights (*.safetensors)")
        self._open(dialog)

    def _open(self, dialog: QFileDialog) -> None:
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.add)
        dialog.open()

    def _verify(self) -> None:
        entry = self._chosen()
        if entry is not None:
            self._start(["verify", entry.name], lambda answer: self._verified(entry.name, answer))

    def _verified(self, name: str, answer: dict[str, Any]) -> None:
        self.refresh(name)
        self._say("\n".join(answer["findings"]))

    def _ask_delete(self) -> None:
        entry = self._chosen()
        if entry is None:
            return
        fate = f"{size_in_words(entry.size)} in {entry.place} are deleted." if entry.owned else "Its files stay."
        answers = [("Cancel", ""), ("Delete", "danger")]
        ask(self, f"Delete {entry.name} from the list?", fate, answers, lambda said: self._delete(entry.name, said))

    def _delete(self, name: str, answer: str) -> None:
        if answer == "Delete":
            model_store().delete(name)
            self.refresh()
            self.modelsChanged.emit()

    def _plan(self) -> None:
        repository = self.repository.text().strip()
        if not repository:
            self._say(f"Give an id. Used with this program: {', '.join(RECOMMENDED)}")
            return
        self._say(f"Asking for {repository} ...")
        self.download.setEnabled(False)

        def planned() -> Download | StudioError:
            try:
                return plan_download(repository, model_store().folder)
            except StudioError as error:
                return error

        beside(self, planned, self._ask_download, lambda: self.download.setEnabled(True))

    def _ask_download(self, plan: Download | StudioError) -> None:
        if isinstance(plan, StudioError):
            self._complain(plan)
            return
        text = f"{size_in_words(plan.size)} in {len(plan.missing)} files go to {plan.target}."
        answers = [("Cancel", ""), ("Download", "primary")]
        ask(self, f"Download {plan.repository}?", text, answers, lambda said: self._fetch(plan.repository, said))

    def _fetch(self, repository: str, answer: str) -> None:
        if answer == "Download":
            self._start(["download", repository, "--yes"], lambda entry: self._fetched(entry["name"]))

    def _fetched(self, name: str) -> None:
        self.refresh(name)
        self.modelsChanged.emit()

    def _start(self, arguments: list[str], then: Callable[[dict[str, Any]], object]) -> None:
        self._say("Starting ...")
        self._child = ModelsChild(arguments, self)
        self._child.said.connect(self._say)

        def ended(answer: dict[str, Any] | None, error: StudioError | None) -> None:
            self._child = None
            self._show_chosen()
            if error is not None:
                self._complain(error)
            elif answer is not None:
                then(answer)

        self._child.finished.connect(ended)
        self._show_chosen()

    def _stop(self) -> None:
        if self._child is not None:
            self._child.stop()

    def _say(self, text: str) -> None:
        self.details.setText(text)

    def _complain(self, error: StudioError) -> None:
        self._say(f"{error.title}: {error.cause}. {error.next_step}")
