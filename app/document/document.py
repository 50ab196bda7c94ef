from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError
from PySide6.QtCore import QObject, Signal

from app.document import copying, recent
from app.document.autosave import Autosave
from app.document.keypointed import KeypointedState
from app.document.opening import OpenedScene, open_scene
from app.document.project import (
    BACKUP_FILE,
    PROJECT_FILE,
    Content,
    Project,
    ProjectError,
    lock_project,
    read_project,
    remove_autosave,
    untitled_folder,
    write_project,
)
from app.document.state import State
from qnerf_core.body.pose import BodyPose
from qnerf_core.editing.spec import EditSpec
from qnerf_core.errors import SettingsError
from qnerf_core.scene.capture import Capture
from qnerf_core.scene.scene import Scene

CUSTOM = "custom"
_EMPTY = State(BodyPose.rest(), BodyPose.rest(), frozenset(), EditSpec())


class Document(KeypointedState):
    """The open project: its capture, both poses or proxies, the settings, what is selected and looked through.

    What is edited is an immutable `State`; every change of it is one command on `undo_stack`.
    """

    projectChanged = Signal()
    sceneChanged = Signal()
    currentViewChanged = Signal()
    runsChanged = Signal()
    noticePosted = Signal(str, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(_EMPTY, parent)
        self.project: Project | None = None
        self.current_view: str | None = None
        self.looking_through = False
        self._autosave = Autosave(self._unsaved, self)
        self._autosave.failed.connect(self.noticePosted)
        for signal in (*self._signals.values(), self.undo_stack.indexChanged):
            signal.connect(self._autosave.changed)

    @property
    def scene(self) -> Scene | None:
        return self._opened.scene if self._opened else None

    @property
    def capture(self) -> Capture | None:
        return self._opened.capture if self._opened else None

    @property
    def provenance(self) -> dict[str, Any] | None:
        """Where the pictures come from, if they are an exported edited set."""
        return dict(self._opened.provenance) if self._opened and self._opened.provenance else None

    @property
    def edit_name(self) -> str:
        """That of the capture's edit which the target is, or `CUSTOM`."""
        return (self._opened.edit_of(self.target_subject) if self._opened else None) or CUSTOM

    # ---- projects

    def new_project(self, scene: str | Path, folder: Path | str | None = None) -> None:
        self.start_project(open_scene(scene, self.body), folder)

    def start_project(self, opened: OpenedScene, folder: Path | str | None = None) -> None:
        """A new project with a capture that is open already; without a folder it is untitled."""
        place = untitled_folder(opened.scene.name) if folder is None else Path(folder).expanduser().resolve()
        if folder is not None and (place / PROJECT_FILE).exists():
            raise ProjectError(f"{place} already holds a project", "", "Open it, or choose another folder.")
        name = opened.scene.name if folder is None else place.name
        project = Project(place, name, folder is None, lock_project(place))
        self._begin(project, opened, _initial(opened), None)
        self._write()

    def open_project(self, folder: Path | str) -> None:
        folder = Path(folder).expanduser().resolve()
        if self.project is not None and self.project.folder == folder:
            return
        loaded = read_project(folder)
        content = loaded.content
        opened = open_scene(content.scene, self.body, check_files=False)
        project = Project(folder, content.name, content.untitled, lock_project(folder))
        state = content.state.replaced(spec=content.state.spec.model_copy(update={"scene": opened.name}))
        if state.source_proxy is None:
            state = state.replaced(source_proxy=opened.source_proxy, target_proxy=opened.source_proxy)
        if opened.capture is not None:
            state = state.replaced(control=opened.control)
        self._begin(project, opened, state, content.current_view)
        if loaded.from_autosave:
            self.undo_stack.resetClean()
        for text in loaded.notices:
            self.noticePosted.emit("Project restored", text)

    def open_folder(self, folder: Path | str) -> None:
        """Whatever it holds: a project, or a capture to begin a project with."""
        folder = Path(folder).expanduser()
        if any((folder / name).is_file() for name in (PROJECT_FILE, BACKUP_FILE)):
            self.open_project(folder)
        else:
            self.new_project(folder)

    def save(self) -> None:
        self.end_drag()
        self.finish_change()
        self._write()
        self.undo_stack.setClean()

    def save_as(self, folder: Path | str) -> None:
        """The project with its runs in another folder, which is the open one from now on."""
        if self.project is None:
            return
        self.end_drag()
        old, place = self.project, Path(folder).expanduser().resolve()
        copying.copy_project(old.folder, place)
        self.project = Project(place, place.name, False, lock_project(place))
        self.save()
        remove_autosave(old.folder)
        old.release()
        if old.untitled:
            old.discard()
        self._remember()
        self.projectChanged.emit()
        self.runsChanged.emit()

    def close_project(self) -> None:
        """Leaves the project without saving; an untitled one in which nothing was done is removed."""
        self._leave()
        self._start(None, None, _EMPTY, None)

    def autosave(self) -> None:
        """At once; it also happens by itself some seconds after a change."""
        self._autosave.now()

    def _unsaved(self) -> tuple[Path, Content] | None:
        if self.project is None or not (self.is_modified or self.is_dragging):
            return None
        return self.project.folder, self._content(self.project)

    def _begin(self, project: Project, opened: OpenedScene, state: State, view: str | None) -> None:
        self._leave()
        views = [entry.name for entry in opened.scene.views]
        self._start(project, opened, state, view if view in views else views[0])
        self._remember()
        if opened.warnings:
            self.noticePosted.emit(f"{opened.scene.name} has problems", "\n".join(opened.warnings))

    def _start(self, project: Project | None, opened: OpenedScene | None, state: State, view: str | None) -> None:
        self.project, self._opened = project, opened
        self.current_view, self.looking_through = view, False
        self._restart(state)
        for signal in (self.projectChanged, self.sceneChanged, self.posedChanged, *self._signals.values()):
            signal.emit()
        for signal in (self.selectionChanged, self.currentViewChanged, self.runsChanged):
            signal.emit()

    def _leave(self) -> None:
        self._autosave.stop()
        if self.project is None or self._opened is None:
            return
        project, self.project = self.project, None
        remove_autosave(project.folder)
        project.release()
        untouched = not self._state.differs(_initial(self._opened)) and not self.undo_stack.canRedo()
        if project.untitled and untouched and not any(project.runs_folder.iterdir()):
            project.discard()

    def _write(self) -> None:
        if self.project is not None:
            self._autosave.stop()
            write_project(self.project.folder, self._content(self.project))
            remove_autosave(self.project.folder)

    def _remember(self) -> None:
        if self.project is not None and self.scene is not None:
            picture = self.scene.views[0].image_path
            recent.remember(self.project.folder, self.project.name, self.scene.name, picture)

    def _content(self, project: Project) -> Content:
        spec = self._state.spec
        return Content(project.name, project.untitled, spec.scene, self._state, self.current_view)

    # ---- view

    def set_current_view(self, name: str | None, through: bool = False) -> None:
        through = through and name is not None
        if (name, through) != (self.current_view, self.looking_through):
            self.current_view, self.looking_through = name, through
            self.currentViewChanged.emit()

    # ---- settings [undo]

    @property
    def spec(self) -> EditSpec:
        """The settings; `edit` follows the target pose."""
        return self._state.spec.model_copy(update={"edit": self.edit_name})

    def set_spec(self, **changes: Any) -> None:
        """Changes settings by name; inner ones by a dotted name: `set_spec(**{"diffusion.steps": 30})`."""
        content = self._state.spec.model_dump()
        for name, value in changes.items():
            *outer, last = name.split(".")
            inner = content
            for part in outer:
                inner = inner[part]
            inner[last] = value
        try:
            spec = EditSpec.model_validate(content)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise SettingsError("This setting does not work", f"{where}: {first['msg']}", "Choose another.") from error
        readable = ", ".join(name.split(".")[-1].replace("_", " ") for name in sorted(changes))
        self._push_change(f"Change {readable}", f"spec {' '.join(sorted(changes))}", spec=spec)


def _initial(opened: OpenedScene) -> State:
    pose, proxy = opened.source_pose, opened.source_proxy
    return State(pose, pose, frozenset(), EditSpec(scene=opened.name), proxy, proxy, control=opened.control)
