from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.shell.themes import themes

_BUBBLE_WIDTH = 330
_MARGIN = 14


@dataclass(frozen=True)
class Step:
    title: str
    text: str
    widget: Callable[[], QWidget | None]


class Tour(QWidget):
    """Darkens the window but for the widget it speaks of; can be left at any step."""

    finished = Signal()

    def __init__(self, window: QWidget, steps: Sequence[Step]) -> None:
        super().__init__(window)
        self._window = window
        self.setObjectName("tour")
        self._steps = steps
        self._at = 0
        self._bubble = QFrame(self)
        self._bubble.setProperty("role", "bubble")
        self._bubble.setFixedWidth(_BUBBLE_WIDTH)
        self._title = QLabel()
        self._title.setObjectName("tourTitle")
        self._title.setProperty("role", "heading")
        self._text = QLabel()
        self._text.setObjectName("tourText")
        self._text.setWordWrap(True)
        self._count = QLabel()
        self._count.setProperty("role", "dim")
        self._skip = QPushButton("Skip")
        self._skip.setObjectName("tourSkip")
        self._skip.setProperty("flat", True)
        self._skip.clicked.connect(self.end)
        self._back = QPushButton("Back")
        self._back.setObjectName("tourBack")
        self._back.clicked.connect(lambda: self._go(self._at - 1))
        self._next = QPushButton("Next")
        self._next.setObjectName("tourNext")
        self._next.setProperty("primary", True)
        self._next.clicked.connect(lambda: self._go(self._at + 1))
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(self._count)
        row.addStretch(1)
        for button in (self._skip, self._back, self._next):
            row.addWidget(button)
        layout = QVBoxLayout(self._bubble)
        layout.setContentsMargins(16, 14, 16, 12)
        layout.setSpacing(8)
        layout.addWidget(self._title)
        layout.addWidget(self._text)
        layout.addSpacing(4)
        layout.addLayout(row)
        window.installEventFilter(self)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.resize(window.size())
        self._go(0)
        self.show()
        self.raise_()
        self._next.setFocus()

    @property
    def step(self) -> int:
        return self._at

    def end(self) -> None:
        self._window.removeEventFilter(self)
        self.hide()
        self.finished.emit()
        self.deleteLater()

    def _go(self, at: int) -> None:
        if at >= len(self._steps):
            self.end()
            return
        self._at = max(0, at)
        step = self._steps[self._at]
        self._title.setText(step.title)
        self._text.setText(step.text)
        self._count.setText(f"{self._at + 1} of {len(self._steps)}")
        self._back.setVisible(self._at > 0)
        last = self._at == len(self._steps) - 1
        self._next.setText("Done" if last else "Next")
        self._skip.setVisible(not last)
        self._place()

    def target(self) -> QRect | None:
        """Where the widget of this step is, in the window."""
        widget = self._steps[self._at].widget()
        if widget is None or not widget.isVisible():
            return None
        return QRect(widget.mapTo(self._window, QPoint(0, 0)), widget.size())

    def _place(self) -> None:
        self._bubble.adjustSize()
        size, area, target = self._bubble.size(), self.rect(), self.target()
        if target is None:
            place = area.center() - QPoint(size.width() // 2, size.height() // 2)
        else:
            place = _beside(target, size, area)
        self._bubble.move(place)
        self.update()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._window and event.type() == QEvent.Type.Resize:
            self.resize(self._window.size())
            self._place()
        return super().eventFilter(watched, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.end()
        elif event.key() in (Qt.Key.Key_Right, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._go(self._at + 1)
        elif event.key() == Qt.Key.Key_Left:
            self._go(self._at - 1)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        dark = QPainterPath()
        dark.addRect(QRectF(self.rect()))
        target = self.target()
        if target is not None:
            hole = QPainterPath()
            hole.addRoundedRect(QRectF(target.adjusted(2, 2, -2, -2)), 6, 6)
            dark = dark.subtracted(hole)
            painter.fillPath(dark, QColor(0, 0, 0, 150))
            painter.setPen(QPen(QColor(themes().theme.accent), 2))
            painter.drawPath(hole)
        else:
            painter.fillPath(dark, QColor(0, 0, 0, 150))


def _beside(target: QRect, size: QSize, area: QRect) -> QPoint:
    """The corner of a bubble beside the target, where there is room; inside it if there is none."""
    middle_x = target.center().x() - size.width() // 2
    middle_y = target.center().y() - size.height() // 2
    places = (
        QPoint(target.right() + _MARGIN, middle_y),
        QPoint(target.left() - size.width() - _MARGIN, middle_y),
        QPoint(middle_x, target.top() - size.height() - _MARGIN),
        QPoint(middle_x, target.bottom() + _MARGIN),
    )
    for place in places:
        inside = QRect(place, size)
        inside.moveTop(max(_MARGIN, min(inside.top(), area.bottom() - size.height() - _MARGIN)))
        inside.moveLeft(max(_MARGIN, min(inside.left(), area.right() - size.width() - _MARGIN)))
        if not inside.intersects(target) and area.contains(inside):
            return inside.topLeft()
    return QPoint(middle_x, middle_y)
