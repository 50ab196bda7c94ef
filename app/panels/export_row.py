from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QPushButton, QToolButton, QVBoxLayout, QWidget

from app.job_state import Job
from app.panels.history_entries import disk_use, in_bytes
from app.shell.bars import set_value
from app.shell.icons import set_icon


@dataclass(frozen=True)
class Part:
    """Something that can be made of a run: where it lies in the export's folder, and the file that says it is done."""

    name: str
    title: str
    text: str
    icon: str
    place: str
    proof: str


PARTS = (
    Part(
        "images",
        "Edited pictures",
        "With cameras, as other tools and this one open them",
        "image",
        "dataset",
        "dataset/transforms.json",
    ),
    Part("nerf", "NeRF", "A radiance field of the edited pictures", "cube", "nerf", "nerf/radiance.safetensors"),
    Part("turntable", "Turntable", "A film once around, from the NeRF", "video", "turntable.mp4", "turntable.mp4"),
    Part("mesh", "Mesh", "The subject as GLB, from the NeRF", "mesh", "mesh.glb", "mesh.glb"),
)


@dataclass(frozen=True)
class Made:
    """A finished part on the disk."""

    size: int
    figure: str = ""


def find_made(out: Path, part: Part) -> Made | None:
    if not (out / part.proof).is_file():
        return None
    place = out / part.place
    return Made(disk_use(place) if place.is_dir() else place.stat().st_size)


class ExportRow(QFrame):
    """One part: a button that makes it, its progress, and where it is."""

    exportAsked = Signal(str)
    cancelAsked = Signal(str)
    openAsked = Signal(str)
    sourceAsked = Signal()

    def __init__(self, part: Part, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(f"export {part.name}")
        self.setProperty("role", "card")
        self.part = part
        self._job: Job | None = None
        icon = QToolButton()
        icon.setEnabled(False)
        set_icon(icon, part.icon)
        title = QLabel(part.title)
        title.setProperty("role", "value")
        self.text = QLabel(part.text)
        self.text.setProperty("role", "hint")
        self.text.setWordWrap(True)
        words = QVBoxLayout()
        words.setSpacing(1)
        words.addWidget(title)
        words.addWidget(self.text)
        self.button = QPushButton("Export")
        self.button.setObjectName(f"exportButton {part.name}")
        self.open = QToolButton()
        self.open.setObjectName(f"exportOpen {part.name}")
        self.open.setToolTip("Open folder")
        set_icon(self.open, "folder-open")
        self.source = QPushButton("Use as new source")
        self.source.setObjectName("exportSource")
        self.source.setToolTip("Begin a project with these pictures, to edit them again; it keeps where they come from")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.cancel = QToolButton()
        self.cancel.setObjectName(f"exportCancel {part.name}")
        self.cancel.setToolTip("Cancel this export")
        set_icon(self.cancel, "cancel")
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(icon, 0, Qt.AlignmentFlag.AlignTop)
        top.addLayout(words, 1)
        top.addWidget(self.open)
        top.addWidget(self.button)
        progress = QHBoxLayout()
        progress.addWidget(self.bar, 1)
        progress.addWidget(self.cancel)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 8, 10, 8)
        layout.setSpacing(6)
        layout.addLayout(top)
        layout.addLayout(progress)
        layout.addWidget(self.source, 0, Qt.AlignmentFlag.AlignLeft)
        self.button.clicked.connect(lambda: self.exportAsked.emit(part.name))
        self.open.clicked.connect(lambda: self.openAsked.emit(part.name))
        self.cancel.clicked.connect(lambda: self.cancelAsked.emit(self._job.id if self._job else ""))
        self.source.clicked.connect(self.sourceAsked)

    def show_part(self, made: Made | None, job: Job | None, *, possible: bool) -> None:
        """`job` is the one that makes this part or failed to; `possible`: the run can be exported."""
        self._job = job
        working = job is not None and job.unfinished
        self.button.setText("Again" if made else "Export")
        self.button.setVisible(not working)
        self.button.setEnabled(possible)
        self.open.setVisible(made is not None)
        self.source.setVisible(made is not None and self.part.name == "images")
        self.bar.setVisible(working)
        self.cancel.setVisible(working)
        role, text = "hint", self.part.text
        if job is not None and working:
            # A job that has not begun has no share that means anything.
            self.bar.setRange(0, 1000 if job.state != "queued" else 0)
            set_value(self.bar, round(1000 * job.fraction))
            text = {"queued": "Waits in the queue", "paused": "Paused in the queue"}.get(job.state, job.stage)
        elif job is not None and job.state == "failed" and job.failure:
            role, text = "error", f"{job.failure['title']}. {job.failure['next_step']}"
        elif made is not None:
            role, text = "success", "   ".join(part for part in (in_bytes(made.size), made.figure) if part)
        if self.text.property("role") != role:
            self.text.setProperty("role", role)
            self.text.style().unpolish(self.text)
            self.text.style().polish(self.text)
        self.text.setText(text)
