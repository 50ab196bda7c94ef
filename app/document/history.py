from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoStack

from app.document.commands import ChangeState
from app.document.state import State


class UndoableState(QObject):
    """A state, the commands that change it, and a signal for each of its fields."""

    sourcePoseChanged = Signal()
    targetPoseChanged = Signal()
    sourceProxyChanged = Signal()
    targetProxyChanged = Signal()
    pinsChanged = Signal()
    keypointsChanged = Signal()
    controlChanged = Signal()
    settingsChanged = Signal()
    modifiedChanged = Signal(bool)

    def __init__(self, state: State, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.undo_stack = QUndoStack(self)
        self._state = state
        self._change_number = 0
        self._signals = {
            "source_pose": self.sourcePoseChanged,
            "target_pose": self.targetPoseChanged,
            "source_proxy": self.sourceProxyChanged,
            "target_proxy": self.targetProxyChanged,
            "pinned": self.pinsChanged,
            "keypoints": self.keypointsChanged,
            "control": self.controlChanged,
            "spec": self.settingsChanged,
        }
        self.undo_stack.cleanChanged.connect(self._tell_modified)

    @property
    def is_modified(self) -> bool:
        return not self.undo_stack.isClean()

    def _tell_modified(self, clean: bool) -> None:
        self.modifiedChanged.emit(not clean)

    def finish_change(self) -> None:
        """What is changed from now on is a new command, also where it would have become part of the last one."""
        self._change_number += 1

    def _push(self, text: str, before: State, after: State, merge: str = "") -> None:
        if not before.differs(after):
            self._show(before)
            return
        key = f"{self._change_number} {merge}" if merge else ""
        self.undo_stack.push(ChangeState(text, before, after, self._restore, key))

    def _restore(self, state: State) -> None:
        self._show(state)

    def _show(self, state: State) -> None:
        changed = self._state.differs(state)
        self._state = state
        for name in changed:
            self._signals[name].emit()

    def _restart(self, state: State) -> None:
        self.undo_stack.clear()
        self._state = state
        self.finish_change()

    def _emit_all(self) -> None:
        for signal in self._signals.values():
            signal.emit()

    def _changed(self, **changes: Any) -> State:
        return self._state.replaced(**changes)
