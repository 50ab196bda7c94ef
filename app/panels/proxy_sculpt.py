"""Brushes for the selected part."""

from __future__ import annotations

from typing import get_args

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import (
    QButtonGroup,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.document.document import Document
from app.panels.editors import tame
from app.panels.say import say
from app.panels.value_row import ValueRow
from app.shell.icons import set_icon
from qnerf_core.errors import StudioError
from qnerf_core.proxy.sculpt import BrushKind

_TIPS: dict[BrushKind, str] = {
    "grab": "Pull the surface along with the pointer",
    "inflate": "Swell; with Ctrl shrink",
    "smooth": "Even out bumps; with Ctrl sharpen",
    "flatten": "Press to a plane; with Ctrl raise off it",
    "pinch": "Draw together; with Ctrl push apart",
}


class SculptSection(QWidget):
    def __init__(self, document: Document) -> None:
        super().__init__()
        self._document = document
        self.sculpting = document.sculpting
        self.enter = QPushButton("Sculpt the selected part")
        self.enter.setObjectName("sculpt")
        self.enter.setCheckable(True)
        self.enter.setToolTip("Brushes for its surface; a solid becomes a mesh first (Ctrl+Tab)")
        set_icon(self.enter, "mesh")
        self.tools = QWidget()
        self.kinds: dict[str, QPushButton] = {}
        group = QButtonGroup(self)
        grid = QGridLayout()
        grid.setSpacing(4)
        for number, kind in enumerate(get_args(BrushKind)):
            button = QPushButton(kind.capitalize())
            button.setObjectName(f"brush_{kind}")
            button.setCheckable(True)
            button.setToolTip(f"{_TIPS[kind]}. Shift smooths with any brush")
            group.addButton(button)
            grid.addWidget(button, number // 3, number % 3)
            grid.setColumnStretch(number % 3, 1)
            button.clicked.connect(lambda _checked=False, kind=kind: self.sculpting.set_brush(kind=kind))
            self.kinds[kind] = button
        self.radius = ValueRow("brushRadius", "Radius", "F changes it in the view.", decimals=3, step=0.01, suffix=" m")
        self.radius.set_range(0.01, 1.0, decimals=1)
        self.strength = ValueRow("brushStrength", "Strength", "Shift+F changes it in the view.", decimals=2, step=0.05)
        self.strength.set_range(0.0, 1.0)
        self.radius.edited.connect(lambda value: self.sculpting.set_brush(radius=value))
        self.strength.edited.connect(lambda value: self.sculpting.set_brush(strength=value))
        symmetry = QHBoxLayout()
        symmetry.setSpacing(4)
        symmetry.addWidget(QLabel("Symmetry"))
        self.symmetry: list[QPushButton] = []
        for axis, letter in enumerate("XYZ"):
            button = QPushButton(letter)
            button.setObjectName(f"symmetry{letter}")
            button.setCheckable(True)
            button.setToolTip(f"Repeat every stroke across the part's own {letter} axis")
            button.clicked.connect(lambda checked, axis=axis: self._set_symmetry(axis, checked))
            symmetry.addWidget(button, 1)
            self.symmetry.append(button)
        self.cells = QSpinBox()
        self.cells.setObjectName("remeshCells")
        self.cells.setRange(12, 96)
        self.cells.setToolTip("Cells along the longest side of the part")
        self.cells.setKeyboardTracking(False)
        tame(self.cells)
        self.cells.valueChanged.connect(self.sculpting.set_resolution)
        self.remesh = QPushButton("Remesh")
        self.remesh.setObjectName("remesh")
        self.remesh.setToolTip("Even triangles again, where a brush has pulled them apart")
        self.remesh.clicked.connect(self.sculpting.remesh)
        again = QHBoxLayout()
        again.setSpacing(6)
        again.addWidget(QLabel("Detail"))
        again.addWidget(self.cells)
        again.addWidget(self.remesh, 1)
        inner = QVBoxLayout(self.tools)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(6)
        inner.addLayout(grid)
        inner.addWidget(self.radius)
        inner.addWidget(self.strength)
        inner.addLayout(symmetry)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.enter)
        column.addWidget(self.tools)
        column.addLayout(again)
        self.enter.clicked.connect(self.toggle)
        self.sculpting.changed.connect(self.show_values)

    def toggle(self) -> None:
        try:
            self.sculpting.toggle()
        except StudioError as error:
            say(error)
        self.show_values()

    def show_values(self) -> None:
        active, brush = self.sculpting.is_active, self.sculpting.brush
        chosen = len(self._document.selected_parts) == 1
        self.enter.setChecked(active)
        self.enter.setText(f"Sculpting {self.sculpting.name}" if active else "Sculpt the selected part")
        self.enter.setEnabled((active or chosen) and not self.sculpting.is_busy)
        self.remesh.setEnabled(chosen and not self.sculpting.is_busy)
        self.remesh.setText("One moment ..." if self.sculpting.is_busy else "Remesh")
        self.tools.setVisible(active)
        self.kinds[brush.kind].setChecked(True)
        self.radius.show_value(brush.radius)
        self.strength.show_value(brush.strength)
        for button, on in zip(self.symmetry, brush.symmetry, strict=True):
            button.setChecked(on)
        with QSignalBlocker(self.cells):
            self.cells.setValue(self.sculpting.resolution)

    def _set_symmetry(self, axis: int, on: bool) -> None:
        symmetry = list(self.sculpting.brush.symmetry)
        symmetry[axis] = on
        self.sculpting.set_brush(symmetry=tuple(symmetry))
