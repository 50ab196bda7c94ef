"""The Proxy inspector of a capture that is edited by a depth proxy."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QVBoxLayout,
    QWidget,
)

from app.document.document import Document
from app.panels.control_row import ControlRow
from app.panels.edit_target import MY_POSE, EditChoice
from app.panels.fields import Fold, line, scrolled
from app.panels.posed_row import PosedRow, PosedWords
from app.panels.proxy_files import FilesSection
from app.panels.proxy_parts import PartsSection
from app.panels.proxy_picture import PictureSection
from app.panels.proxy_sculpt import SculptSection
from app.panels.proxy_values import ValuesSection

_REFRESH_MS = 30
_POSED = PosedWords(
    ("proxyTarget", "proxySource", "proxyGhost"),
    "Shape what the subject shall become",
    "Correct the proxy of what the photos show",
    "Ghost",
    "Show the other proxy, too, where it differs",
    "You correct the proxy of what the photos show.",
)


class ProxyPanel(QWidget):
    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("proxyPanel")
        self._document = document
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_REFRESH_MS)
        self._timer.timeout.connect(self._refresh)
        self.choice = EditChoice()
        self.choice.box.setToolTip(
            "Start from an edit that the capture brings; its result can be compared with the truth"
        )
        self.choice.edited.connect(self._apply)
        self.control = ControlRow(document)
        self.posed = PosedRow(document, _POSED)
        self.parts = PartsSection(document)
        self.values = ValuesSection(document)
        self.sculpt = SculptSection(document)
        self.picture = PictureSection(document)
        self.files = FilesSection(document)
        self._lay_out()
        for signal in (
            document.targetProxyChanged,
            document.sourceProxyChanged,
            document.partsSelected,
            document.posedChanged,
            document.undo_stack.indexChanged,
        ):
            signal.connect(self._refresh_soon)
        for signal in (document.projectChanged, document.controlChanged):
            signal.connect(self._show_project)
        self._show_project()

    def _lay_out(self) -> None:
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(12, 10, 12, 10)
        column.setSpacing(8)
        column.addWidget(self.control)
        column.addWidget(self.posed)
        column.addWidget(self.choice)
        column.addWidget(line())
        column.addWidget(self.parts)
        column.addWidget(self.values)
        column.addWidget(line())
        self.folds = {
            "sculpt": Fold("Sculpt"),
            "picture": Fold("What the model sees"),
            "files": Fold("Fit, import and export"),
        }
        for name, part in (("sculpt", self.sculpt), ("picture", self.picture), ("files", self.files)):
            self.folds[name].setObjectName(f"{name}Fold")
            self.folds[name].content.addWidget(part)
            column.addWidget(self.folds[name])
        self.folds["picture"].set_open(True)
        self.folds["picture"].toggled.connect(lambda _open: self._follow())
        self._document.sculpting.changed.connect(self._open_sculpting)
        column.addStretch(1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(scrolled(content, "proxyScroll"))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._follow()
        self._refresh_soon()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._follow()

    def _follow(self) -> None:
        """The picture costs something: only while it is seen."""
        self.picture.seen.set_enabled(self.isVisible() and not self.folds["picture"].body.isHidden())

    def _open_sculpting(self) -> None:
        if self._document.sculpting.is_active and self.folds["sculpt"].body.isHidden():
            self.folds["sculpt"].set_open(True)

    def _apply(self, name: str) -> None:
        if name != MY_POSE:
            self._document.apply_edit(name)
        self._refresh_soon()

    def _show_project(self) -> None:
        self.choice.set_edits(self._document.edit_names, "depth")
        self.choice.setVisible(bool(self._document.edit_names))
        self._refresh_soon()

    def _refresh_soon(self) -> None:
        if self.isVisible() and not self._timer.isActive():
            self._timer.start()

    def _refresh(self) -> None:
        document = self._document
        if document.project is None:
            return
        self.posed.show_values()
        self.choice.show_value(document.edit_name)
        self.parts.show_values()
        self.values.show_values()
        self.sculpt.show_values()
