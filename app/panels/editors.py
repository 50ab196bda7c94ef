"""Editors of one setting each: they show a value, and say when the user chose another."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSlider,
    QSpinBox,
    QToolButton,
    QWidget,
)

from app.shell.icons import set_icon

_GREATEST_SEED = 2**31 - 1
_NARROWEST = 60
_BUTTON = 26


class Editor(QWidget):
    edited = Signal(object)
    finished = Signal()  # the user left it, or let go of the slider

    def __init__(self) -> None:
        super().__init__()
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(0, 0, 0, 0)
        self.row.setSpacing(4)

    def show_value(self, value: Any) -> None:
        """Show a value without emitting anything."""


class _NoWheel(QObject):
    """Scrolling a panel must not change the settings it rolls over."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return False


def tame(widget: QWidget) -> None:
    """Let it be as narrow as the panel, and deaf to the wheel until it is clicked."""
    widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    widget.installEventFilter(_NoWheel(widget))
    widget.setMinimumWidth(_NARROWEST)
    if isinstance(widget, QComboBox):
        widget.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        widget.setMinimumContentsLength(4)


def small_button(icon: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setToolTip(tip)
    button.setFixedSize(_BUTTON, _BUTTON)
    set_icon(button, icon)
    return button


class Whole(Editor):
    """A whole number."""

    def __init__(self, low: int, high: int, suffix: str = "") -> None:
        super().__init__()
        self.box = QSpinBox()
        self.box.setRange(low, high)
        self.box.setSuffix(suffix)
        self.box.setKeyboardTracking(False)
        _prepare(self, self.box)
        self.box.valueChanged.connect(self.edited.emit)

    def show_value(self, value: int) -> None:
        with QSignalBlocker(self.box):
            self.box.setValue(value)


class Decimal(Editor):
    def __init__(self, low: float, high: float, step: float, decimals: int, suffix: str = "") -> None:
        super().__init__()
        self.box = QDoubleSpinBox()
        self.box.setRange(low, high)
        self.box.setSingleStep(step)
        self.box.setDecimals(decimals)
        self.box.setSuffix(suffix)
        self.box.setKeyboardTracking(False)
        _prepare(self, self.box)
        self.box.valueChanged.connect(self.edited.emit)

    def show_value(self, value: float) -> None:
        with QSignalBlocker(self.box):
            self.box.setValue(value)


class OptionalDecimal(Editor):
    """A number or "automatic", which is the lowest position."""

    def __init__(self, low: float, high: float, step: float, decimals: int) -> None:
        super().__init__()
        self.box = QDoubleSpinBox()
        self.box.setDecimals(decimals)
        self.box.setRange(low - step, high)
        self.box.setSingleStep(step)
        self.box.setSpecialValueText("automatic")
        self.box.setKeyboardTracking(False)
        _prepare(self, self.box)
        self.box.valueChanged.connect(self._edited)

    def show_value(self, value: float | None) -> None:
        with QSignalBlocker(self.box):
            self.box.setValue(self.box.minimum() if value is None else value)

    def _edited(self, value: float) -> None:
        self.edited.emit(None if value == self.box.minimum() else value)


class OptionalWhole(Editor):
    """A whole number or "automatic", which is the lowest position."""

    def __init__(self, low: int, high: int, step: int = 1, automatic: str = "automatic") -> None:
        super().__init__()
        self.box = QSpinBox()
        self.box.setRange(low - step, high)
        self.box.setSingleStep(step)
        self.box.setSpecialValueText(automatic)
        self.box.setKeyboardTracking(False)
        _prepare(self, self.box)
        self.box.valueChanged.connect(self._edited)

    def show_value(self, value: int | None) -> None:
        with QSignalBlocker(self.box):
            self.box.setValue(self.box.minimum() if value is None else value)

    def _edited(self, value: int) -> None:
        self.edited.emit(None if value == self.box.minimum() else value)


class Choice(Editor):
    def __init__(self, choices: Sequence[tuple[str, Any]]) -> None:
        super().__init__()
        self.box = QComboBox()
        for text, value in choices:
            self.box.addItem(text, value)
        tame(self.box)
        self.row.addWidget(self.box, 1)
        self.box.activated.connect(lambda index: self.edited.emit(self.box.itemData(index)))

    def show_value(self, value: Any) -> None:
        with QSignalBlocker(self.box):
            self.box.setCurrentIndex(self.box.findData(value))


class Switch(Editor):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.box = QCheckBox(text)
        self.row.addWidget(self.box, 1)
        self.box.clicked.connect(self.edited.emit)

    def show_value(self, value: bool) -> None:
        with QSignalBlocker(self.box):
            self.box.setChecked(value)


class Text(Editor):
    """Words; nothing stands for what the placeholder says, if `optional`."""

    def __init__(self, *, optional: bool = False) -> None:
        super().__init__()
        self._optional = optional
        self.box = QLineEdit()
        self.row.addWidget(self.box, 1)
        self.box.textEdited.connect(self._edited)
        self.box.editingFinished.connect(self.finished)

    def show_value(self, value: str | None) -> None:
        if (value or "") != self.box.text():
            with QSignalBlocker(self.box):
                self.box.setText(value or "")
                self.box.setCursorPosition(0)

    def _edited(self, text: str) -> None:
        self.edited.emit(None if self._optional and not text.strip() else text)


class Layers(Editor):
    """Positions of query layers, or all of them."""

    def __init__(self) -> None:
        super().__init__()
        self.box = QLineEdit()
        self.box.setPlaceholderText("all")
        self.row.addWidget(self.box, 1)
        self.box.editingFinished.connect(self._edited)

    def show_value(self, value: Sequence[int] | None) -> None:
        with QSignalBlocker(self.box):
            self.box.setText("" if value is None else ", ".join(str(layer) for layer in value))
        self._mark(invalid=False)

    def _edited(self) -> None:
        parts = self.box.text().replace(",", " ").split()
        valid = all(part.isdecimal() for part in parts)
        self._mark(invalid=not valid)
        if valid:
            self.edited.emit(tuple(sorted({int(part) for part in parts})) or None)
            self.finished.emit()

    def _mark(self, *, invalid: bool) -> None:
        self.box.setProperty("invalid", invalid)
        self.box.style().unpolish(self.box)
        self.box.style().polish(self.box)


class Seed(Editor):
    def __init__(self) -> None:
        super().__init__()
        self.box = QSpinBox()
        self.box.setRange(0, _GREATEST_SEED)
        self.box.setKeyboardTracking(False)
        _prepare(self, self.box)
        self.dice = small_button("dice", "Draw another seed")
        self.dice.setObjectName("seed_dice")
        self.row.addWidget(self.dice)
        self.box.valueChanged.connect(self.edited.emit)
        self.dice.clicked.connect(lambda: self.edited.emit(secrets.randbelow(_GREATEST_SEED)))

    def show_value(self, value: int) -> None:
        with QSignalBlocker(self.box):
            self.box.setValue(value)


class Strength(Editor):
    """The length of the guidance's step on a slider, in words."""

    _FIRST, _PER_DOUBLING, _POSITIONS = 0.0025, 4, 25
    _WORDS = ((0.0, "off"), (0.008, "faint"), (0.014, "gentle"), (0.03, "normal"), (0.06, "strong"), (9e9, "extreme"))

    def __init__(self) -> None:
        super().__init__()
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, self._POSITIONS)
        self.slider.setPageStep(self._PER_DOUBLING)
        tame(self.slider)
        self.word = QLabel()
        self.word.setMinimumWidth(52)
        self.row.addWidget(self.slider, 1)
        self.row.addWidget(self.word)
        self.slider.valueChanged.connect(lambda position: self.edited.emit(self._value(position)))
        self.slider.sliderReleased.connect(self.finished)

    def show_value(self, value: float) -> None:
        positions = range(self._POSITIONS + 1)
        nearest = min(positions, key=lambda position: abs(self._value(position) - value))
        with QSignalBlocker(self.slider):
            self.slider.setValue(nearest)
        self.word.setText(next(word for limit, word in self._WORDS if value <= limit))

    def _value(self, position: int) -> float:
        if position == 0:
            return 0.0
        return round(self._FIRST * 2 ** ((position - 1) / self._PER_DOUBLING), 5)


def _prepare(editor: Editor, box: QAbstractSpinBox) -> None:
    tame(box)
    editor.row.addWidget(box, 1)
    box.editingFinished.connect(editor.finished)
