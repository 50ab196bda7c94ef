"""The one table of actions: it feeds menus, toolbar, shortcuts and the command palette."""

from __future__ import annotations

from app.shell.actions import Action, menu

_INSTEAD = "What was made the other way is kept"

_FILE = (
    *menu(
        "File",
        Action(
            "file.new",
            "New project ...",
            "file.new",
            "Ctrl+N",
            "project-new",
            "Begin a project with a capture",
            toolbar=True,
        ),
        Action(
            "file.open", "Open ...", "file.open", "Ctrl+O", "folder-open", "Open a project or a capture", toolbar=True
        ),
    ),
    *menu(
        "File",
        Action("file.save", "Save", "file.save", "Ctrl+S", "save", "Save the project", toolbar=True),
        Action("file.save_as", "Save as ...", "file.save_as", "Ctrl+Shift+S"),
        Action("file.capture", "Capture report ...", "capture.report", tip="Problems, repairs and where it stands"),
        Action("file.show_folder", "Show project folder", "file.show_folder", icon="folder"),
        Action("file.close", "Close project", "file.close", "Ctrl+W"),
        when="project",
    ),
    *menu("File", Action("file.models", "Models ...", "models.show", tip="Add, verify, download and delete models")),
    *menu("File", Action("file.preferences", "Preferences ...", "file.preferences", "Ctrl+,", "settings")),
    *menu("File", Action("file.quit", "Quit", "file.quit", "Ctrl+Q")),
    *menu(
        "Edit",
        Action("edit.undo", "Undo", "file.undo", "Ctrl+Z", "undo", when="can_undo", toolbar=True),
        Action("edit.redo", "Redo", "file.redo", "Ctrl+Shift+Z", "redo", when="can_redo", toolbar=True),
    ),
    *menu(
        "Edit",
        Action("edit.palette", "Command palette ...", "help.palette", "Ctrl+Shift+P", "palette", "Find any command"),
        Action("edit.shortcuts", "Keyboard shortcuts ...", "help.edit_shortcuts", icon="keyboard"),
    ),
)

_POSE = (
    *menu(
        "Pose",
        Action(
            "pose.mirror", "Mirror pose", "document.mirror", "Ctrl+M", "mirror", "Swap left and right", toolbar=True
        ),
        Action("pose.copy_left", "Copy left side to right", "document.copy_side:left", "Ctrl+Shift+L"),
        Action("pose.copy_right", "Copy right side to left", "document.copy_side:right", "Ctrl+Shift+R"),
        when="body",
    ),
    *menu(
        "Pose",
        Action("pose.reset_joint", "Reset joint", "document.reset_joint", "Alt+R", when="joint"),
        Action("pose.reset_limb", "Reset limb", "document.reset_limb", "Alt+Shift+R", when="joint"),
        Action(
            "pose.reset",
            "Reset whole pose",
            "document.reset_pose",
            "Ctrl+Alt+R",
            "reset",
            "Back to the pose of the photos",
            toolbar=True,
        ),
        when="body",
    ),
    *menu(
        "Pose",
        Action("pose.pin", "Pin or unpin the joint", "pose.pin", "P", "pin", "What is pinned stays", when="joint"),
        when="body",
        scope="viewport",
    ),
    *menu(
        "Pose",
        Action("pose.unpin_all", "Unpin all joints", "document.unpin_all", when="pins"),
        Action("pose.both", "Show source and target", "pose.show_both", checked="both"),
        Action("pose.source", "Correct the source pose", "pose.pose_source", checked="source"),
        when="body",
    ),
    *menu(
        "Pose",
        Action("pose.by_proxy", "Shape by a proxy instead", "document.set_control:depth", icon="proxy", tip=_INSTEAD),
        when="body choosable",
    ),
)

_FIT = menu(
    "Pose",
    Action(
        "fit.click",
        "Click joints in the photos",
        "fitting.toggle_clicking",
        "Ctrl+J",
        tip="Where the subject's joints are seen; a body is fitted to them",
        checked="clicking",
    ),
    Action("fit.find", "Find joints by a detector", "fitting.find_joints", icon="search"),
    Action("fit.run", "Fit the body to the photos", "fitting.run", "Ctrl+Shift+J", "pose", when="clicks"),
    Action("fit.masks", "Refine the body by masks", "fitting.refine", when="clicks"),
    Action("fit.clear", "Remove all clicks", "fitting.clear", icon="trash", when="clicks"),
    when="body",
)

