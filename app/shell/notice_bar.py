from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtGui import QColor, QEnterEvent, QGuiApplication, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.shell.icons import pixmap, set_icon
from app.shell.notices import Notice, Notices
from app.shell.themes import themes

_QUIET_AFTER = 9000
_MOST_WAITING = 20
_COLOURS = {"info": "accent", "success": "success", "warning": "warning", "error": "danger"}
_BACKGROUNDS = {
    "info": "notice_info",
    "success": "notice_info",
    "warning": "notice_warning",
    "error": "notice_error",
}


class NoticeBar(QFrame):
    """One notice at a time above the viewport; the next comes when this one is closed. Never takes the focus."""

    def __init__(self, notices: Notices, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("noticeBar")
        self._waiting: list[Notice] = []
        self._notice: Notice | None = None
        self._times = 1
        self._quiet = QTimer(self)
        self._quiet.setSingleShot(True)
        self._quiet.setInterval(_QUIET_AFTER)
        self._quiet.timeout.connect(self.dismiss)
        self._build()
        self.hide()
        notices.posted.connect(self.show_notice)
        themes().changed.connect(self._colour)

    def _build(self) -> None:
        self._sign = QLabel()
        self._title = QLabel()
        self._title.setObjectName("noticeTitle")
        self._title.setProperty("role", "value")
        self._text = QLabel()
        self._text.setObjectName("noticeText")
        for label in (self._title, self._text):
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._actions = QHBoxLayout()
        self._actions.setSpacing(6)
        self._details_button = QPushButton("Details")
        self._details_button.setObjectName("noticeDetails")
        self._details_button.setCheckable(True)
        self._details_button.toggled.connect(self._show_details)
        self._copy = QPushButton("Copy")
        self._copy.setObjectName("noticeCopy")
        self._copy.clicked.connect(self._copy_text)
        self._close = QToolButton()
        self._close.setObjectName("noticeClose")
        self._close.setToolTip("Close this notice")
        set_icon(self._close, "close")
        self._close.clicked.connect(self.dismiss)
        self._details = QPlainTextEdit()
        self._details.setObjectName("noticeDetailsText")
        self._details.setReadOnly(True)
        self._details.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self._details.setMaximumHeight(170)
        self._details.hide()
        texts = QVBoxLayout()
        texts.setSpacing(1)
        texts.addWidget(self._title)
        texts.addWidget(self._text)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._sign, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(texts, 1)
        row.addLayout(self._actions)
        for button in (self._details_button, self._copy, self._close):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            row.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 8, 8)
        layout.addLayout(row)
        layout.addWidget(self._details)

    @property
    def notice(self) -> Notice | None:
        return self._notice

    def show_notice(self, notice: Notice) -> None:
        if notice == self._notice:
            self._times += 1
            self._write()
        elif self._notice is not None and self._notice.severity in ("warning", "error"):
            if notice not in self._waiting and len(self._waiting) < _MOST_WAITING:
                self._waiting.append(notice)
                self._write()
        else:
            self._display(notice)

    def dismiss(self) -> None:
        self._notice = None
        if self._waiting:
            self._display(self._waiting.pop(0))
        else:
            self._quiet.stop()
            self.hide()

    def _display(self, notice: Notice) -> None:
        self._notice, self._times = notice, 1
        self._details_button.setChecked(False)
        self._details_button.setVisible(bool(notice.details))
        self._details.setPlainText(notice.details)
        self._copy.setVisible(notice.severity in ("warning", "error"))
        self._copy.setText("Copy")
        while (item := self._actions.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()
        for text, act in notice.actions:
            button = QPushButton(text)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(act)
            button.clicked.connect(self.dismiss)
            self._actions.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        self._write()
        self._colour()
        self.show()
        if notice.severity in ("info", "success") and not notice.actions:
            self._quiet.start()
        else:
            self._quiet.stop()

    def _write(self) -> None:
        notice = self._notice
        if notice is None:
            return
        title = notice.title if self._times == 1 else f"{notice.title} ({self._times} times)"
        if self._waiting:
            title += f"   +{len(self._waiting)} more"
        self._title.setText(title)
        parts = [part.rstrip(".") + "." for part in (notice.cause, notice.next_step) if part]
        self._text.setText(" ".join(part[:1].upper() + part[1:] for part in parts))
        self._text.setVisible(bool(parts))

    def _colour(self) -> None:
        if self._notice is not None:
            self._sign.setPixmap(pixmap(self._notice.severity, 18, _COLOURS[self._notice.severity]))
        self.update()

    def _show_details(self, shown: bool) -> None:
        self._details.setVisible(shown)
        if shown:
            self._quiet.stop()

    def _copy_text(self) -> None:
        if self._notice is not None:
            QGuiApplication.clipboard().setText(self._notice.text)
            self._copy.setText("Copied")

    def enterEvent(self, event: QEnterEvent) -> None:
        self._quiet.stop()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        if self._notice is not None and self._notice.severity in ("info", "success") and not self._notice.actions:
            self._quiet.start()
        super().leaveEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        if self._notice is None:
            return
        theme = themes().theme
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(getattr(theme, _BACKGROUNDS[self._notice.severity])))
        painter.fillRect(0, 0, 3, self.height(), QColor(getattr(theme, _COLOURS[self._notice.severity])))
        painter.fillRect(0, self.height() - 1, self.width(), 1, QColor(theme.border))
