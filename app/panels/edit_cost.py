"""What the edit will cost, said before it starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QVBoxLayout

from app import estimate
from app.pace import duration_in_words
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
        column_layout = QVBoxLayout(self)
        column_layout.setContentsMargins(0, 0, 0, 0)
        column_layout.setSpacing(6)
        column_layout.addLayout(grid)
        column_layout.addWidget(self.warning)

    def show_for(self, document: Document) -> int:
        """Shows the estimate of the document's settings and returns the number of views."""
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

    def _say(self, text: str) -> None:
        self.warning.setText(text)
        self.warning.setVisible(bool(text))


def _size(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 0.95e9 else f"{max(1, count / 1e6):.0f} MB"
