from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, Signal

if TYPE_CHECKING:
    from app.preview import PreviewClient
    from qnerf_core.scene.camera import Camera

COARSE = 64


class NerfPair(QObject):
    """Renders several fields from one camera in turn: all of them coarsely first, then finely when it rests.

    The child that renders drops what it does for a newer request, so each field waits for the one before it; a camera
    that moves never takes away a coarse picture that is nearly there.
    """

    rendered = Signal(str, object)  # name of the pane, uint8 (H, W, 3)
    workingChanged = Signal(bool)

    def __init__(self, client: PreviewClient, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._client = client
        self._paths: dict[str, Path] = {}
        self._stamps: dict[str, int] = {}
        self._camera: Camera | None = None
        self._number = 0
        self._moving = False
        self._size = 256
        self._done: dict[str, tuple[int, int]] = {}
        self._asked: tuple[str, int, int] | None = None
        client.nerfReady.connect(self._take)
        client.nerfFinished.connect(self._finish)
        client.failed.connect(self._fail)

    @property
    def working(self) -> bool:
        return self._asked is not None

    def set_fields(self, fields: dict[str, tuple[Path, int]]) -> None:
        """By the name of the pane that shows them: their folders, and when they were made."""
        paths = {pane: path for pane, (path, _) in fields.items()}
        stamps = {pane: stamp for pane, (_, stamp) in fields.items()}
        if (paths, stamps) != (self._paths, self._stamps):
            self._paths, self._stamps = paths, stamps
            self._done = {}
            self._set_asked(None)
            self._next()

    def set_size(self, size: int) -> None:
        """Longer side of the finest picture, pixels."""
        self._size = max(COARSE, size)

    def move(self, camera: Camera, *, moving: bool) -> None:
        """Show all fields from there; `moving`: more is to come, fine pictures can wait."""
        self._camera, self._moving = camera, moving
        self._number += 1
        if self._asked is None or self._asked[1] > COARSE:
            self._set_asked(None)
            self._next()

    def rest(self) -> None:
        """The camera stays: now fine pictures are worth their time."""
        self._moving = False
        if self._asked is None:
            self._next()

    def stop(self) -> None:
        self._paths = {}
        self._set_asked(None)

    def _next(self) -> None:
        if self._camera is None:
            return
        sizes = (COARSE,) if self._moving else (COARSE, self._size)
        for size in sizes:
            for pane, path in self._paths.items():
                number, done = self._done.get(pane, (-1, 0))
                if number != self._number or done < size:
                    self._set_asked((pane, size, self._number))
                    self._client.render_nerf(path, self._camera, size)
                    return
        self._set_asked(None)

    def _set_asked(self, asked: tuple[str, int, int] | None) -> None:
        before, self._asked = self.working, asked
        if before != self.working:
            self.workingChanged.emit(self.working)

    def _take(self, path: str, picture: np.ndarray, _level: int) -> None:
        if self._asked is not None and str(self._paths.get(self._asked[0])) == path:
            self.rendered.emit(self._asked[0], picture)

    def _finish(self, path: str) -> None:
        if self._asked is not None and str(self._paths.get(self._asked[0])) == path:
            pane, size, number = self._asked
            self._done[pane] = (number, size)
            self._next()

    def _fail(self, _failure: object) -> None:
        if self._asked is not None:
            # The same would fail again; the other field may do.
            self._paths.pop(self._asked[0], None)
            self._next()
