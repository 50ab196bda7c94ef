"""What is the case now, in the words that the table of actions uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

from app.shell.themes import themes

if TYPE_CHECKING:
    from app.window import MainWindow


def conditions(window: MainWindow) -> frozenset[str]:
    found = {f"theme_{themes().choice}"}
    if window.look.focused:
        found.add(f"focus_{window.look.focused}")
    if window.windowState() & Qt.WindowState.WindowFullScreen:
        found.add("fullscreen")
    found |= {f"shows_{name}" for name, dock in window.docks.docks.items() if not dock.isHidden()}
    return frozenset(found | _of_document(window) | _of_queue(window) | _of_panels(window))


def _of_document(window: MainWindow) -> set[str]:
    document = window.rooms.document
    if document is None or document.project is None:
        return set()
    return _named(
        project=True,
        body=document.control == "skeleton",
        proxy=document.control == "depth",
        choosable=document.can_choose_control,
        part=bool(document.selected_parts),
        parts=len(document.selected_parts) > 1,
        sculpting=document.sculpting.is_active,
        joint=document.selected_joint is not None,
        pins=bool(document.pinned),
        modified=document.is_modified,
        can_undo=document.undo_stack.canUndo(),
        can_redo=document.undo_stack.canRedo(),
        through=document.looking_through,
        both=document.show_both,
        source=document.posed == "source",
        clicking=document.is_clicking,
        clicks=bool(len(document.keypoints)),
    )


def _of_queue(window: MainWindow) -> set[str]:
    queue = window.rooms.queue
    if queue is None:
        return set()
    states = {job.state for job in queue.jobs}
    return _named(
        running="running" in states,
        unfinished=bool(states & {"running", "queued"}),
        paused="paused" in states,
        done=bool(states & {"finished", "cancelled"}),
    )


def _of_panels(window: MainWindow) -> set[str]:
    viewport, gallery = window.rooms.viewport, window.rooms.gallery
    shown = viewport.shown if viewport is not None else set()
    return {f"shown_{name}" for name in shown} | _named(
        previews=window.wiring.previews,
        shows_run=gallery is not None and gallery.run is not None,
    )


def _named(**holds: bool) -> set[str]:
    return {name for name, true in holds.items() if true}
