"""Place, rotation and size of the selected part as numbers."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QCheckBox, QDoubleSpinBox, QGridLayout, QLabel, QVBoxLayout, QWidget
from scipy.spatial.transform import Rotation

from app.document.document import Document
from app.panels.editors import tame
from app.panels.value_row import ValueRow
from qnerf_core.proxy.model import ProxyPart

_ROWS = (
    ("centre", "Position", " m", 0.05, 3, -99.0),
    ("angles", "Rotation", "°", 5.0, 1, -360.0),
    ("size", "Size", " m", 0.05, 3, 0.001),
)
_AXES = (("X", "#e5616b"), ("Y", "#63b35a"), ("Z", "#5b93f5"))
_WIDEST_BLEND = 0.4


class ValuesSection(QWidget):
    def __init__(self, document: Document) -> None:
        super().__init__()
        self._document = document
        self.boxes: dict[tuple[str, int], QDoubleSpinBox] = {}
        self.hint = QLabel()
        self.hint.setObjectName("proxyHint")
        self.hint.setProperty("role", "hint")
        self.hint.setWordWrap(True)
        self.grid = QWidget()
        grid = QGridLayout(self.grid)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(4)
        grid.setVerticalSpacing(4)
        for column, (letter, colour) in enumerate(_AXES, 1):
            head = QLabel(f'<span style="color:{colour}">●</span>&nbsp;{letter}')
            head.setAlignment(Qt.AlignmentFlag.AlignCenter)
            grid.addWidget(head, 0, column)
            grid.setColumnStretch(column, 1)
        for row, (name, label, suffix, step, decimals, least) in enumerate(_ROWS, 1):
            grid.addWidget(QLabel(label), row, 0)
            for axis, (letter, _) in enumerate(_AXES):
                box = QDoubleSpinBox()
                box.setObjectName(f"part_{name}_{letter.lower()}")
                box.setAccessibleName(f"{label} {letter}")
                box.setRange(least, 360.0 if name == "angles" else 99.0)
                box.setDecimals(decimals)
                box.setSingleStep(step)
                box.setSuffix(suffix)
                box.setKeyboardTracking(False)
                box.setMinimumWidth(60)
                tame(box)
                grid.addWidget(box, row, axis + 1)
                box.valueChanged.connect(lambda value, name=name, axis=axis: self._edit(name, axis, value))
                box.editingFinished.connect(document.finish_change)
                self.boxes[name, axis] = box
        tip = "How far blobs reach out to each other: their surfaces flow together over this distance."
        self.blend = ValueRow("blend", "Blending", tip, decimals=2, step=0.01, suffix=" m")
        self.blend.set_range(0.0, _WIDEST_BLEND, decimals=1)
        self.blend.edited.connect(document.set_blend)
        self.blend.finished.connect(document.finish_change)
        self.snap = QCheckBox("Snap to the floor")
        self.snap.setObjectName("snapToFloor")
        self.snap.setToolTip("A part that is dragged near the floor stands on it")
        self.snap.toggled.connect(document.set_snap_to_floor)
        document.snappingChanged.connect(lambda: self.snap.setChecked(document.snap_to_floor))
        self.snap.setChecked(document.snap_to_floor)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(6)
        for part in (self.hint, self.grid, self.blend, self.snap):
            whole.addWidget(part)

    def show_values(self) -> None:
        chosen, part = self._document.selected_parts, self._document.active_part
        single = part is not None and len(chosen) == 1
        self.hint.setVisible(not single)
        self.grid.setVisible(single)
        self.blend.setVisible(any(other.kind == "blob" for other in self._document.proxy.parts))
        self.blend.show_value(self._document.proxy.blend)
        if not chosen:
            self.hint.setText("Click a part in the view. Drag it, or press G, R or S to move, turn or scale it.")
        elif part is not None and not single:
            self.hint.setText(f"{len(chosen)} parts are selected: G, R and S move, turn and scale them together.")
        if part is None or not single:
            return
        for name, *_ in _ROWS:
            for axis, value in enumerate(_values(part, name)):
                box = self.boxes[name, axis]
                with QSignalBlocker(box):
                    box.setValue(float(value))

    def _edit(self, name: str, axis: int, value: float) -> None:
        part = self._document.active_part
        if part is None:
            return
        values = np.array(_values(part, name))
        values[axis] = value
        if name == "angles":
            changed = part.replaced(rotation=Rotation.from_euler("xyz", values, degrees=True).as_rotvec())
        else:
            changed = part.replaced(**{name: values})
        words = {"centre": "Move", "angles": "Turn", "size": "Scale"}
        self._document.set_part(changed, f"{words[name]} {part.name}", f"{name} {axis}")


def _values(part: ProxyPart, name: str) -> np.ndarray:
    if name != "angles":
        return np.asarray(getattr(part, name))
    return np.asarray(Rotation.from_rotvec(np.array(part.rotation)).as_euler("xyz", degrees=True))
