from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

if TYPE_CHECKING:
    from app.document.document import Document


class PoseCommands(QObject):
    """What the Pose menu does beyond what the document offers itself."""

    def __init__(self, document: Document) -> None:
        super().__init__(document)
        self._document = document

    def pin(self) -> None:
        joint = self._document.selected_joint
        if joint is not None:
            self._document.toggle_pin(joint)

    def show_both(self) -> None:
        self._document.set_show_both(not self._document.show_both)

    def pose_source(self) -> None:
        self._document.set_posed("target" if self._document.posed == "source" else "source")
