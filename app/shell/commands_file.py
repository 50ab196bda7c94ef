from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QMenu

from app.background import Background, Handle
from app.paths import projects_folder
from app.shell.preferences import PreferencesDialog
from app.shell.settings import Preferences
from qnerf_core import assets

if TYPE_CHECKING:
    from app.document.document import Document
    from app.document.opening import OpenedScene, UnusableCapture
    from app.window import MainWindow
    from qnerf_core.scene.capture import ControlKind

_PROJECT_FILES = ("project.json", "project.json.bak")


class FileCommands(QObject):
    """What the File menu, the welcome page and dropped files do."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.opening = Background(self)

    @property
    def _document(self) -> Document:
        document = self._window.rooms.document
        assert document is not None
        return document

    def new(self) -> None:
        """Back to the captures; the open project is left first."""
        self.close()

    def open(self) -> None:
        dialog = QFileDialog(self._window, "Open a project or a capture", str(projects_folder()))
        dialog.setObjectName("openDialog")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(lambda path: self.open_path(Path(path)))
        dialog.open()

    def open_path(self, path: Path) -> None:
        """A project, a capture, an exported set, or one of their files."""
        path = path.expanduser().resolve()
        if path.name in _PROJECT_FILES:
            path = path.parent
        if any((path / name).is_file() for name in _PROJECT_FILES):
            self._leaving(lambda: self._document.open_project(path))
        else:
            self.begin(path)

    def begin(self, capture: str | Path, *, control: ControlKind | None = None) -> None:
        """A new project with a capture: built in, by name, or anybody's, by its path.

        `control` shapes the subject if the capture leaves the choice.
        """
        self._leaving(lambda: self._begin(capture, control))

    def _begin(self, capture: str | Path, control: ControlKind | None) -> None:
        from app.document.opening import UnusableCapture, open_scene

        if self.opening.is_working:
            # Under the veil there is only Cancel.
            return
        document = self._document
        name = capture if isinstance(capture, str) else capture.name

        def work(handle: Handle) -> OpenedScene | UnusableCapture:
            try:
                return open_scene(capture, document.body, progress=handle.tell_step, cancelled=handle.cancelled)
            except UnusableCapture as error:
                return error

        self.opening.run(f"Opening {name} ...", work, lambda found: self._opened(found, control))

    def _opened(self, found: OpenedScene | UnusableCapture, control: ControlKind | None) -> None:
        from app.document.opening import UnusableCapture

        if isinstance(found, UnusableCapture):
            self._window.capture.show_report(found.path, found.report)
        else:
            self._start_project(found, control)

    def _start_project(self, opened: OpenedScene, control: ControlKind | None) -> None:
        document = self._document
        document.start_project(opened)
        model = Preferences.load().model_folder
        if model:
            document.set_spec(backbone=model)
        if control is not None and document.can_choose_control:
            document.set_control(control)
        if document.is_modified:
            document.save()

    def recall(self, picture: Path) -> None:
        """Take over the settings of the edit that made a picture."""
        from app.panels.recalling import ask_to_recall

        self._window.when_ready(lambda: ask_to_recall(self._window, self._document, picture))

    def fill_recent(self, menu: QMenu) -> None:
        menu.clear()
        for entry in self._window.recent():
            opener = menu.addAction(entry.name, partial(self.open_path, entry.folder))
            opener.setToolTip(str(entry.folder))
        if menu.isEmpty():
            menu.addAction("No projects yet").setEnabled(False)

    def fill_captures(self, menu: QMenu) -> None:
        menu.clear()
        for name in assets.builtin_scenes():
            menu.addAction(name, partial(self.begin, name))

    def _leaving(self, go: Callable[[], object]) -> None:
        self._window.when_ready(lambda: self._window.closing.leave_project(go))

    def save(self) -> None:
        self._document.save()
        self._window.status.set_hint("Saved")

    def save_as(self) -> None:
        dialog = QFileDialog(self._window, "Save the project in a new folder", str(Path.home()))
        dialog.setObjectName("saveAsDialog")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setFileMode(QFileDialog.FileMode.AnyFile)
        dialog.setLabelText(QFileDialog.DialogLabel.FileName, "Folder:")
        project = self._document.project
        dialog.selectFile(project.name if project is not None else "project")
        dialog.fileSelected.connect(self._document.save_as)
        dialog.open()

    def show_folder(self) -> None:
        project = self._document.project
        if project is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(project.folder)))

    def close(self) -> None:
        self._leaving(self._document_closed)

    def _document_closed(self) -> None:
        self._document.close_project()

    def undo(self) -> None:
        self._document.undo_stack.undo()

    def redo(self) -> None:
        self._document.undo_stack.redo()

    def preferences(self) -> None:
        dialog = PreferencesDialog(self._window)
        dialog.saved.connect(self._window.apply_preferences)
        dialog.shortcutsRequested.connect(self._window.help.edit_shortcuts)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def quit(self) -> None:
        self._window.close()
