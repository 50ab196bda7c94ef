"""What the edit will cost, said before it starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QPushButton, QVBoxLayout

from app import estimate
from app.pace import duration_in_words
from app.panels.models_child import ModelsChild
from app.paths import data_folder
from qnerf_core import files
from qnerf_core.errors import StudioError

if TYPE_CHECKING:
    from app.document.document import Document

_ITEMS = ("Time", "Memory", "Disk")
_LONG = 3600.0
_UNCHANGED = {
    "skeleton": "The pose is that of the photos: drag a joint, or choose an edit.",
    "depth": "The proxy is that of the photos: move or scale its parts, or choose an edit.",
}


class CostCard(QFrame):
    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("cost")
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(1)
        self.values: dict[str, QLabel] = {}
        for column, name in enumerate(_ITEMS):
            title, value = QLabel(name), QLabel("-")
            title.setProperty("role", "dim")
            value.setProperty("role", "value")
            value.setObjectName(f"cost_{name.lower()}")
            grid.addWidget(title, 0, column)
            grid.addWidget(value, 1, column)
            grid.setColumnStretch(column, 1)
            self.values[name] = value
        self.warning = QLabel()
        self.warning.setObjectName("cost_warning")
        self.warning.setProperty("role", "warning")
        self.warning.setWordWrap(True)
        self.warning.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.warning.hide()
        self.measure = QPushButton("Measure on this device")
        self.measure.setObjectName("cost_measure")
        self.measure.setToolTip("Time a few steps of this model: the estimates of time and memory follow from them")
        self.measure.setAutoDefault(False)
        self.measure.clicked.connect(self._measure)
        self._child: ModelsChild | None = None
        self._document: Document | None = None
        column_layout = QVBoxLayout(self)
        column_layout.setContentsMargins(0, 0, 0, 0)
        column_layout.setSpacing(6)
        column_layout.addLayout(grid)
        column_layout.addWidget(self.warning)
        column_layout.addWidget(self.measure)

    def show_for(self, document: Document) -> int:
        """Shows the estimate of the document's settings and returns the number of views."""
        self._document = document
        scene, project = document.scene, document.project
        assert scene is not None
        assert project is not None
        views = document.spec.views
        count = len(scene.training_views) if views is None else views if isinstance(views, int) else len(views)
        try:
            cost = estimate.estimate_edit(document)
        except StudioError as error:
            self._say(f"{error.title}: {error.cause}. {error.next_step}")
            return count
        time = duration_in_words(cost.seconds)
        self.measure.setVisible(self._child is not None or not cost.measured)
        self.values["Time"].setText(f"{time}" if cost.measured else f"about {time}")
        self.values["Time"].setToolTip(
            "Measured by the runs on this machine" if cost.measured else "A guess until the first run on this machine"
        )
        self.values["Memory"].setText(_size(cost.memory))
        self.values["Disk"].setText(_size(cost.bytes))
        memory, disk = estimate.free_memory(), estimate.free_disk(project.folder)
        warnings = []
        if cost.memory > memory:
            warnings.append(f"Only {_size(memory)} of memory are free. Edit fewer views at once or smaller pictures.")
        if cost.bytes > disk:
            warnings.append(f"Only {_size(disk)} are free on the disk. Free some, or edit fewer views.")
        if document.edit_name == "custom" and document.target_subject is document.source_subject:
            warnings.append(_UNCHANGED[document.control])
        if cost.seconds > _LONG:
            warnings.append("This takes long. Fewer steps or views make it shorter.")
        self._say("\n".join(warnings))
        return count

    def _measure(self) -> None:
        assert self._document is not None
        document, spec = self._document, self._document.spec
        settings = data_folder() / "measured_settings.json"
        files.write_json(settings, spec.model.model_dump(mode="json"))
        arguments = ["measure", spec.backbone, "--control", document.control, "--settings", str(settings)]
        self._child = ModelsChild(arguments, self)
        self._child.said.connect(self.measure.setText)
        self._child.finished.connect(self._measured)
        self.measure.setEnabled(False)

    def _measured(self, _answer: dict[str, Any] | None, error: StudioError | None) -> None:
        self._child = None
        self.measure.setText("Measure on this device")
        self.measure.setEnabled(True)
        document = self._document
        if document is not None and document.scene is not None and document.project is not None:
            self.show_for(document)
        if error is not None:
            self._say(f"{error.title}: {error.cause}. {error.next_step}")

    def _say(self, text: str) -> None:
        self.warning.setText(text)
        self.warning.setVisible(bool(text))


def _size(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 0.95e9 else f"{max(1, count / 1e6):.0f} MB"
