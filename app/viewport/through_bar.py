from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSlider, QToolButton, QWidget

from app.shell.icons import set_icon

_ROOM_FOR_SLIDERS = 520


class ThroughBar(QFrame):
    """Under a looked-through photo: which it is, how strong photo and body are, the next one, the way back."""

    photoOpacityChanged = Signal(float)
    bodyOpacityChanged = Signal(float)
    stepped = Signal(int)
    left = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("throughBar")
        self.setProperty("role", "bubble")
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self.title = QLabel()
        self.title.setObjectName("throughTitle")
        self.title.setProperty("role", "value")
        self.kind = QLabel()
        self.kind.setProperty("role", "dim")
        self.photo = _slider("photoOpacity", "How strong the photo is")
        self.body = _slider("bodyOpacity", "How strong the body over the photo is")
        self.photo.valueChanged.connect(lambda value: self.photoOpacityChanged.emit(value / 100))
        self.body.valueChanged.connect(lambda value: self.bodyOpacityChanged.emit(value / 100))
        back = _button("arrow-left", "previousView", "View before (left arrow)")
        forth = _button("arrow-right", "nextView", "Next view (right arrow)")
        leave = _button("close", "leaveView", "Back to the free camera (space)")
        back.clicked.connect(lambda: self.stepped.emit(-1))
        forth.clicked.connect(lambda: self.stepped.emit(1))
        leave.clicked.connect(lambda: self.left.emit())
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 5, 6, 5)
        row.setSpacing(6)
        for widget in (back, forth, self.title, self.kind):
            row.addWidget(widget)
        row.addSpacing(10)
        self._wide: list[QWidget] = [self.kind]
        for text, slider in (("Photo", self.photo), ("Body", self.body)):
            label = QLabel(text)
            row.addWidget(label)
            row.addWidget(slider)
            row.addSpacing(4)
            self._wide += [label, slider]
        row.addWidget(leave)

    def show_view(self, name: str, heldout: bool) -> None:
        self.title.setText(name)
        self.kind.setText("kept out" if heldout else "edited")

    def set_opacities(self, photo: float, body: float) -> None:
        for slider, value in ((self.photo, photo), (self.body, body)):
            slider.blockSignals(True)
            slider.setValue(round(100 * value))
            slider.blockSignals(False)

    def settle(self, width: int, height: int) -> None:
        """Its place in the middle of the lower edge."""
        for widget in self._wide:
            widget.setVisible(width >= _ROOM_FOR_SLIDERS)
        self.adjustSize()
        self.move(max(4, (width - self.width()) // 2), height - self.height() - 10)


def _slider(name: str, tip: str) -> QSlider:
    slider = QSlider(Qt.Orientation.Horizontal)
    slider.setObjectName(name)
    slider.setRange(0, 100)
    slider.setFixedWidth(92)
    slider.setToolTip(tip)
    slider.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return slider


def _button(icon: str, name: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setObjectName(name)
    button.setAutoRaise(True)
    button.setIconSize(QSize(16, 16))
    button.setToolTip(tip)
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    set_icon(button, icon)
    return button