_PROXY = (
    *menu(
        "Proxy",
        Action("proxy.add", "Add a part ...", "proxy.add_menu", "Shift+A", "plus", "A box, an ellipsoid, a blob ..."),
        Action("proxy.duplicate", "Duplicate", "proxy.duplicate", "Shift+D", "copy", when="part"),
        Action("proxy.delete", "Delete", "document.delete_parts", "X", "trash", when="part"),
        when="proxy",
        scope="viewport",
    ),
    *menu(
        "Proxy",
        Action("proxy.all", "Select all", "document.select_all_parts", "A"),
        Action("proxy.group", "Group", "document.group_parts", "Ctrl+G", "link", when="parts"),
        Action("proxy.ungroup", "Ungroup", "document.ungroup_parts", "Ctrl+Alt+G", when="part"),
        Action("proxy.floor", "Put on the floor", "document.parts_to_floor", "End", "arrow-down", when="part"),
        when="proxy",
        scope="viewport",
    ),
    *menu(
        "Proxy",
        Action(
            "proxy.sculpt",
            "Sculpt the selected part",
            "proxy.sculpt",
            "Ctrl+Tab",
            "mesh",
            "Brushes for its surface; again: done",
            checked="sculpting",
            when="part",
        ),
        when="proxy",
    ),
    *menu(
        "Proxy",
        Action("proxy.reset_parts", "Reset the selected parts", "document.reset_parts", "Ctrl+Alt+P", when="part"),
        Action("proxy.reset", "Reset the whole proxy", "document.reset_proxy", icon="reset"),
        when="proxy",
    ),
    *menu(
        "Proxy",
        Action("proxy.fit", "Fit to the photos", "proxy.fit", icon="proxy", tip="A first proxy from the masks"),
        Action("proxy.import", "Import a proxy or a mesh ...", "proxy.import_file", icon="folder-open"),
        Action("proxy.export", "Export the proxy ...", "proxy.export_file", icon="export"),
        when="proxy",
    ),
    *menu(
        "Proxy",
        Action("proxy.both", "Show source and target", "pose.show_both", checked="both"),
        Action("proxy.source", "Correct the source proxy", "pose.pose_source", checked="source"),
        when="proxy",
    ),
    *menu(
        "Proxy",
        Action("proxy.by_body", "Shape by a body instead", "document.set_control:skeleton", icon="pose", tip=_INSTEAD),
        when="proxy choosable",
    ),
)

_VIEW = (
    *menu(
        "View",
        Action(
            "view.through",
            "Look through the photo",
            "viewport.toggle_photo",
            "Space",
            "camera",
            "The photo of the current view behind the body; again: the free camera",
            checked="through",
            toolbar=True,
        ),
        Action("view.next", "Next view", "viewport.next_view", "Right"),
        Action("view.previous", "Previous view", "viewport.previous_view", "Left"),
        when="project",
        scope="viewport",
    ),
    *menu(
        "View",
        Action("view.home", "Frame the subject", "viewport.home", "Home", "home", toolbar=True),
        Action("view.front", "From the front", "viewport.look_from:front", "Num+1", "view-front"),
        Action("view.back", "From behind", "viewport.look_from:back", "Ctrl+Num+1"),
        Action("view.right", "From the right", "viewport.look_from:right", "Num+3", "view-side"),
        Action("view.left", "From the left", "viewport.look_from:left", "Ctrl+Num+3"),
        Action("view.top", "From above", "viewport.look_from:top", "Num+7", "view-top"),
        Action("view.corner", "From a corner", "viewport.look_from:corner"),
        when="project",
        scope="viewport",
    ),
    *menu(
        "View",
        Action(
            "view.preview",
            "Live preview",
            "wiring.toggle_previews",
            icon="eye",
            tip="Look through a photo and stop dragging: it is edited to your pose, quickly and by itself",
            checked="previews",
        ),
        when="project",
    ),
    *menu(
        "View/Show",
        Action("show.body", "Body", "viewport.toggle_shown:body", checked="shown_body"),
        Action("show.skeleton", "Skeleton", "viewport.toggle_shown:skeleton", checked="shown_skeleton"),
        Action("show.cameras", "Cameras", "viewport.toggle_shown:cameras", checked="shown_cameras"),
        Action("show.floor", "Floor", "viewport.toggle_shown:floor", checked="shown_floor"),
        Action(
            "show.translucent", "See through the body", "viewport.toggle_shown:translucent", checked="shown_translucent"
        ),
        Action("show.statistics", "Statistics", "viewport.toggle_shown:statistics", checked="shown_statistics"),
        when="project",
    ),
)

