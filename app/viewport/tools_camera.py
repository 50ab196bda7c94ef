from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt

from app.viewport.desk import Desk
from app.viewport.tool import Tool


class Orbit(Tool):
    cursor = Qt.CursorShape.ClosedHandCursor

    def __init__(self, desk: Desk, at: np.ndarray) -> None:
        self._desk, self._at = desk, at

    def move(self, at: np.ndarray) -> None:
        dx, dy = (at - self._at).tolist()
        self._at = at
        if dx or dy:
            self._desk.orbit(dx, dy)


class Pan(Tool):
    cursor = Qt.CursorShape.SizeAllCursor

    def __init__(self, desk: Desk, at: np.ndarray) -> None:
        self._desk, self._at = desk, at

    def move(self, at: np.ndarray) -> None:
        dx, dy = (at - self._at).tolist()
        self._at = at
        if dx or dy:
            self._desk.pan(dx, dy)
