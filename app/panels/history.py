from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QSize, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QDragEnterEvent, QDropEvent, QHideEvent, QImage, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QListView, QMenu, QToolButton, QVBoxLayout, QWidget

from app.gallery.empty import EmptyState
from app.gallery.pictures import Key, PictureStore
from app.gallery.run_state import Picture
from app.panels.history_details import HistoryDetails
from app.panels.history_entries import RunEntry, in_bytes, scan_runs
from app.panels.history_list import HistoryDelegate, HistoryModel
from app.panels.recalling import ask_to_recall, recall_earlier
from app.shell.drops import dropped_picture
from app.shell.icons import set_icon
from app.shell.questions import ask
from app.shell.tasks import beside
from qnerf_core.runs.labels import RunLabel, write_label

if TYPE_CHECKING:
    from app.document.document import Document
    from app.jobs import JobQueue

_MEMORY = 24_000_000
_PAUSE = 300
_DELETE = "Delete"


class HistoryPanel(QWidget):
    """The runs of the project: shown again, compared, starred, noted, recalled, deleted."""

    runActivated = Signal(object)  # folder of a run to be shown
    compareRequested = Signal(object)  # folder of a run to compare the shown one with
    runDeleted = Signal(object)

    def __init__(self, document: Document, queue: JobQueue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("historyPanel")
        self.setAcceptDrops(True)
        self._document = document
        self._queue = queue
        self._store = PictureStore(_MEMORY, self)
        self._scanning = False
        self._wanted: Path | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._scan)
        self.model = HistoryModel(self)
        self._build()
        self._store.arrived.connect(self.list.viewport().update)
        document.projectChanged.connect(self._leave)
        document.runsChanged.connect(self.refresh)
        queue.jobsChanged.connect(self.refresh)
        self.refresh()

    def _build(self) -> None:
        self.search = QLineEdit()
        self.search.setObjectName("historySearch")
        self.search.setPlaceholderText("Search runs")
        self.search.setClearButtonEnabled(True)
        self.starred = QToolButton()
        self.starred.setObjectName("historyStarred")
        self.starred.setCheckable(True)
        self.starred.setToolTip("Only runs with a star")
        set_icon(self.starred, "star")
        top = QHBoxLayout()
        top.setContentsMargins(10, 8, 10, 0)
        top.addWidget(self.search, 1)
        top.addWidget(self.starred)
        self.list = QListView()
        self.list.setObjectName("historyList")
        self.list.setModel(self.model)
        self.list.setMouseTracking(True)
        self.list.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.delegate = HistoryDelegate(self._thumbnail, self)
        self.list.setItemDelegate(self.delegate)
        self.details = HistoryDetails()
        self.empty = EmptyState("history")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(top)
        layout.addWidget(self.list, 1)
        layout.addWidget(self.empty, 1)
        layout.addWidget(self.details)
        self.search.textChanged.connect(self._search)
        self.starred.toggled.connect(self._search)
        self.list.doubleClicked.connect(lambda _index: self.show_run())
        self.list.customContextMenuRequested.connect(self._open_menu)
        self.list.selectionModel().currentChanged.connect(lambda *_: self._show_details())
        self.model.modelReset.connect(self._show_details)
        self.delegate.starClicked.connect(self._toggle_star)
        self.details.labelChanged.connect(self._label)
        for signal, call in (
            (self.details.shown, self.show_run),
            (self.details.compared, self.compare_run),
            (self.details.recalled, self.recall_all),
            (self.details.recalledWithoutSeed, self.recall_all_but_seed),
            (self.details.opened, self.open_folder),
            (self.details.deleted, self.ask_to_delete),
        ):
            signal.connect(call)

    # ---- what there is

    @property
    def current(self) -> RunEntry | None:
        index = self.list.currentIndex()
        return self.model.entry(index.row()) if index.isValid() else None

    def select(self, run: Path | None) -> None:
        """Choose the run that is shown elsewhere, as soon as it is listed."""
        row = self.model.row_of(run)
        self._wanted = run if row < 0 else None
        if row >= 0:
            self.list.setCurrentIndex(self.model.index(row))

    def _leave(self) -> None:
        """The runs of one project are not shown in another, not even until that one's are found."""
        self.model.set_entries([])
        self._show_details()
        self.refresh()

    def refresh(self) -> None:
        if not self._timer.isActive():
            self._timer.start(_PAUSE)

    def _scan(self) -> None:
        project = self._document.project
        if project is None:
            return
        if not self._scanning:
            self._scanning = True
            folder = project.runs_folder
            beside(self, lambda: (folder, scan_runs(folder)), self._take)
        else:
            self._timer.start(_PAUSE)

    def _take(self, found: tuple[Path, list[RunEntry]]) -> None:
        self._scanning = False
        folder, entries = found
        project = self._document.project
        if project is None or folder != project.runs_folder:
            self.refresh()
            return
        chosen = self.current.path if self.current else None
        self.model.set_entries(entries)
        self._choose(chosen if self._wanted is None else self._wanted)
        self._want_pictures()

    def _search(self) -> None:
        chosen = self.current.path if self.current else None
        self.model.search(self.search.text(), starred=self.starred.isChecked())
        self._choose(chosen)

    def _choose(self, run: Path | None) -> None:
        self.select(run)
        if self.current is None and self.model.rowCount():
            self.list.setCurrentIndex(self.model.index(0))
        self._show_details()

    def _show_details(self) -> None:
        entry = self.current
        busy = entry is not None and self._is_busy(entry.path)
        self.details.show_entry(entry, busy=busy)
        self.details.setVisible(entry is not None)
        self.list.setVisible(self.model.rowCount() > 0)
        self.empty.setVisible(self.model.rowCount() == 0)
        if self.model.total:
            self.empty.set_text("No run matches", "Search for another word, or show runs without a star too.")
        else:
            text = "Every edit of this project is kept here. Drop a result's PNG to recall its settings."
            self.empty.set_text("No runs yet", text)

    def _is_busy(self, run: Path) -> bool:
        return any(job.folder == run and job.unfinished for job in self._queue.jobs)

    def _thumbnail(self, entry: RunEntry, size: QSize) -> QImage | None:
        key = self._key(entry, size)
        return self._store.get(key) if key else None

    def _key(self, entry: RunEntry, size: QSize) -> Key | None:
        return Key.of(Picture(entry.thumbnail, round(entry.created)), size) if entry.thumbnail else None

    def _want_pictures(self) -> None:
        size = QSize(58, 58) * self.devicePixelRatioF()
        keys = (self._key(self.model.entry(row), size) for row in range(self.model.rowCount()))
        self._store.want(key for key in keys if key)

    # ---- what can be done

    def show_run(self) -> None:
        self._with_current(lambda entry: self.runActivated.emit(entry.path))

    def compare_run(self) -> None:
        self._with_current(lambda entry: self.compareRequested.emit(entry.path))

    def recall_all(self) -> None:
        self._with_current(lambda entry: recall_earlier(self._document, entry.path))

    def recall_all_but_seed(self) -> None:
        self._with_current(lambda entry: recall_earlier(self._document, entry.path, seed=False))

    def recall_picture(self, path: Path) -> None:
        """Ask which of the settings that one of the program's pictures carries are taken over."""
        ask_to_recall(self, self._document, path)

    def open_folder(self) -> None:
        self._with_current(lambda entry: QDesktopServices.openUrl(QUrl.fromLocalFile(str(entry.path))))

    def toggle_star(self) -> None:
        self._with_current(self._toggle_star)

    def ask_to_delete(self) -> None:
        entry = self.current
        if entry is None or self._is_busy(entry.path):
            return
        text = f"Its pictures, intervals and exports are removed for good, {in_bytes(entry.size)} become free."
        buttons = [("Keep", ""), (_DELETE, "danger")]
        ask(self, f"Delete the run “{entry.title}”?", text, buttons, partial(self._delete, entry))

    def _delete(self, entry: RunEntry, answer: str) -> None:
        if answer == _DELETE and not self._is_busy(entry.path):
            self.runDeleted.emit(entry.path)
            beside(self, partial(_remove, entry.path), lambda _nothing: self._document.runsChanged.emit())

    def _with_current(self, call: Callable[[RunEntry], object]) -> None:
        if self.current is not None:
            call(self.current)

    def _toggle_star(self, entry: RunEntry) -> None:
        self._write(entry, entry.label.model_copy(update={"starred": not entry.label.starred}))

    def _label(self, entry: RunEntry, title: str, note: str) -> None:
        self._write(entry, entry.label.model_copy(update={"title": title, "note": note}))

    def _write(self, entry: RunEntry, label: RunLabel) -> None:
        self.model.replace(replace(entry, label=label))
        beside(self, lambda: write_label(entry.path, label), lambda _nothing: self.refresh())

    def _open_menu(self, place: QPoint) -> None:
        if not self.list.indexAt(place).isValid():
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for text, call in (
            ("Show", self.show_run),
            ("Compare with the shown run", self.compare_run),
            ("Recall all settings", self.recall_all),
            ("Recall all but the seed", self.recall_all_but_seed),
            ("Star", self.toggle_star),
            ("Open folder", self.open_folder),
            ("Delete ...", self.ask_to_delete),
        ):
            menu.addAction(text, call)
        menu.popup(self.list.viewport().mapToGlobal(place))

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if dropped_picture(event) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        path = dropped_picture(event)
        if path is not None:
            event.acceptProposedAction()
            self.recall_picture(path)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    def hideEvent(self, event: QHideEvent) -> None:
        self.details.commit()
        super().hideEvent(event)

    def shutdown(self) -> None:
        self._timer.stop()
        self._store.close()


def _remove(run: Path) -> None:
    # A run that is half deleted must not look like one.
    doomed = run.with_name(f".deleted-{run.name}-{secrets.token_hex(3)}")
    run.rename(doomed)
    shutil.rmtree(doomed)
