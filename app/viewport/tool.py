from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt


class Tool:
    """What the mouse does from a press to its release, or from a key to a click."""

    cursor = Qt.CursorShape.ArrowCursor

    @property
    def hint(self) -> str:
        """A line for the user while the tool works."""
        return ""

    def move(self, at: np.ndarray) -> None:
        """The pointer is at a pixel of the viewport."""

    def key(self, _key: Qt.Key, _modifiers: Qt.KeyboardModifier) -> bool:
        """True if the tool takes the key for itself."""
        return False

    def finish(self) -> None:
        """Keep what was done."""

    def cancel(self) -> None:
        """Back to where it began."""