_RUN = (
    *menu(
        "Run",
        Action(
            "run.start",
            "Edit all views",
            "edit.start",
            "Ctrl+Return",
            "edit-run",
            "Edit with the settings of the Edit tab",
            toolbar=True,
        ),
        when="project",
    ),
    *menu(
        "Run",
        Action("run.pause", "Pause the queue", "run.pause", icon="pause", when="unfinished"),
        Action("run.resume", "Resume the queue", "run.resume", icon="play", when="paused"),
        Action(
            "run.cancel",
            "Cancel the running job",
            "run.cancel",
            "Ctrl+.",
            "stop",
            "Stops after the step being done and keeps what is finished; again: at once",
            when="running",
        ),
        Action("run.clear", "Clear finished jobs", "queue.clear_done", when="done"),
    ),
    *menu(
        "Gallery",
        Action("gallery.play", "Play the intervals", "gallery.play", "K", "play"),
        Action("gallery.next", "Next interval", "gallery.next_stop", "Right"),
        Action("gallery.previous", "Previous interval", "gallery.previous_stop", "Left"),
        Action("gallery.first", "Go to the original", "gallery.first_stop", "Home"),
        Action("gallery.last", "Go to the result", "gallery.last_stop", "End"),
        Action("gallery.next_view", "Next view", "gallery.next_view", "Down"),
        Action("gallery.previous_view", "Previous view", "gallery.previous_view", "Up"),
        when="shows_run",
        scope="gallery",
    ),
    *menu(
        "Gallery",
        Action("gallery.enlarge", "Enlarge the view", "gallery.toggle_enlarged", "Return"),
        Action("gallery.compare", "Compare by wiping", "comparison.toggle", "W", "wipe"),
        Action("gallery.branch", "Branch from this interval ...", "gallery.branch", "B", "branch"),
        Action("gallery.export", "Export this interval ...", "gallery.choose_export", icon="export"),
        when="shows_run",
        scope="gallery",
    ),
)

_WINDOW = (
    *menu(
        "Window",
        Action("window.views", "Views", "look.toggle:views", checked="shows_views", when="project"),
        Action("window.inspector", "Inspector", "look.toggle:inspector", checked="shows_inspector", when="project"),
        Action("window.gallery", "Gallery", "look.toggle:gallery", checked="shows_gallery", when="project"),
        Action("window.queue", "Queue", "look.toggle:queue", checked="shows_queue", when="project"),
        Action("window.log", "Log", "look.toggle:log", "Ctrl+L", checked="shows_log"),
    ),
    *menu(
        "Window/Go to",
        Action("window.pose_tab", "Pose or proxy", "look.show:pose", "Alt+1", "pose"),
        Action("window.edit_tab", "Edit", "look.show:edit", "Alt+2", "edit-run"),
        Action("window.result_tab", "Result", "look.show:result", "Alt+3", "cube"),
        Action("window.export_tab", "Export", "look.show:export", "Alt+4", "export"),
        Action("window.history_tab", "History", "look.show:history", "Alt+5", "history"),
        when="project",
    ),
    *menu(
        "Window",
        Action(
            "window.focus_viewport",
            "Only the viewport",
            "look.focus:viewport",
            "Ctrl+Space",
            "focus",
            "Hide all panels; again: show them",
            checked="focus_viewport",
            when="project",
            toolbar=True,
        ),
        Action(
            "window.focus_gallery",
            "Large gallery",
            "look.focus:gallery",
            "Ctrl+Shift+Space",
            "gallery",
            "Give the whole window to the gallery; again: as before",
            checked="focus_gallery",
            when="project",
            toolbar=True,
        ),
        Action("window.fullscreen", "Full screen", "look.fullscreen", "F11", "fullscreen", checked="fullscreen"),
        Action("window.reset", "Reset layout", "look.reset_layout", icon="layout", when="project"),
    ),
    *menu(
        "Window/Theme",
        Action("theme.system", "Follow the system", "look.choose_theme:system", checked="theme_system"),
        Action("theme.dark", "Dark", "look.choose_theme:dark", icon="moon", checked="theme_dark"),
        Action("theme.light", "Light", "look.choose_theme:light", icon="sun", checked="theme_light"),
    ),
    *menu(
        "Help",
        Action("help.panel", "Help for this panel", "help.here", "F1", "help"),
        Action("help.contents", "All help pages", "help.contents"),
    ),
    *menu(
        "Help",
        Action("help.tour", "Tour of the window", "help.tour", icon="play"),
        Action("help.sheet", "Shortcut sheet", "help.sheet", "Ctrl+F1", "keyboard"),
    ),
    *menu(
        "Help",
        Action("help.system", "Copy system information", "help.copy_system", icon="copy"),
        Action("help.about", "About QNeRF Studio", "help.about", icon="info"),
    ),
)

ACTIONS: tuple[Action, ...] = (*_FILE, *_POSE, *_FIT, *_PROXY, *_VIEW, *_RUN, *_WINDOW)
