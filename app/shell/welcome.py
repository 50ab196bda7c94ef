from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QImageReader, QPainter, QPainterPath, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import (
    QAbstractButton,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.shell.icons import pixmap, set_icon
from app.shell.themes import themes
from qnerf_core import assets

_CARD = QSize(176, 232)
_PICTURE = 176
_ROW = QSize(330, 56)
_COLUMNS = 3
_MOST_RECENT = 7


@dataclass(frozen=True)
class CaptureEntry:
    """What a card says, read without loading the capture."""

    name: str
    title: str
    line: str
    picture: Path | None


def builtin_captures() -> list[CaptureEntry]:
    found = []
    for name in assets.builtin_scenes():
        folder = assets.scene_folder(name)
        try:
            content = json.loads((folder / "capture.json").read_text(encoding="utf-8"))
            frames = json.loads((folder / "transforms.json").read_text(encoding="utf-8"))["frames"]
            views = len(frames) - len(content.get("heldout", ()))
            edits = len(content.get("edits", {}))
            picture = folder / frames[0]["file_path"]
        except (OSError, ValueError, KeyError, IndexError, TypeError):
            continue
        line = f"{views} views, {edits} {'edit' if edits == 1 else 'edits'}"
        if content.get("control") == "depth":
            line += " by proxy"
        found.append(CaptureEntry(name, name.replace("-", " ").replace("_", " ").capitalize(), line, picture))
    return found


def thumbnail(file: Path | None, size: QSize) -> QPixmap:
    """The middle of a picture, decoded at about the size it is shown."""
    if file is None:
        return QPixmap()
    reader = QImageReader(str(file))
    full = reader.size()
    if full.isValid():
        reader.setScaledSize(full.scaled(size, Qt.AspectRatioMode.KeepAspectRatioByExpanding))
    shown = QPixmap.fromImage(reader.read())
    corner = QPoint((shown.width() - size.width()) // 2, (shown.height() - size.height()) // 2)
    return shown.copy(QRect(corner, size))


class _Tile(QAbstractButton):
    """A picture with texts, drawn in the theme's colours; a click or Enter chooses it."""

    def __init__(self, size: QSize, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(size.height())
        self.setMinimumWidth(size.width())
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    def _frame(self, painter: QPainter, radius: float) -> QPainterPath:
        theme = themes().theme
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        path = QPainterPath()
        path.addRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)
        lit = self.underMouse() or self.hasFocus()
        painter.fillPath(path, QColor(theme.hover if self.underMouse() else theme.panel))
        painter.setPen(QPen(QColor(theme.accent if lit else theme.border), 1))
        painter.drawPath(path)
        return path


class CaptureCard(_Tile):
    def __init__(self, entry: CaptureEntry, parent: QWidget | None = None) -> None:
        super().__init__(_CARD, parent)
        self.setFixedWidth(_CARD.width())
        self.setObjectName(f"capture {entry.name}")
        self.setToolTip(f"Begin a project with the capture \u201c{entry.name}\u201d")
        self.setAccessibleName(entry.title)
        self.entry = entry
        self._picture = thumbnail(entry.picture, QSize(_PICTURE, _PICTURE))

    def paintEvent(self, _event: QPaintEvent) -> None:
        theme = themes().theme
        painter = QPainter(self)
        path = self._frame(painter, 8)
        painter.setClipPath(path)
        painter.drawPixmap(0, 0, self._picture)
        painter.setClipping(False)
        self._frame_again(painter, path)
        font = QFont(self.font())
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(QColor(theme.text))
        painter.drawText(
            QRect(10, _PICTURE + 8, self.width() - 20, 20), Qt.AlignmentFlag.AlignVCenter, self.entry.title
        )
        painter.setFont(self.font())
        painter.setPen(QColor(theme.dim))
        painter.drawText(
            QRect(10, _PICTURE + 28, self.width() - 20, 20), Qt.AlignmentFlag.AlignVCenter, self.entry.line
        )

    def _frame_again(self, painter: QPainter, path: QPainterPath) -> None:
        theme = themes().theme
        lit = self.underMouse() or self.hasFocus()
        painter.setPen(QPen(QColor(theme.accent if lit else theme.border), 2 if lit else 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(path)


@dataclass(frozen=True)
class RecentEntry:
    folder: Path
    name: str
    picture: Path | None
    opened: float


class RecentRow(_Tile):
    def __init__(self, entry: RecentEntry, parent: QWidget | None = None) -> None:
        super().__init__(_ROW, parent)
        self.setObjectName(f"recent {entry.name}")
        self.setToolTip(str(entry.folder))
        self.setAccessibleName(entry.name)
        self.entry = entry
        self._picture = thumbnail(entry.picture, QSize(54, 54))

    def paintEvent(self, _event: QPaintEvent) -> None:
        theme = themes().theme
        painter = QPainter(self)
        path = self._frame(painter, 7)
        painter.setClipPath(path)
        painter.drawPixmap(1, 1, self._picture)
        painter.setClipping(False)
        left, width = 66, self.width() - 76
        font = QFont(self.font())
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(QColor(theme.text))
        painter.drawText(QRect(left, 9, width, 18), Qt.AlignmentFlag.AlignVCenter, self.entry.name)
        painter.setFont(self.font())
        painter.setPen(QColor(theme.dim))
        when = ago(time.time() - self.entry.opened)
        line = f"{when}  \u00b7  {self.entry.folder}"
        line = painter.fontMetrics().elidedText(line, Qt.TextElideMode.ElideMiddle, width)
        painter.drawText(QRect(left, 29, width, 18), Qt.AlignmentFlag.AlignVCenter, line)


def ago(seconds: float) -> str:
    for size, name in ((86400 * 7, "week"), (86400, "day"), (3600, "hour"), (60, "minute")):
        count = int(seconds // size)
        if count:
            return f"{count} {name}{'' if count == 1 else 's'} ago"
    return "just now"


class WelcomePage(QScrollArea):
    captureChosen = Signal(str)
    projectChosen = Signal(object)
    projectForgotten = Signal(object)
    openFolderRequested = Signal()
    tourRequested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("welcome")
        self.setProperty("helpPage", "start")
        self.setWidgetResizable(True)
        page = QWidget()
        page.setObjectName("welcomePage")
        self.setWidget(page)
        outer = QHBoxLayout(page)
        outer.addStretch(1)
        column = QVBoxLayout()
        column.setSpacing(0)
        outer.addLayout(column, 0)
        outer.addStretch(1)
        column.addSpacing(34)
        column.addLayout(self._heading())
        column.addSpacing(28)
        body = QHBoxLayout()
        body.setSpacing(44)
        body.addLayout(self._captures(), 0)
        body.addLayout(self._projects(), 0)
        column.addLayout(body)
        column.addStretch(1)

    def _heading(self) -> QHBoxLayout:
        self._sign = QLabel()
        title = QLabel("QNeRF Studio")
        title.setProperty("role", "title")
        line = QLabel("Shape a subject in 3D, and all its pictures change consistently.")
        line.setProperty("role", "dim")
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(title)
        words.addWidget(line)
        row = QHBoxLayout()
        row.setSpacing(14)
        row.addWidget(self._sign)
        row.addLayout(words)
        row.addStretch(1)
        themes().changed.connect(self._draw_sign)
        self._draw_sign()
        return row

    def _draw_sign(self) -> None:
        self._sign.setPixmap(pixmap("studio", 52, "accent"))

    def _captures(self) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(10)
        column.addWidget(_section("Begin with a built-in capture"))
        grid = QGridLayout()
        grid.setSpacing(12)
        entries = builtin_captures()
        for number, entry in enumerate(entries):
            card = CaptureCard(entry)
            card.clicked.connect(lambda _checked=False, name=entry.name: self.captureChosen.emit(name))
            grid.addWidget(card, number // _COLUMNS, number % _COLUMNS)
        for empty in range(len(entries), _COLUMNS):
            grid.setColumnMinimumWidth(empty, _CARD.width())
        column.addLayout(grid)
        if not entries:
            missing = QLabel("The built-in captures are missing. Get the complete project, or open your own capture.")
            missing.setProperty("role", "warning")
            missing.setWordWrap(True)
            column.addWidget(missing)
        column.addStretch(1)
        return column

    def _projects(self) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(10)
        column.addWidget(_section("Or with your own"))
        button = QPushButton("Open a folder ...")
        button.setObjectName("welcomeOpen")
        button.setToolTip("A project, a capture (transforms.json) or an exported set")
        set_icon(button, "folder-open")
        button.clicked.connect(self.openFolderRequested)
        tour = QPushButton("Take the tour")
        tour.setObjectName("welcomeTour")
        set_icon(tour, "play")
        tour.clicked.connect(self.tourRequested)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(button, 1)
        row.addWidget(tour, 1)
        column.addLayout(row)
        hint = QLabel("You can also drop a folder, a project or a picture of a run on the window.")
        hint.setProperty("role", "hint")
        hint.setWordWrap(True)
        hint.setFixedWidth(_ROW.width())
        column.addWidget(hint)
        column.addSpacing(14)
        self._recent_title = _section("Recent projects")
        column.addWidget(self._recent_title)
        self._recent = QVBoxLayout()
        self._recent.setSpacing(6)
        column.addLayout(self._recent)
        column.addStretch(1)
        return column

    def set_recent(self, entries: list[RecentEntry]) -> None:
        while (item := self._recent.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()
        for entry in entries[:_MOST_RECENT]:
            row = RecentRow(entry)
            row.clicked.connect(lambda _checked=False, folder=entry.folder: self.projectChosen.emit(folder))
            row.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
            row.customContextMenuRequested.connect(lambda place, row=row: self._offer_to_forget(row, place))
            self._recent.addWidget(row)
        self._recent_title.setVisible(bool(entries))

    def _offer_to_forget(self, row: RecentRow, place: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Remove from this list", lambda: self.projectForgotten.emit(row.entry.folder))
        menu.popup(row.mapToGlobal(place))


def _section(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "section")
    return label
