from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QUndoCommand

from app.document.state import State

_MERGEABLE = 1


class ChangeState(QUndoCommand):
    """From one state to another. Commands of one merge key become one."""

    def __init__(
        self, text: str, before: State, after: State, apply: Callable[[State], None], merge_key: str = ""
    ) -> None:
        super().__init__(text)
        self.before, self.after, self.merge_key = before, after, merge_key
        self._apply = apply

    def redo(self) -> None:
        self._apply(self.after)

    def undo(self) -> None:
        self._apply(self.before)

    def id(self) -> int:
        return _MERGEABLE if self.merge_key else -1

    def mergeWith(self, other: QUndoCommand) -> bool:
        if not isinstance(other, ChangeState) or other.merge_key != self.merge_key:
            return False
        self.after = other.after
        self.setObsolete(not self.before.differs(self.after))
        return True
