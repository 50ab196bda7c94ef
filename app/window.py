from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, QTimer
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDragLeaveEvent, QDropEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from app.paths import APPLICATION
from app.shell import session, settings
from app.shell.action_set import ActionSet
from app.shell.closing import Closing
from app.shell.commands_capture import CaptureCommands
from app.shell.commands_file import FileCommands
from app.shell.commands_help import TOUR_SEEN, HelpCommands
from app.shell.commands_look import LookCommands
from app.shell.commands_models import ModelCommands
from app.shell.commands_pose import PoseCommands
from app.shell.commands_proxy import ProxyCommands
from app.shell.commands_run import RunCommands
from app.shell.conditions import conditions
from app.shell.docks import Docks, Slot
from app.shell.drops import dropped_files, dropped_picture
from app.shell.help import HelpPanel
from app.shell.icons import icon
from app.shell.log import LogLines
from app.shell.log_panel import LogPanel
from app.shell.menus import Menus, make_toolbar
from app.shell.notice_bar import NoticeBar
from app.shell.notices import Notices, notify
from app.shell.overlays import Overlay, WorkOverlay
from app.shell.rooms import Rooms
from app.shell.settings import Preferences
from app.shell.status import StatusBar
from app.shell.themes import themes
from app.shell.welcome import RecentEntry, WelcomePage
from app.shell.wiring import Wiring

_log = logging.getLogger(__name__)


