from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.shell.notices import notify
from app.shell.questions import ask
from qnerf_core.errors import SettingsError
from qnerf_core.runs.recall import Recalled, recall_from_png, recall_run

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from app.document.document import Document

ALL, ALL_BUT_SEED = "All settings", "All but the seed"

# The scene is the document's, and the edit follows its target pose.
_NOT_RECALLED = ("scene", "edit")


def ask_to_recall(parent: QWidget, document: Document, path: Path) -> None:
    """Ask which of the settings and the pose that a result carries are taken over.

    Raises:
        StudioError: it carries none, or nothing is open that could take them.
    """
    recalled = recall_from_png(path)
    if document.project is None:
        title, cause = f"{path.name} shows an edit of {Path(recalled.spec.scene).name}", "no project is open"
        raise SettingsError(title, cause, "Open that capture, then drop the picture again.")

    def answered(answer: str) -> None:
        if answer in (ALL, ALL_BUT_SEED):
            apply_recalled(document, recalled, path.name, seed=answer == ALL)

    text = (
        f"{path.name} carries the settings and the pose of the edit that made it. They replace those of the Edit and "
        "Pose tabs. Without its seed the same edit comes out a little different."
    )
    buttons = [("Cancel", ""), (ALL_BUT_SEED, ""), (ALL, "primary")]
    ask(parent, "Recall the settings of this picture?", text, buttons, answered)


def recall_earlier(document: Document, run: Path, *, seed: bool = True) -> None:
    """Take over the settings and the pose of a run.

    Raises:
        StudioError: it cannot be read, or its settings do not work here.
    """
    apply_recalled(document, recall_run(run), run.name, seed=seed)


def apply_recalled(document: Document, recalled: Recalled, name: str, *, seed: bool) -> None:
    """One command takes everything back."""
    spec = recalled.spec
    changes = {key: value for key, value in spec.model_dump().items() if key not in _NOT_RECALLED}
    if not seed:
        del changes["seed"]
    known = {view.name for view in document.scene.views} if document.scene else set()
    if isinstance(spec.views, tuple) and not known.issuperset(spec.views):
        del changes["views"]
    document.undo_stack.beginMacro(f"Recall settings of {name}")
    try:
        document.set_spec(**changes)
        known_target = _recall_target(document, recalled)
    finally:
        document.undo_stack.endMacro()
    shaped = "pose" if document.control == "skeleton" else "proxy"
    notify(
        f"Settings of {name} are recalled",
        "" if known_target else f"Its target {shaped} is not known any more, the {shaped} stays as it is",
        "Undo takes them back",
        "success" if known_target else "warning",
    )


def _recall_target(document: Document, recalled: Recalled) -> bool:
    """False if there is none that would fit what the document shapes."""
    if document.can_choose_control and (recalled.proxy is not None or recalled.pose is not None):
        document.set_control("skeleton" if recalled.proxy is None else "depth")
    if document.control == "depth" and recalled.proxy is not None:
        document.set_target_proxy(recalled.proxy, "Recall proxy")
    elif document.control == "skeleton" and recalled.pose is not None:
        document.set_target_pose(recalled.pose, "Recall pose")
    else:
        return False
    return True
