from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QLabel,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from app.document.document import Document
from app.panels.control_row import ControlRow
from app.panels.fields import Fold, line, scrolled
from app.panels.fitting import FitSection
from app.panels.pose_body import PlacementSection, ShapeSection
from app.panels.pose_joint import JointSection
from app.panels.pose_library import LibrarySection
from app.panels.posed_row import PosedRow, PosedWords
from app.shell import settings

_REFRESH_MS = 30
_NOTHING_OPEN = "Open a capture to pose its subject."
_NOT_POSED = "The subject of this capture is shaped by a depth proxy, not by a pose."
_POSED = PosedWords(
    ("posedTarget", "posedSource", "showBoth"),
    "Shape the pose that the edit shall give the subject",
    "Correct the pose that the subject has in the pictures",
    "Both",
    "Show source and target together",
    "You correct the pose that the pictures show.",
)


class PosePanel(QWidget):
    """The Pose inspector. Its parts are shown anew soon after a change, several changes at once."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("posePanel")
        self._document = document
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_REFRESH_MS)
        self._timer.timeout.connect(self._refresh)
        self.control = ControlRow(document)
        self.posed = PosedRow(document, _POSED)
        self.joint = JointSection(document)
        self.library = LibrarySection(document)
        self.shape = ShapeSection(document)
        self.placement = PlacementSection(document)
        self.fitting = FitSection(document)
        self._lay_out()
        for signal in (document.targetPoseChanged, document.sourcePoseChanged, document.pinsChanged):
            signal.connect(self._refresh_soon)
        document.selectionChanged.connect(self.joint.show_all)
        document.posedChanged.connect(self._show_posed)
        for signal in (document.projectChanged, document.controlChanged):
            signal.connect(self._show_project)
        self._show_project()

    def _lay_out(self) -> None:
        content = QWidget()
        content.setObjectName("poseContent")
        column = QVBoxLayout(content)
        column.setContentsMargins(12, 10, 12, 10)
        column.setSpacing(8)
        column.addWidget(self.control)
        column.addWidget(self.posed)
        column.addWidget(self.joint)
        column.addWidget(line())
        self.folds = {
            "library": self._fold("library", "Pose library", self.library, opened=True),
            "shape": self._fold("shape", "Shape", self.shape),
            "placement": self._fold("placement", "Place", self.placement),
            "fitting": self._fold("fitting", "Fit to the photos", self.fitting),
        }
        for fold in self.folds.values():
            column.addWidget(fold)
        column.addStretch(1)
        self._column = column
        self.folds["library"].toggled.connect(self._share_height)
        self._share_height(not self.folds["library"].body.isHidden())
        scroll = scrolled(content, "poseScroll")
        self.empty = QLabel()
        self.empty.setObjectName("poseEmpty")
        self.empty.setProperty("role", "hint")
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setWordWrap(True)
        self.empty.setMargin(24)
        self._pages = QStackedLayout(self)
        self._pages.addWidget(self.empty)
        self._pages.addWidget(scroll)

    def _fold(self, name: str, title: str, part: QWidget, *, opened: bool = False) -> Fold:
        fold = Fold(title)
        fold.setObjectName(f"{name}Fold")
        fold.content.addWidget(part)
        fold.button.setToolTip(f"Show or hide: {title.lower()}")
        key = f"pose/{name}Toggled"
        fold.set_open(opened != settings.flag(key))
        fold.toggled.connect(lambda is_open: settings.set_flag(key, is_open != opened))
        fold.toggled.connect(self._refresh_soon)
        return fold

    def _share_height(self, library_open: bool) -> None:
        """The library takes what is left of the height while it is open."""
        self._column.setStretchFactor(self.folds["library"], 1 if library_open else 0)
        self._column.setStretch(self._column.count() - 1, 0 if library_open else 1)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._refresh_soon()

    def _show_project(self) -> None:
        opened = self._document.project is not None
        posable = opened and self._document.control == "skeleton"
        self.empty.setText(_NOT_POSED if opened else _NOTHING_OPEN)
        self._pages.setCurrentIndex(1 if posable else 0)
        if opened:
            self.placement.show_ranges()
        self._show_posed()

    def _show_posed(self) -> None:
        self.posed.show_values()
        self.joint.show_all()
        self._refresh_soon()

    def _refresh_soon(self) -> None:
        if self.isVisible() and not self._timer.isActive():
            self._timer.start()

    def _refresh(self) -> None:
        if self._document.project is None:
            return
        self.joint.show_values()
        for part in (self.shape, self.placement):
            if part.isVisible():
                part.show_values()
