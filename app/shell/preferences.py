from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.paths import data_folder
from app.shell.settings import Preferences

_THEMES = (("Follow the system", "system"), ("Dark", "dark"), ("Light", "light"))


class PreferencesDialog(QDialog):
    saved = Signal(object)
    shortcutsRequested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("preferences")
        self.setWindowTitle("Preferences")
        self.setMinimumWidth(560)
        now = Preferences.load()
        self._theme = QComboBox()
        self._theme.setObjectName("preferenceTheme")
        for text, name in _THEMES:
            self._theme.addItem(text, name)
        self._theme.setCurrentIndex(self._theme.findData(now.theme))
        self._autosave = QSpinBox()
        self._autosave.setObjectName("preferenceAutosave")
        self._autosave.setRange(5, 30)
        self._autosave.setSuffix(" s after a change")
        self._autosave.setValue(now.autosave_seconds)
        self._images = QSpinBox()
        self._images.setObjectName("preferenceImages")
        self._images.setRange(128, 16384)
        self._images.setSingleStep(128)
        self._images.setSuffix(" MB")
        self._images.setValue(now.image_memory_mb)
        self._run = QDoubleSpinBox()
        self._run.setObjectName("preferenceRun")
        self._run.setRange(0.0, 1024.0)
        self._run.setDecimals(1)
        self._run.setSuffix(" GB")
        self._run.setSpecialValueText("No limit")
        self._run.setValue(now.run_memory_gb)
        self._model = QLineEdit(now.model_folder)
        self._model.setObjectName("preferenceModel")
        self._model.setPlaceholderText("The built-in model")
        self._model.setClearButtonEnabled(True)
        self._model.textChanged.connect(self._check_model)
        self._model_problem = QLabel()
        self._model_problem.setObjectName("preferenceModelProblem")
        self._model_problem.setProperty("role", "warning")
        self._model_problem.setWordWrap(True)
        self._build()
        self._check_model()

    def _build(self) -> None:
        choose = QPushButton("Choose ...")
        choose.clicked.connect(self._choose_model)
        model = QHBoxLayout()
        model.setSpacing(8)
        model.addWidget(self._model, 1)
        model.addWidget(choose)
        keys = QPushButton("Keyboard shortcuts ...")
        keys.setObjectName("preferenceShortcuts")
        keys.clicked.connect(self.shortcutsRequested)
        form = QFormLayout()
        form.setHorizontalSpacing(18)
        form.setVerticalSpacing(14)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        _row(form, "Theme", self._theme)
        _row(
            form,
            "Save a copy",
            self._autosave,
            "What a crash can cost at most. The copy is restored on the next start.",
        )
        _row(
            form, "Memory for pictures", self._images, "Of the gallery and the views; the pictures shown last are kept."
        )
        _row(form, "Memory of a run", self._run, "A run whose estimate is above it does not start without asking.")
        column = QVBoxLayout()
        column.setSpacing(3)
        column.addLayout(model)
        column.addWidget(_hint("A folder in the Stable Diffusion layout. Nothing is downloaded."))
        column.addWidget(self._model_problem)
        form.addRow(_label("Model folder"), column)
        form.addRow(_label("Keys"), keys)
        form.addRow(_label("Data folder"), _hint(str(data_folder())))
        box = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        box.accepted.connect(self.accept)
        box.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 14)
        layout.setSpacing(18)
        layout.addLayout(form)
        layout.addWidget(box)

    def _choose_model(self) -> None:
        dialog = QFileDialog(self, "Model folder", self._model.text())
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(self._model.setText)
        dialog.open()

    def _check_model(self) -> None:
        text = self._model.text().strip()
        missing = bool(text) and not (Path(text).expanduser() / "model_index.json").is_file()
        self._model_problem.setText("There is no model_index.json in this folder." if missing else "")
        self._model_problem.setVisible(missing)

    def accept(self) -> None:
        chosen = Preferences(
            theme=self._theme.currentData(),
            autosave_seconds=self._autosave.value(),
            image_memory_mb=self._images.value(),
            run_memory_gb=round(self._run.value(), 1),
            model_folder=self._model.text().strip(),
        )
        chosen.save()
        super().accept()
        self.saved.emit(chosen)


def _row(form: QFormLayout, label: str, field: QWidget, hint: str = "") -> None:
    column = QVBoxLayout()
    column.setSpacing(3)
    column.addWidget(field)
    if hint:
        column.addWidget(_hint(hint))
    form.addRow(_label(label), column)


def _label(text: str) -> QLabel:
    label = QLabel(text)
    label.setMinimumHeight(26)
    return label


def _hint(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "hint")
    label.setWordWrap(True)
    return label
