"""What lies over the window for a moment: where to drop, and that something is being opened."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QWidget

from app.background import Background
from app.shell.themes import themes
from app.shell.work_row import WorkRow

_ROW_WIDTH, _ROW_BELOW = 420, 40


class Overlay(QWidget):
    """A veil with words."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._window = parent
        self.setObjectName("overlay")
        self._text = ""
        self.dashed = False
        self.hide()

    def show_over(self, text: str, dashed: bool = False) -> None:
        self._text, self.dashed = text, dashed
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents, dashed)
        self.resize(self._window.size())
        self.raise_()
        self.show()
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        theme = themes().theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        shade = QColor(theme.window)
        shade.setAlphaF(0.75)
        painter.fillRect(self.rect(), shade)
        if self.dashed:
            painter.setPen(QPen(QColor(theme.accent), 2, Qt.PenStyle.DashLine))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(16, 16, -16, -16), 12, 12)
        font = QFont(self.font())
        font.setPixelSize(18)
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(QColor(theme.text))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self._text)


class WorkOverlay(Overlay):
    """There while something is worked on that the window waits for: how far it is, how long it takes, and Cancel."""

    def __init__(self, parent: QWidget, work: Background, name: str, tip: str) -> None:
        super().__init__(parent)
        self._work = work
        self.row = WorkRow(work, name, tip)
        self.row.setParent(self)
        work.changed.connect(self._show_work)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        width = min(_ROW_WIDTH, self.width() - 2 * _ROW_BELOW)
        height = self.row.sizeHint().height()
        self.row.setGeometry((self.width() - width) // 2, self.height() // 2 + _ROW_BELOW, width, height)

    def _show_work(self) -> None:
        if not self._work.is_working:
            self.hide()
        elif self.isHidden():
            self.show_over(self._work.title)
            self.row.cancel.setFocus()
