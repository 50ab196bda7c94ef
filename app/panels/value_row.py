from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QLabel, QSizePolicy, QWidget

from app.panels.editors import tame

_GROOVE = 4.0
_HANDLE = 5.5
_ANY = 9999.0


class RangeBar(QWidget):
    """Where a value lies between its limits; the limits stand below its ends. It can be dragged."""

    dragged = Signal(float)
    finished = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._low, self._high, self._value, self._neutral = 0.0, 1.0, 0.0, 0.0
        self._suffix, self._decimals = "", 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.SizeHorCursor)

    def sizeHint(self) -> QSize:
        return QSize(90, 30)

    def set_range(self, low: float, high: float, neutral: float = 0.0, suffix: str = "", decimals: int = 0) -> None:
        self._low, self._high, self._suffix, self._decimals = low, high, suffix, decimals
        self._neutral = min(max(neutral, low), high)
        self.update()

    def set_value(self, value: float) -> None:
        if value != self._value:
            self._value = value
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.dragged.emit(self._at(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self.dragged.emit(self._at(event.position().x()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.finished.emit()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.dragged.emit(self._neutral)

    def _at(self, x: float) -> float:
        share = (x - _HANDLE) / max(self.width() - 2 * _HANDLE, 1.0)
        return self._low + min(max(share, 0.0), 1.0) * (self._high - self._low)

    def _x(self, value: float) -> float:
        share = (value - self._low) / max(self._high - self._low, 1e-9)
        return _HANDLE + min(max(share, 0.0), 1.0) * (self.width() - 2 * _HANDLE)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        group = QPalette.ColorGroup.Normal if self.isEnabled() else QPalette.ColorGroup.Disabled
        text = self.palette().color(group, QPalette.ColorRole.WindowText)
        groove = self.palette().color(QPalette.ColorRole.WindowText)
        groove.setAlphaF(0.22)
        middle = 10.0
        painter.setBrush(groove)
        painter.drawRoundedRect(QRectF(_HANDLE, middle - _GROOVE / 2, self.width() - 2 * _HANDLE, _GROOVE), 2, 2)
        here, neutral = self._x(self._value), self._x(self._neutral)
        if self.isEnabled():
            painter.setBrush(self.palette().color(QPalette.ColorRole.Highlight))
            painter.drawRoundedRect(
                QRectF(min(here, neutral), middle - _GROOVE / 2, abs(here - neutral), _GROOVE), 2, 2
            )
        painter.setBrush(groove)
        painter.drawRect(QRectF(neutral - 0.5, middle - 5, 1, 10))
        painter.setBrush(text)
        painter.drawEllipse(QPointF(here, middle), _HANDLE, _HANDLE)
        font = painter.font()
        font.setPixelSize(9)
        painter.setFont(font)
        text.setAlphaF(0.55)
        painter.setPen(text)
        below = QRectF(0, middle + 6, self.width(), self.height() - middle - 6)
        top = Qt.AlignmentFlag.AlignTop
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft | top, self._written(self._low))
        painter.drawText(below, Qt.AlignmentFlag.AlignRight | top, self._written(self._high))

    def _written(self, value: float) -> str:
        return f"{value:.{self._decimals}f}{self._suffix}".replace("-", "\u2212")


class ValueRow(QWidget):
    """A value with its name, its range and a field to type it into."""

    edited = Signal(float)
    finished = Signal()

    def __init__(
        self, name: str, label: str, tip: str, *, decimals: int = 1, step: float = 1.0, suffix: str = ""
    ) -> None:
        super().__init__()
        self.setObjectName(name)
        self._suffix = suffix
        self._range = (0.0, 1.0)
        self.label = QLabel(label)
        self.label.setFixedWidth(86)
        self.bar = RangeBar()
        self.bar.setObjectName(f"{name}Bar")
        self.box = QDoubleSpinBox()
        self.box.setObjectName(f"{name}Value")
        self.box.setDecimals(decimals)
        self.box.setSingleStep(step)
        self.box.setSuffix(suffix)
        self.box.setKeyboardTracking(False)
        self.box.setFixedWidth(84)
        self.box.setAlignment(Qt.AlignmentFlag.AlignRight)
        tame(self.box)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(self.label)
        row.addWidget(self.bar, 1)
        row.addWidget(self.box)
        self.set_words(label, tip)
        self.bar.dragged.connect(self.edited)
        self.bar.finished.connect(self.finished)
        # Wider than the range: what is typed beyond it becomes its end, instead of being refused key by key.
        self.box.setRange(-_ANY, _ANY)
        self.box.valueChanged.connect(self._typed)
        self.box.editingFinished.connect(self.finished)

    def set_words(self, label: str, tip: str) -> None:
        self.label.setText(label)
        self.setToolTip(f"<p>{tip}</p>")
        self.box.setAccessibleName(label)

    def set_range(self, low: float, high: float, neutral: float = 0.0, decimals: int = 0) -> None:
        self.bar.set_range(low, high, neutral, self._suffix.strip(), decimals)
        self._range = (low, high)

    def _typed(self, value: float) -> None:
        inside = min(max(value, self._range[0]), self._range[1])
        self.show_value(inside)
        self.edited.emit(inside)

    def show_value(self, value: float) -> None:
        self.bar.set_value(value)
        with QSignalBlocker(self.box):
            self.box.setValue(value)
