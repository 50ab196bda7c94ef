"""The table of actions: it feeds menus, toolbar, shortcuts and the command palette. Nothing else makes an action."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Scope = Literal["window", "viewport", "gallery"]


@dataclass(frozen=True)
class Action:
    """One thing the user can do.

    `call` is "target.method" of what the window registers; `when` lists the conditions that must all hold;
    `checked` names the condition that shows as a tick; `group` starts a new group in menu and toolbar.
    """

    id: str
    text: str
    menu: str
    call: str
    argument: str | None = None
    shortcut: str = ""
    icon: str = ""
    when: str = ""
    checked: str = ""
    tip: str = ""
    scope: Scope = "window"
    group: bool = False
    toolbar: bool = False

    @property
    def target(self) -> str:
        return self.call.partition(".")[0]

    @property
    def conditions(self) -> frozenset[str]:
        return frozenset(self.when.split())


MENUS = ("File", "Edit", "Pose", "View", "Run", "Window", "Help")

ACTIONS: tuple[Action, ...] = (
    # ---- File
    Action(
        "file.new",
        "New project ...",
        "File",
        "file.new",
        shortcut="Ctrl+N",
        icon="project-new",
        tip="Choose a capture and begin a project with it",
        toolbar=True,
    ),
    Action(
        "file.open",
        "Open ...",
        "File",
        "file.open",
        shortcut="Ctrl+O",
        icon="folder-open",
        tip="Open the folder of a project or of a capture",
        toolbar=True,
    ),
    Action(
        "file.save",
        "Save",
        "File",
        "file.save",
        shortcut="Ctrl+S",
        icon="save",
        when="project",
        tip="Save the project",
        group=True,
        toolbar=True,
    ),
    Action("file.save_as", "Save as ...", "File", "file.save_as", shortcut="Ctrl+Shift+S", when="project"),
    Action("file.show_folder", "Show project folder", "File", "file.show_folder", icon="folder", when="project"),
    Action("file.close", "Close project", "File", "file.close", shortcut="Ctrl+W", when="project"),
    Action(
        "file.preferences",
        "Preferences ...",
        "File",
        "file.preferences",
        shortcut="Ctrl+,",
        icon="settings",
        group=True,
    ),
    Action("file.quit", "Quit", "File", "file.quit", shortcut="Ctrl+Q", group=True),
    # ---- Edit
    Action(
        "edit.undo",
        "Undo",
        "Edit",
        "file.undo",
        shortcut="Ctrl+Z",
        icon="undo",
        when="can_undo",
        group=True,
        toolbar=True,
    ),
    Action(
        "edit.redo", "Redo", "Edit", "file.redo", shortcut="Ctrl+Shift+Z", icon="redo", when="can_redo", toolbar=True
    ),
    Action(
        "edit.palette",
        "Command palette ...",
        "Edit",
        "help.palette",
        shortcut="Ctrl+Shift+P",
        icon="palette",
        tip="Find any command by typing a part of its name",
        group=True,
    ),
    Action("edit.shortcuts", "Keyboard shortcuts ...", "Edit", "help.edit_shortcuts", icon="keyboard"),
    # ---- Pose
    Action(
        "pose.mirror",
        "Mirror pose",
        "Pose",
        "document.mirror",
        shortcut="Ctrl+M",
        icon="mirror",
        when="project",
        tip="Swap left and right",
        toolbar=True,
        group=True,
    ),
    Action(
        "pose.copy_left",
        "Copy left side to right",
        "Pose",
        "document.copy_side",
        "left",
        shortcut="Ctrl+Shift+L",
        when="project",
    ),
    Action(
        "pose.copy_right",
        "Copy right side to left",
        "Pose",
        "document.copy_side",
        "right",
        shortcut="Ctrl+Shift+R",
        when="project",
    ),
    Action(
        "pose.reset_joint",
        "Reset joint",
        "Pose",
        "document.reset_joint",
        shortcut="Alt+R",
        when="project joint",
        group=True,
        tip="Turn the selected joint back to what it was in the photos",
    ),
    Action(
        "pose.reset_limb", "Reset limb", "Pose", "document.reset_limb", shortcut="Alt+Shift+R", when="project joint"
    ),
    Action(
        "pose.reset",
        "Reset whole pose",
        "Pose",
        "document.reset_pose",
        shortcut="Ctrl+Alt+R",
        icon="reset",
        when="project",
        toolbar=True,
    ),
    Action("pose.unpin_all", "Unpin all joints", "Pose", "document.unpin_all", icon="pin", when="project pins"),
    # ---- Run
    Action(
        "run.start",
        "Edit all views",
        "Run",
        "run.start",
        shortcut="Ctrl+Return",
        icon="edit-run",
        when="project",
        tip="Queue the edit with the settings of the Edit tab; it starts when nothing else runs",
        toolbar=True,
        group=True,
    ),
    Action("run.pause", "Pause the queue", "Run", "run.pause", icon="pause", when="unfinished"),
    Action("run.resume", "Resume the queue", "Run", "run.resume", icon="play", when="paused"),
    Action(
        "run.cancel",
        "Cancel the running job",
        "Run",
        "run.cancel",
        shortcut="Ctrl+.",
        icon="stop",
        when="running",
        tip="Stops after the step being done and keeps what is finished; again: at once",
    ),
    Action("run.clear", "Clear finished jobs", "Run", "queue.clear_done", when="done", group=True),
    # ---- Window
    Action("window.views", "Views", "Window", "look.toggle", "views", checked="shows_views", when="project"),
    Action(
        "window.inspector", "Inspector", "Window", "look.toggle", "inspector", checked="shows_inspector", when="project"
    ),
    Action("window.gallery", "Gallery", "Window", "look.toggle", "gallery", checked="shows_gallery", when="project"),
    Action("window.queue", "Queue", "Window", "look.toggle", "queue", checked="shows_queue", when="project"),
    Action("window.log", "Log", "Window", "look.toggle", "log", shortcut="Ctrl+L", icon="log", checked="shows_log"),
    Action(
        "window.pose_tab",
        "Go to Pose",
        "Window",
        "look.show",
        "pose",
        shortcut="Ctrl+1",
        icon="pose",
        when="project",
        group=True,
    ),
    Action("window.edit_tab", "Go to Edit", "Window", "look.show", "edit", shortcut="Ctrl+2", when="project"),
    Action("window.result_tab", "Go to Result", "Window", "look.show", "result", shortcut="Ctrl+3", when="project"),
    Action("window.export_tab", "Go to Export", "Window", "look.show", "export", shortcut="Ctrl+4", when="project"),
    Action("window.history_tab", "Go to History", "Window", "look.show", "history", shortcut="Ctrl+5", when="project"),
    Action(
        "window.focus_viewport",
        "Only the viewport",
        "Window",
        "look.focus",
        "viewport",
        shortcut="Ctrl+Space",
        icon="focus",
        checked="focus_viewport",
        when="project",
        tip="Hide all panels; again: show them",
        group=True,
        toolbar=True,
    ),
    Action(
        "window.focus_gallery",
        "Large gallery",
        "Window",
        "look.focus",
        "gallery",
        shortcut="Ctrl+Shift+Space",
        icon="gallery",
        checked="focus_gallery",
        when="project",
        tip="Give the gallery most of the window; again: as before",
        toolbar=True,
    ),
    Action(
        "window.fullscreen",
        "Full screen",
        "Window",
        "look.fullscreen",
        shortcut="F11",
        icon="fullscreen",
        checked="fullscreen",
    ),
    Action("window.reset", "Reset layout", "Window", "look.reset_layout", icon="layout", when="project", group=True),
    Action("theme.system", "Follow the system", "Window/Theme", "look.choose_theme", "system", checked="theme_system"),
    Action("theme.dark", "Dark", "Window/Theme", "look.choose_theme", "dark", icon="moon", checked="theme_dark"),
    Action("theme.light", "Light", "Window/Theme", "look.choose_theme", "light", icon="sun", checked="theme_light"),
    # ---- Help
    Action("help.panel", "Help for this panel", "Help", "help.here", shortcut="F1", icon="help"),
    Action("help.contents", "All help pages", "Help", "help.contents"),
    Action("help.tour", "Tour of the window", "Help", "help.tour", icon="play", group=True),
    Action("help.sheet", "Shortcut sheet", "Help", "help.sheet", shortcut="Ctrl+F1", icon="keyboard"),
    Action("help.system", "Copy system information", "Help", "help.copy_system", icon="copy", group=True),
    Action("help.about", "About QNeRF Studio", "Help", "help.about", icon="info"),
)