class MainWindow(QMainWindow):
    """The welcome page, or a project: viewport in the centre, panels in docks around it."""

    rooms: Rooms
    file: FileCommands
    viewport_slot: Slot

    def __init__(self, notices: Notices, log: LogLines, path: Path | None = None) -> None:
        super().__init__()
        self.setObjectName("mainWindow")
        self.setWindowTitle(APPLICATION)
        self.setWindowIcon(icon("studio", "accent"))
        self.setAcceptDrops(True)
        self.resize(1280, 800)
        self._log_lines = log
        self._waiting_calls: list[Callable[[], object]] = []
        self._shown = False
        if path is not None:
            self._waiting_calls.append(lambda: self.file.open_path(path))
        self._refresh_timer = QTimer(self)
        self._refresh_timer.setSingleShot(True)
        self._refresh_timer.timeout.connect(self._refresh)
        self._centre(notices)
        self.docks = Docks(self)
        self.rooms = Rooms(self.docks, self.viewport_slot, self)
        self.file = FileCommands(self)
        self.capture = CaptureCommands(self)
        self.look = LookCommands(self)
        self.help = HelpCommands(self)
        self.closing = Closing(self)
        self.wiring = Wiring(self)
        self.actions_of_table = ActionSet(self)
        for name, target in (
            ("file", self.file),
            ("capture", self.capture),
            ("look", self.look),
            ("help", self.help),
            ("models", ModelCommands(self)),
            ("run", RunCommands(self)),
            ("wiring", self.wiring),
        ):
            self.actions_of_table.register(name, target)
        self.menus = Menus(self, self.actions_of_table)
        opener = self.actions_of_table.qactions["file.open"]
        self.menus.insert_submenu(opener, "File/Open recent", self.file.fill_recent)
        self.menus.insert_submenu(opener, "File/Begin with a capture", self.file.fill_captures)
        self.toolbar = make_toolbar(self, self.actions_of_table)
        self.status = StatusBar(self)
        self.setStatusBar(self.status)
        self.busy = Overlay(self)
        self.opening = WorkOverlay(self, self.file.opening, "opening", "Stop; nothing of it is kept")
        self._drop_here = Overlay(self)
        self.docks.restore()
        self._show_welcome()
        themes().changed.connect(self.refresh)
        self.docks.changed.connect(self.refresh)
        self.rooms.ready.connect(self._on_ready)
        self.rooms.finished.connect(self._on_all_ready)
        self._refresh()

    def _centre(self, notices: Notices) -> None:
        self.stack = QStackedWidget()
        self.stack.setObjectName("centre")
        self.welcome = WelcomePage()
        self.welcome.captureChosen.connect(lambda name: self.file.begin(name))
        self.welcome.projectChosen.connect(lambda folder: self.file.open_path(folder))
        self.welcome.projectForgotten.connect(self._forget_project)
        self.welcome.openFolderRequested.connect(lambda: self.file.open())
        self.welcome.tourRequested.connect(lambda: self.help.tour())
        self.viewport_slot = Slot()
        self.viewport_slot.setObjectName("viewportSlot")
        self.stack.addWidget(self.welcome)
        self.stack.addWidget(self.viewport_slot)
        self.notice_bar = NoticeBar(notices)
        centre = QWidget()
        layout = QVBoxLayout(centre)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.notice_bar)
        layout.addWidget(self.stack, 1)
        self.setCentralWidget(centre)

    # ---- start

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if not self._shown:
            self._shown = True
            # The window is painted first; what takes time comes after.
            QTimer.singleShot(0, self, self._fill)

    def _fill(self) -> None:
        self.docks.fill("log", LogPanel(self._log_lines))
        self.help_panel = HelpPanel()
        self.docks.fill("help", self.help_panel)
        self.rooms.build()

    def when_ready(self, call: Callable[[], object]) -> None:
        """Do it now, or as soon as everything is there."""
        if self.rooms.is_finished:
            call()
        else:
            self._waiting_calls.append(call)
            self.busy.show_over("One moment ...")

    def _on_ready(self, name: str, thing: Any) -> None:
        # "queue" is the queue itself, "pose" and "proxy" what these menus do; all else are panels.
        target = name.removesuffix(" panel")
        if name not in ("pose panel", "proxy panel", "queue panel"):
            self.actions_of_table.register(target, thing)
        if name == "document":
            for signal in (
                thing.projectChanged,
                thing.selectionChanged,
                thing.pinsChanged,
                thing.modifiedChanged,
                thing.undo_stack.indexChanged,
                thing.currentViewChanged,
                thing.posedChanged,
                thing.controlChanged,
                thing.keypointsChanged,
                thing.clickingChanged,
                thing.partsSelected,
                thing.sculpting.changed,
            ):
                signal.connect(self.refresh)
            self.actions_of_table.register("pose", PoseCommands(thing))
            self.actions_of_table.register("proxy", ProxyCommands(self, thing))
            thing.projectChanged.connect(self._on_project)
            thing.controlChanged.connect(lambda: self.docks.show_control(thing.control))
            thing.noticePosted.connect(lambda title, text: notify(title, text, severity="warning"))
            self._tell_crashes()
            self.welcome.set_recent(self.recent())
        elif name == "queue":
            self.status.set_queue(thing)
            thing.jobsChanged.connect(self.refresh)
            thing.problem.connect(lambda failure: notify(severity="error", **failure))
        elif name == "pose panel":
            self.actions_of_table.register("fitting", thing.fitting)
        elif name == "viewport panel":
            thing.displayChanged.connect(self.refresh)
        elif name == "gallery panel":
            thing.stopChanged.connect(self.refresh)
            self.actions_of_table.register("comparison", thing.comparison)
        self.refresh()

    def _on_all_ready(self) -> None:
        self.busy.hide()
        calls, self._waiting_calls = self._waiting_calls, []
        for call in calls:
            call()

    def _tell_crashes(self) -> None:
        title = "The program ended unexpectedly last time"
        for crash in session.crashes():
            if crash.project is None:
                notify(title, "", "The log says more", "warning")
            else:
                cause = f"the project \u201c{crash.project.name}\u201d was open"
                step = "It opens as it was at most half a minute before; runs go on from their last finished interval"
                open_it = partial(self.file.open_path, crash.project)
                notify(title, cause, step, "warning", [("Open it", open_it)])
        session.mark(None)

    # ---- project

    def recent(self) -> list[RecentEntry]:
        from app.document.recent import recent_projects

        return [
            RecentEntry(Path(entry.folder), entry.name, Path(entry.picture), entry.opened)
            for entry in recent_projects()
        ]

    def _forget_project(self, folder: Path) -> None:
        from app.document.recent import forget

        forget(folder)
        self.welcome.set_recent(self.recent())

    def _on_project(self) -> None:
        document = self.rooms.document
        project = document.project if document is not None else None
        session.mark(None if project is None else project.folder)
        if document is None or project is None:
            self._show_welcome()
            self.welcome.set_recent(self.recent())
            return
        _log.info("Project %s", project.folder)
        self.stack.setCurrentWidget(self.viewport_slot)
        self.docks.show_control(document.control)
        self.docks.show_all()
        if not settings.flag(TOUR_SEEN):
            settings.set_flag(TOUR_SEEN)
            QTimer.singleShot(0, self, self.help.tour)

    def _show_welcome(self) -> None:
        self.look.leave_focus()
        self.docks.hide_all()
        self.stack.setCurrentWidget(self.welcome)

    def apply_preferences(self, preferences: Preferences) -> None:
        themes().choose(preferences.theme)
        self.refresh()

    # ---- state

    def refresh(self) -> None:
        """Enable and tick the actions anew, soon."""
        if not self._refresh_timer.isActive():
            self._refresh_timer.start(0)

    def _refresh(self) -> None:
        self.actions_of_table.refresh(conditions(self))
        document = self.rooms.document
        project = document.project if document is not None else None
        undo, redo = (self.actions_of_table.qactions[name] for name in ("edit.undo", "edit.redo"))
        undo.setText(f"Undo {document.undo_stack.undoText()}".strip() if document is not None else "Undo")
        redo.setText(f"Redo {document.undo_stack.redoText()}".strip() if document is not None else "Redo")
        self.setWindowTitle(f"{project.name}[*] \u2013 {APPLICATION}" if project is not None else APPLICATION)
        self.setWindowModified(project is not None and document is not None and document.is_modified)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange:
            self.refresh()

    # ---- drag and drop

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if dropped_files(event):
            event.acceptProposedAction()
            words = "Drop to open" if dropped_picture(event) is None else "Drop to recall the settings of this picture"
            self._drop_here.show_over(words, dashed=True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._drop_here.hide()
        super().dragLeaveEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        self._drop_here.hide()
        paths, picture = dropped_files(event), dropped_picture(event)
        if picture is not None:
            self.file.recall(picture)
        elif paths:
            self.file.open_path(paths[0])
        event.setAccepted(bool(paths))

    # ---- end

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        for overlay in (self.busy, self.opening, self._drop_here):
            overlay.resize(self.size())

    def close_at_once(self) -> None:
        """Close without asking; what is not saved is restored on the next start."""
        document = self.rooms.document
        if document is not None:
            document.autosave()
        self.closing.agree()
        self.close()

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self.closing.may_close():
            event.ignore()
            return
        self.look.leave_focus()
        self.docks.remember()
        self.file.opening.end()
        self.rooms.close()
        session.unmark()
        event.accept()
