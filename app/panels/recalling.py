from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.shell.notices import notify
from qnerf_core.runs.recall import Recalled, recall_from_png, recall_run

if TYPE_CHECKING:
    from app.document.document import Document

# The scene is the document's, and the edit follows its target pose.
_NOT_RECALLED = ("scene", "edit")


def recall_picture(document: Document, path: Path, *, seed: bool = True) -> None:
    """Take over the settings and the pose that a result carries.

    Raises:
        StudioError: it carries none, or they do not work here.
    """
    apply_recalled(document, recall_from_png(path), path.name, seed=seed)


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
        if recalled.pose is not None:
            document.set_target_pose(recalled.pose, "Recall pose")
    finally:
        document.undo_stack.endMacro()
    notify(
        f"Settings of {name} are recalled",
        "" if recalled.pose is not None else "Its target pose is not known any more, the pose stays as it is",
        "Undo takes them back",
        "success" if recalled.pose is not None else "warning",
    )
