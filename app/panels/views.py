from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QSize, Qt, QTimer
from PySide6.QtGui import QImage, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from app.document.document import Document
from app.document.origin import origin_in_words
from app.gallery.pictures import Key, PictureStore
from app.gallery.run_state import Picture
from app.panels.views_list import CELL_MARGIN, CELL_TEXT, ViewDelegate, ViewList, ViewsModel
from app.shell.icons import set_icon

_MEMORY = 48_000_000
_WIDEST_CELL = 132
_NARROWEST_CELL = 76


class ViewsPanel(QWidget):
    """The capture's views: a click or an arrow key looks through one, space goes back to the free view."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("viewsPanel")
        self._document = document
        self._store = PictureStore(_MEMORY, self)
        self._want_timer = QTimer(self)
        self._want_timer.setSingleShot(True)
        self._want_timer.timeout.connect(self._want)
        self.model = ViewsModel(self)
        self.list = ViewList(self)
        self.list.setModel(self.model)
        self.delegate = ViewDelegate(self._thumbnail, self._is_through, self.list)
        self.list.setItemDelegate(self.delegate)
        self.summary = QLabel()
        self.summary.setObjectName("viewsSummary")
        self.summary.setProperty("role", "dim")
        self.origin = QLabel()
        self.origin.setObjectName("viewsOrigin")
        self.origin.setProperty("role", "hint")
        self.origin.setWordWrap(True)
        self.origin.setContentsMargins(10, 0, 6, 4)
        self.through = QToolButton()
        self.through.setObjectName("viewsThrough")
        self.through.setCheckable(True)
        self.through.setToolTip("Look through the photo, or from the free camera (space)")
        self.through.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        set_icon(self.through, "camera")
        self._lay_out()
        self.through.clicked.connect(self.toggle_photo)
        self.list.clicked.connect(self._look)
        self.list.stepped.connect(self._look)
        self.list.toggled.connect(self.toggle_photo)
        self.list.verticalScrollBar().valueChanged.connect(self._want_soon)
        self._store.arrived.connect(self.list.viewport().update)
        document.sceneChanged.connect(self._show_scene)
        document.currentViewChanged.connect(self._show_current)
        self._show_scene()

    def shutdown(self) -> None:
        self._want_timer.stop()
        self._store.close()

    def toggle_photo(self) -> None:
        document = self._document
        name = document.current_view or next((view.name for view in self.model.views), None)
        document.set_current_view(name, not document.looking_through)
        self._show_current()

    # ---- what is shown

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setContentsMargins(10, 4, 6, 4)
        row.addWidget(self.summary, 1)
        row.addWidget(self.through)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(row)
        column.addWidget(self.origin)
        column.addWidget(self.list, 1)

    def _show_scene(self) -> None:
        scene = self._document.scene
        views = scene.views if scene is not None else ()
        self._store.clear()
        self.model.set_views(views)
        heldout = sum(view.heldout for view in views)
        self.summary.setText(f"{len(views)} views" + (f", {heldout} kept out" if heldout else ""))
        origin = self._document.provenance
        self.origin.setVisible(origin is not None)
        self.origin.setText("" if origin is None else f"Made from {origin_in_words(origin)}")
        self.through.setEnabled(bool(views))
        self._arrange()
        self._show_current()

    def _show_current(self) -> None:
        row = self.model.row_of(self._document.current_view)
        selection = self.list.selectionModel()
        if row is None:
            selection.clear()
        else:
            index = self.model.index(row)
            selection.setCurrentIndex(index, selection.SelectionFlag.ClearAndSelect)
            self.list.scrollTo(index)
        self.through.setChecked(self._document.looking_through)
        self.list.viewport().update()

    def _look(self, index: QModelIndex) -> None:
        if index.isValid():
            self._document.set_current_view(self.model.views[index.row()].name, True)

    def _is_through(self, row: int) -> bool:
        return self._document.looking_through and self.model.views[row].name == self._document.current_view

    # ---- thumbnails

    def _arrange(self) -> None:
        """As many columns as fit, of equal width."""
        room = self.list.viewport().width() - 2
        columns = max(1, min(room // _NARROWEST_CELL, -(-room // _WIDEST_CELL)))
        width = max(40, room // columns)
        self.delegate.set_cell(QSize(width, round((width - 2 * CELL_MARGIN) / self.model.shape) + CELL_TEXT))
        self.list.setGridSize(self.delegate.cell)
        self._want_soon()

    def _key(self, row: int) -> Key:
        area = self.delegate.picture_size * self.devicePixelRatioF()
        camera = self.model.views[row].camera
        size = QSize(camera.width, camera.height).scaled(area, Qt.AspectRatioMode.KeepAspectRatio)
        return Key.of(Picture(self.model.views[row].image_path, 0), size)

    def _thumbnail(self, row: int) -> QImage | None:
        return self._store.get(self._key(row))

    def _want_soon(self) -> None:
        self._want_timer.start(0)

    def _want(self) -> None:
        """What is seen first, then what the next turn of the wheel brings."""
        if not self.isVisible():
            return
        height = self.list.viewport().height()
        rows = [row for row in range(len(self.model.views)) if self._distance(row, height) < height]
        self._store.want([self._key(row) for row in sorted(rows, key=lambda row: self._distance(row, height))])

    def _distance(self, row: int, height: int) -> int:
        area = self.list.visualRect(self.model.index(row))
        return max(0, -area.bottom(), area.top() - height)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.list.viewport().update()
