"""Shape and place of the body."""

from __future__ import annotations

import numpy as np
from PySide6.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from app.document.document import Document
from app.panels.fields import Fold
from app.panels.pose_words import SHAPE_BETAS, SHAPES
from app.panels.value_row import ValueRow
from qnerf_core.body.pose import BETA_COUNT, PROPORTIONS

_FARTHEST_SHAPE = 3.0
_SIZES, _FACTORS = (0.02, 50.0), (0.3, 2.5)


class ShapeSection(QWidget):
    def __init__(self, document: Document) -> None:
        super().__init__()
        self._document = document
        self._rows: list[tuple[ValueRow, int, float]] = []
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        for (name, sign, tip), beta in zip(SHAPES, SHAPE_BETAS, strict=True):
            column.addWidget(self._row(name, tip, beta, sign))
        more = Fold("More")
        more.setObjectName("moreShape")
        more.button.setToolTip("Finer differences of the body's shape")
        for number, beta in enumerate(sorted(set(range(BETA_COUNT)) - set(SHAPE_BETAS)), len(SHAPES) + 1):
            more.content.addWidget(self._row(f"Detail {number}", "A finer difference of shape; try it.", beta, 1.0))
        column.addWidget(more)
        self._factors: list[ValueRow] = []
        parts = Fold("Proportions")
        parts.setObjectName("proportions")
        parts.button.setToolTip("For toys and statues that are not built like people")
        for index, name in enumerate(PROPORTIONS):
            parts.content.addWidget(self._factor(index, name))
        column.addWidget(parts)

    def _factor(self, index: int, name: str) -> ValueRow:
        label = name.replace("_", " ").capitalize()
        tip = (
            "The whole body, for captures that are not in metres." if name == "size" else f"How large: {label.lower()}."
        )
        row = ValueRow(f"proportion_{name}", label, f"{tip} 1 is a person's.", decimals=2, step=0.05)
        row.set_range(*(_SIZES if name == "size" else _FACTORS), 1.0, 2)
        row.edited.connect(lambda value: self._edit_factor(index, value))
        row.finished.connect(self._document.finish_change)
        self._factors.append(row)
        return row

    def _edit_factor(self, index: int, value: float) -> None:
        proportions = self._document.pose.proportions.copy()
        proportions[index] = value
        self._document.set_proportions(proportions)

    def _row(self, name: str, tip: str, beta: int, sign: float) -> ValueRow:
        row = ValueRow(f"shape{beta}", name, f"{tip} 0 is the mean, 1 a standard deviation.", decimals=2, step=0.1)
        row.set_range(-_FARTHEST_SHAPE, _FARTHEST_SHAPE)
        row.edited.connect(lambda value: self._edit(beta, sign * value))
        row.finished.connect(self._document.finish_change)
        self._rows.append((row, beta, sign))
        return row

    def _edit(self, beta: int, value: float) -> None:
        betas = self._document.pose.betas.copy()
        betas[beta] = value
        self._document.set_betas(betas)

    def show_values(self) -> None:
        for row, beta, sign in self._rows:
            row.show_value(round(sign * float(self._document.pose.betas[beta]), 6))
        for factor, value in zip(self._factors, self._document.pose.proportions.tolist(), strict=True):
            factor.show_value(round(value, 6))


class PlacementSection(QWidget):
    def __init__(self, document: Document) -> None:
        super().__init__()
        self._document = document
        self.rows = [
            _metres("placeX", "Left, right", "Where the pelvis stands along the world's x axis."),
            _metres("placeY", "Back, front", "Where the pelvis stands along the world's y axis."),
            _metres("placeHeight", "Above floor", "Height of the lowest point above the floor."),
            ValueRow("placeTurn", "Turn", "Turns the body about the vertical through its pelvis.", suffix="\u00b0"),
        ]
        self.planted = QCheckBox("Keep feet planted")
        self.planted.setObjectName("plantFeet")
        self.planted.setToolTip("<p>While the pelvis is dragged, feet on the floor stay where they are.</p>")
        self.planted.setChecked(document.plant_feet)
        self.planted.toggled.connect(lambda on: setattr(document, "plant_feet", on))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        for index, row in enumerate(self.rows):
            row.edited.connect(lambda value, index=index: self._edit(index, value))
            row.finished.connect(document.finish_change)
            column.addWidget(row)
        column.addWidget(self.planted)
        self.show_ranges()

    def show_ranges(self) -> None:
        scene = self._document.scene
        bounds = scene.bounds if scene is not None and scene.bounds is not None else None
        start = self._document.body.joints(self._document.source_pose)[0] if scene is not None else np.zeros(3)
        for axis in range(2):
            low, high = (bounds[0, axis], bounds[1, axis]) if bounds is not None else (start[axis] - 4, start[axis] + 4)
            self.rows[axis].set_range(float(low), float(high), float(start[axis]), 1)
        self.rows[2].set_range(-1.0, 2.0, 0.0, 1)
        self.rows[3].set_range(-180.0, 180.0)

    def _edit(self, index: int, value: float) -> None:
        placement = self._document.placement
        placement[index] = value
        self._document.set_placement(placement)

    def show_values(self) -> None:
        for row, value in zip(self.rows, self._document.placement, strict=True):
            row.show_value(round(float(value), 6))


def _metres(name: str, label: str, tip: str) -> ValueRow:
    return ValueRow(name, label, tip, decimals=3, step=0.01, suffix=" m")
