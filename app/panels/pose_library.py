from __future__ import annotations

from functools import partial

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QRect, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import (
    QColor,
    QGuiApplication,
    QHideEvent,
    QKeySequence,
    QPainter,
    QPalette,
    QPen,
    QShortcut,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QMenu,
    QPushButton,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.document import posing
from app.document.document import Document
from app.panels.pose_thumbnails import HEIGHT, WIDTH, shade_of, tinted
from app.shell.icons import set_icon
from qnerf_core.body.library import PARTS
from qnerf_core.errors import StudioError

_NAME, _OF_CAPTURE = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1
_SHADE = Qt.ItemDataRole.UserRole + 2
_Index = QModelIndex | QPersistentModelIndex
_CARD = QSize(WIDTH + 6, HEIGHT + 22)


class _Cards(QStyledItemDelegate):
    """A pose as a card with its name; the capture's own have a mark."""

    def sizeHint(self, _option: QStyleOptionViewItem, _index: _Index) -> QSize:
        return _CARD + QSize(4, 4)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        # Not the option's: a style sheet puts its own colours there.
        palette = QGuiApplication.palette()
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
        card = QRectF(option.rect).adjusted(2.0, 2.0, -2.0, -2.0)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        accent = palette.color(QPalette.ColorRole.Accent)
        text = palette.color(QPalette.ColorRole.Text)
        fill, edge = QColor(text), QColor(text)
        fill.setAlphaF(0.10 if hovered else 0.045)
        edge.setAlphaF(0.10)
        if selected:
            fill = QColor(accent)
            fill.setAlphaF(0.16)
        painter.setBrush(fill)
        painter.setPen(QPen(accent if selected else edge, 1.5 if selected else 1.0))
        painter.drawRoundedRect(card, 6, 6)
        shade = index.data(_SHADE)
        if shade is not None:
            image = tinted(shade, _figure_colour(palette), painter.device().devicePixelRatioF())
            painter.drawImage(QPoint(round(card.center().x() - WIDTH / 2), round(card.top()) + 2), image)
        words = QRect(round(card.left()) + 3, round(card.bottom()) - 19, round(card.width()) - 6, 17)
        font = option.font
        font.setPixelSize(10)
        painter.setFont(font)
        painter.setPen(text)
        name = painter.fontMetrics().elidedText(str(index.data(_NAME)), Qt.TextElideMode.ElideRight, words.width())
        painter.drawText(words, Qt.AlignmentFlag.AlignCenter, name)
        if index.data(_OF_CAPTURE):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(accent)
            painter.drawEllipse(QRectF(card.right() - 11, card.top() + 5, 6, 6))
        painter.restore()


def _figure_colour(palette: QPalette) -> QColor:
    dark = palette.color(QPalette.ColorRole.Base).lightness() < 128
    return QColor("#ccd5e2") if dark else QColor("#8d9cb3")


class LibrarySection(QWidget):
    """Poses to take over, whole or in part: those of the capture first, then the program's and the user's own."""

    def __init__(self, document: Document) -> None:
        super().__init__()
        self._document = document
        self.grid = QListWidget()
        self.grid.setObjectName("poseGrid")
        self.grid.setToolTip("Poses to take over")
        self.grid.setViewMode(QListWidget.ViewMode.IconMode)
        self.grid.setResizeMode(QListWidget.ResizeMode.Adjust)
        self.grid.setMovement(QListWidget.Movement.Static)
        self.grid.setUniformItemSizes(True)
        self.grid.setMouseTracking(True)
        self.grid.setItemDelegate(_Cards(self.grid))
        self.grid.setMinimumHeight(2 * _CARD.height() + 24)
        self.grid.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.apply = QToolButton()
        self.apply.setObjectName("applyPose")
        self.apply.setText("Apply")
        self.apply.setToolTip("Take the chosen pose; the arrow takes it for one part of the body only")
        self.apply.setProperty("raised", True)
        self.apply.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        self.apply.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        set_icon(self.apply, "check")
        menu = QMenu(self.apply)
        for part in PARTS:
            menu.addAction(f"Apply to {part}", partial(self.apply_chosen, part))
        self.apply.setMenu(menu)
        self.keep = _tool("savePose", "plus", "Save the pose shown under a name of your own")
        self.delete = _tool("deletePose", "trash", "Delete the chosen pose; only your own can be deleted")
        self.name = QLineEdit()
        self.name.setObjectName("poseName")
        self.name.setPlaceholderText("Name of the pose")
        self.name.setToolTip("Letters, digits, spaces, - and _; a pose of the same name is replaced")
        self.save = QPushButton("Save")
        self.save.setObjectName("poseNameSave")
        self.save.setToolTip("Keep the pose for all projects")
        self.naming = QWidget()
        self._shades = QTimer(self)
        self._shades.setInterval(0)
        self._lay_out()
        self._connect()
        self.fill()

    def _lay_out(self) -> None:
        naming = QHBoxLayout(self.naming)
        naming.setContentsMargins(0, 0, 0, 0)
        naming.setSpacing(4)
        naming.addWidget(self.name, 1)
        naming.addWidget(self.save)
        self.naming.hide()
        buttons = QHBoxLayout()
        buttons.setSpacing(4)
        buttons.addWidget(self.apply)
        buttons.addStretch(1)
        buttons.addWidget(self.keep)
        buttons.addWidget(self.delete)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.grid, 1)
        column.addWidget(self.naming)
        column.addLayout(buttons)

    def _connect(self) -> None:
        self.grid.itemDoubleClicked.connect(lambda _item: self.apply_chosen())
        self.grid.currentItemChanged.connect(self._show_buttons)
        self.grid.customContextMenuRequested.connect(self._ask)
        self.apply.clicked.connect(lambda: self.apply_chosen())
        self.keep.clicked.connect(self._ask_name)
        self.save.clicked.connect(self._save)
        self.name.returnPressed.connect(self._save)
        self.delete.clicked.connect(self._delete)
        self._shades.timeout.connect(self._draw_one)
        self._document.libraryChanged.connect(self.fill)
        self._document.sceneChanged.connect(self.fill)
        escape = QShortcut(QKeySequence(Qt.Key.Key_Escape), self.name, self.naming.hide)
        escape.setContext(Qt.ShortcutContext.WidgetShortcut)

    def fill(self) -> None:
        item = self._chosen()
        chosen = item.data(_NAME) if item is not None else None
        self.grid.clear()
        edits = list(self._document.edit_names) if self._document.control == "skeleton" else []
        for name in edits + [name for name in self._document.library.names() if name not in edits]:
            item = QListWidgetItem()
            item.setData(_NAME, name)
            item.setData(_OF_CAPTURE, name in edits)
            of = "of this capture; its result can be compared with the truth" if name in edits else "of the library"
            item.setToolTip(f"<p><b>{name}</b>, {of}. Double-click to apply, right-click for parts of it.</p>")
            self.grid.addItem(item)
            if name == chosen:
                self.grid.setCurrentItem(item)
        self._show_buttons()
        self._shades.start()

    def hideEvent(self, _event: QHideEvent) -> None:
        self._shades.stop()

    def showEvent(self, _event: QShowEvent) -> None:
        self._shades.start()

    def _draw_one(self) -> None:
        """One picture at a time, so that nobody waits."""
        for row in range(self.grid.count()):
            item = self.grid.item(row)
            if item.data(_SHADE) is None:
                item.setData(_SHADE, shade_of(self._document.body, self._document.named_pose(item.data(_NAME))))
                return
        self._shades.stop()

    def _chosen(self) -> QListWidgetItem | None:
        return self.grid.currentItem()

    def _show_buttons(self) -> None:
        item = self._chosen()
        self.apply.setEnabled(item is not None)
        library = self._document.library
        own = item is not None and not item.data(_OF_CAPTURE) and not library.is_builtin(item.data(_NAME))
        self.delete.setEnabled(own)

    def apply_chosen(self, part: str = posing.WHOLE_BODY) -> None:
        item = self._chosen()
        if item is None:
            return
        with _told(self._document):
            apply = self._document.apply_edit if item.data(_OF_CAPTURE) else self._document.apply_library_pose
            apply(item.data(_NAME), part)

    def _ask(self, position: QPoint) -> None:
        item = self.grid.itemAt(position)
        if item is None:
            return
        self.grid.setCurrentItem(item)
        menu = QMenu(self.grid)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for part in PARTS:
            menu.addAction(f"Apply to {part}", partial(self.apply_chosen, part))
        menu.addSeparator()
        menu.addAction("Delete", self._delete).setEnabled(self.delete.isEnabled())
        menu.popup(self.grid.viewport().mapToGlobal(position))

    def _ask_name(self) -> None:
        self.naming.setVisible(not self.naming.isVisible())
        if self.naming.isVisible():
            self.name.setFocus()
            self.name.selectAll()

    def _save(self) -> None:
        with _told(self._document):
            self._document.save_library_pose(self.name.text().strip())
            self.naming.hide()

    def _delete(self) -> None:
        item = self._chosen()
        if item is not None:
            with _told(self._document):
                self._document.delete_library_pose(item.data(_NAME))


class _told:
    """Errors of a user's doing become a notice."""

    def __init__(self, document: Document) -> None:
        self._document = document

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, StudioError):
            self._document.noticePosted.emit(error.title, ". ".join(filter(None, (error.cause, error.next_step))))
            return True
        return False


def _tool(name: str, icon: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setObjectName(name)
    button.setToolTip(tip)
    set_icon(button, icon)
    return button
