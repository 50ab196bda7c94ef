"""The Proxy inspector of a capture that is edited by a depth proxy."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.document.document import Document
from app.panels.edit_target import MY_POSE, EditChoice
from app.panels.fields import Fold, line
from app.panels.proxy_files import FilesSection
from app.panels.proxy_parts import PartsSection
from app.panels.proxy_picture import PictureSection
from app.panels.proxy_sculpt import SculptSection
from app.panels.proxy_values import ValuesSection
from app.shell.icons import set_icon

_REFRESH_MS = 30


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
        document.projectChanged.connect(self._show_project)
        self._show_project()

    def _lay_out(self) -> None:
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(12, 10, 12, 10)
        column.setSpacing(8)
        column.addLayout(self._posed_row())
        column.addWidget(self.posed_hint)
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
        scroll = QScrollArea()
        scroll.setObjectName("proxyScroll")
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(content)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(scroll)

    def _posed_row(self) -> QHBoxLayout:
        self.target = QPushButton("Target")
        self.target.setObjectName("proxyTarget")
        self.target.setToolTip("Shape what the subject shall become")
        self.source = QPushButton("Source")
        self.source.setObjectName("proxySource")
        self.source.setToolTip("Correct the proxy of what the photos show")
        self.ghost = QToolButton()
        self.ghost.setObjectName("proxyGhost")
        self.ghost.setCheckable(True)
        self.ghost.setText("Ghost")
        self.ghost.setToolTip("Show the other proxy, too, where it differs")
        self.ghost.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        set_icon(self.ghost, "layers")
        self.posed_hint = QLabel("You correct the proxy of what the photos show.")
        self.posed_hint.setProperty("role", "warning")
        self.posed_hint.setWordWrap(True)
        group = QButtonGroup(self)
        row = QHBoxLayout()
        row.setSpacing(4)
        for button, posed in ((self.target, "target"), (self.source, "source")):
            button.setCheckable(True)
            group.addButton(button)
            row.addWidget(button, 1)
            button.clicked.connect(lambda _checked=False, posed=posed: self._document.set_posed(posed))
        row.addWidget(self.ghost)
        self.ghost.clicked.connect(self._document.set_show_both)
        return row

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
        source = document.posed == "source"
        (self.source if source else self.target).setChecked(True)
        self.posed_hint.setVisible(source)
        self.ghost.setChecked(document.show_both)
        self.choice.show_value(document.edit_name)
        self.parts.show_values()
        self.values.show_values()
        self.sculpt.show_values()
