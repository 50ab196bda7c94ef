from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QFormLayout, QHBoxLayout, QSpinBox, QWidget

from qnerf_core.scene.capture_settings import CaptureSettings, FrameSettings, Vector

_MODES = (("As its format says", "auto"), ("As its files say", "keep"), ("Upright, size of a person", "find"))
_SHAPES = (
    ("One shape, cut if need be", "auto"),
    ("As they are", "keep"),
    ("Cut to one", "crop"),
    ("Border to one", "pad"),
)
_UPS: tuple[tuple[str, Vector | None], ...] = (
    ("Found", None),
    ("+x", (1.0, 0.0, 0.0)),
    ("-x", (-1.0, 0.0, 0.0)),
    ("+y", (0.0, 1.0, 0.0)),
    ("-y", (0.0, -1.0, 0.0)),
    ("+z", (0.0, 0.0, 1.0)),
    ("-z", (0.0, 0.0, -1.0)),
)
_REGION = ((-0.6, -0.6, 0.0), (0.6, 0.6, 1.9))


class CaptureForm(QWidget):
    """Where the subject stands, the box around it, and the size of the pictures."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = CaptureSettings()
        self._shown = False
        self._used: str | None = None
        self.model = _combo("captureModel", ())
        self.mode = _combo("captureFrame", _MODES)
        self.up = _combo("captureUp", _UPS)
        self.scale = _number("captureScale", 0.0, 1e6, 4, special="Found")
        self.turn = _number("captureTurn", -360.0, 360.0, 1, suffix="°")
        self.lift = _number("captureLift", -100.0, 100.0, 3, suffix=" m")
        self.boxed = QCheckBox("The edit stays in this box")
        self.boxed.setObjectName("captureBoxed")
        self.boxed.setToolTip("Outside it the photos stay as they are; without masks it says where the subject is")
        self.low = tuple(_number(f"captureLow{axis}", -100.0, 100.0, 2) for axis in "XYZ")
        self.high = tuple(_number(f"captureHigh{axis}", -100.0, 100.0, 2) for axis in "XYZ")
        self.longest_side = QSpinBox()
        self.longest_side.setObjectName("captureSize")
        self.longest_side.setRange(64, 8192)
        self.longest_side.setSuffix(" px")
        self.shape = _combo("captureShape", _SHAPES)
        self._form = QFormLayout(self)
        self._form.setContentsMargins(0, 0, 0, 0)
        for text, field in (
            ("Sparse model", self.model),
            ("Stands", self.mode),
            ("Up in its files", self.up),
            ("Metres per unit", self.scale),
            ("Turned by", self.turn),
            ("Lifted by", self.lift),
            ("", self.boxed),
            ("Lower corner", _side_by_side(self.low)),
            ("Upper corner", _side_by_side(self.high)),
            ("Longer side", self.longest_side),
            ("Shapes", self.shape),
        ):
            self._form.addRow(text, field)
        for combo in (self.model, self.mode, self.up, self.shape):
            combo.activated.connect(self._edited)
        for number in (self.scale, self.turn, self.lift, *self.low, *self.high):
            number.editingFinished.connect(self._edited)
        self.longest_side.editingFinished.connect(self._edited)
        self.boxed.clicked.connect(self._edited)

    @property
    def settings(self) -> CaptureSettings:
        return self._settings

    def show_settings(self, settings: CaptureSettings, models: tuple[str, ...]) -> None:
        self._settings = settings
        self._shown = False
        self._used = models[0] if models else None
        self.model.clear()
        for name in sorted(models):
            self.model.addItem(name, name)
        self.model.setCurrentIndex(self.model.findData(models[0]) if models else -1)
        self._form.setRowVisible(self.model, len(models) > 1)
        frame = settings.frame
        self.mode.setCurrentIndex(self.mode.findData(frame.mode))
        self.up.setCurrentIndex(next((row for row, (_, up) in enumerate(_UPS) if up == frame.up), 0))
        self.scale.setValue(frame.scale or 0.0)
        self.turn.setValue(frame.turn)
        self.lift.setValue(frame.lift)
        self.boxed.setChecked(settings.region is not None)
        low, high = settings.region or _REGION
        for field, value in zip((*self.low, *self.high), (*low, *high), strict=True):
            field.setValue(value)
            field.setEnabled(settings.region is not None)
        self.longest_side.setValue(settings.longest_side)
        self.shape.setCurrentIndex(self.shape.findData(settings.shape))
        self._shown = True

    def _edited(self) -> None:
        if not self._shown:
            return
        frame = FrameSettings(
            mode=self.mode.currentData(),
            up=_UPS[self.up.currentIndex()][1],
            centre=self._settings.frame.centre,
            scale=self.scale.value() or None,
            lift=self.lift.value(),
            turn=self.turn.value(),
        )
        chosen = self.model.currentData()
        kept = self._settings.model is None and chosen == self._used
        settings = self._settings.model_copy(
            update={
                "frame": frame,
                "model": None if kept else chosen,
                "region": self._box(),
                "longest_side": self.longest_side.value(),
                "shape": self.shape.currentData(),
            }
        )
        if settings != self._settings:
            self._settings = settings
            self.changed.emit()

    def _box(self) -> tuple[Vector, Vector] | None:
        if not self.boxed.isChecked():
            return None
        pairs = [sorted((low.value(), high.value())) for low, high in zip(self.low, self.high, strict=True)]
        (x0, x1), (y0, y1), (z0, z1) = [(low, max(high, low + 0.01)) for low, high in pairs]
        return (x0, y0, z0), (x1, y1, z1)


def _combo(name: str, entries: tuple[tuple[str, object], ...]) -> QComboBox:
    combo = QComboBox()
    combo.setObjectName(name)
    for text, value in entries:
        combo.addItem(text, value)
    return combo


def _number(name: str, low: float, high: float, decimals: int, suffix: str = "", special: str = "") -> QDoubleSpinBox:
    field = QDoubleSpinBox()
    field.setObjectName(name)
    field.setRange(low, high)
    field.setDecimals(decimals)
    field.setSuffix(suffix)
    field.setSpecialValueText(special)
    field.setKeyboardTracking(False)
    return field


def _side_by_side(fields: tuple[QDoubleSpinBox, ...]) -> QWidget:
    holder = QWidget()
    row = QHBoxLayout(holder)
    row.setContentsMargins(0, 0, 0, 0)
    for field in fields:
        row.addWidget(field)
    return holder
