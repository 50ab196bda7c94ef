from __future__ import annotations

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QMenu, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.document import posing
from app.document.document import Document
from app.panels.editors import tame
from app.panels.pose_words import GROUPS, angle_names
from app.panels.value_row import ValueRow
from app.shell.icons import set_icon

# Red, green and blue, as the rings in the view.
_AXES = (("X", "#e5616b"), ("Y", "#63b35a"), ("Z", "#5b93f5"))


class JointSection(QWidget):
    """The selected joint: its angles, its pin, and what brings it back."""

    def __init__(self, document: Document) -> None:
        super().__init__()
        self._document = document
        self.choice = QComboBox()
        self.choice.setObjectName("jointChoice")
        self.choice.setToolTip("The joint to turn. A click on the body chooses it too")
        self.choice.addItem("No joint selected", None)
        for group in GROUPS:
            self.choice.insertSeparator(self.choice.count())
            for joint in group:
                self.choice.addItem(posing.label(joint).capitalize(), joint)
        tame(self.choice)
        self.pin = QToolButton()
        self.pin.setObjectName("pinJoint")
        self.pin.setCheckable(True)
        self.pin.setToolTip("Pin: this joint stays where it is while others are dragged (P)")
        set_icon(self.pin, "pin")
        self.hint = QLabel("Click a joint on the body, then drag it. Hold Shift to turn one joint only.")
        self.hint.setObjectName("jointHint")
        self.hint.setProperty("role", "hint")
        self.hint.setWordWrap(True)
        self.rows = [self._row(axis) for axis in range(3)]
        self.reset = _split("resetJoint", "Reset joint", "reset", "Bring this joint back to the source pose")
        self.mirror = _split("mirrorPose", "Mirror", "mirror", "Exchange left and right of the whole pose")
        self._fill_menus()

        top = QHBoxLayout()
        top.setSpacing(4)
        top.addWidget(self.choice, 1)
        top.addWidget(self.pin)
        bottom = QHBoxLayout()
        bottom.setSpacing(6)
        bottom.addWidget(self.reset)
        bottom.addWidget(self.mirror)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(top)
        column.addWidget(self.hint)
        for row in self.rows:
            column.addWidget(row)
        column.addLayout(bottom)

        self.choice.activated.connect(lambda index: document.select_joint(self.choice.itemData(index)))
        self.pin.clicked.connect(self._toggle_pin)
        self.reset.clicked.connect(self._reset)
        self.mirror.clicked.connect(document.mirror)
        self.show_all()

    def _row(self, axis: int) -> ValueRow:
        row = ValueRow(f"angle{_AXES[axis][0]}", "", "", suffix="\u00b0")
        row.label.setTextFormat(Qt.TextFormat.RichText)
        row.edited.connect(lambda value: self._edit(axis, value))
        row.finished.connect(self._document.finish_change)
        return row

    def _fill_menus(self) -> None:
        menu = QMenu(self.reset)
        self.reset_limb = menu.addAction("Reset limb", lambda: self._document.reset_limb())
        menu.addAction("Reset whole pose", lambda: self._document.reset_pose())
        menu.setToolTipsVisible(True)
        self.reset.setMenu(menu)
        menu = QMenu(self.mirror)
        menu.addAction("Copy left side to right", lambda: self._document.copy_side("left"))
        menu.addAction("Copy right side to left", lambda: self._document.copy_side("right"))
        self.mirror.setMenu(menu)

    def _edit(self, axis: int, degrees: float) -> None:
        joint = self._document.selected_joint
        if joint is not None:
            angles = posing.joint_angles(self._document.pose, joint)
            angles[axis] = degrees
            self._document.set_joint_angles(joint, angles)

    def _toggle_pin(self) -> None:
        if self._document.selected_joint is not None:
            self._document.toggle_pin(self._document.selected_joint)

    def _reset(self) -> None:
        if self._document.selected_joint is None:
            self._document.reset_pose()
        else:
            self._document.reset_joint()

    def show_all(self) -> None:
        """What changes with the selection, then the values."""
        joint = self._document.selected_joint
        with QSignalBlocker(self.choice):
            self.choice.setCurrentIndex(self.choice.findData(joint) if joint else 0)
        self.hint.setVisible(joint is None)
        self.pin.setEnabled(joint is not None)
        self.reset.setText("Reset pose" if joint is None else "Reset joint")
        self.reset_limb.setVisible(joint is not None)
        for row in self.rows:
            row.setVisible(joint is not None)
        if joint is not None:
            self.reset_limb.setText(f"Reset {posing.limb_of(joint)}")
            low, high = posing.joint_limits(joint)
            for axis, (row, name) in enumerate(zip(self.rows, angle_names(joint), strict=True)):
                letter, colour = _AXES[axis]
                tip = f"{name} of the {posing.label(joint)} about its own {letter} axis, in degrees, within its limits."
                row.set_words(f'<span style="color:{colour}">\u25cf</span>&nbsp; {name}', tip)
                row.box.setAccessibleName(name)
                row.set_range(float(low[axis]), float(high[axis]))
        self.show_values()

    def show_values(self) -> None:
        joint = self._document.selected_joint
        self.pin.setChecked(joint in self._document.pinned)
        if joint is not None:
            angles = np.round(posing.joint_angles(self._document.pose, joint), 6)
            for row, angle in zip(self.rows, angles, strict=True):
                row.show_value(float(angle))


def _split(name: str, text: str, icon: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setObjectName(name)
    button.setText(text)
    button.setToolTip(tip)
    button.setProperty("raised", True)
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    button.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
    button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    set_icon(button, icon)
    return button
