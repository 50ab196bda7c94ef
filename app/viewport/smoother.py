from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from qnerf_core.scene.camera import Camera

_RESTS_MS = 180
_OFFSETS = (
    (0.0625, -0.1875),
    (-0.0625, 0.1875),
    (0.3125, 0.0625),
    (-0.1875, -0.3125),
    (-0.3125, 0.3125),
    (-0.4375, -0.0625),
    (0.1875, 0.4375),
    (0.4375, -0.4375),
)
"""Of a pixel; the pattern that Direct3D uses for eight samples."""


class Smoother(QObject):
    """Smooth edges for a picture at rest: the mean of frames moved by parts of a pixel, one at a time.

    Multisampling would make every frame six times as slow where a processor draws.
    """

    finished = Signal(object)

    def __init__(self, render: Callable[[Camera], np.ndarray], parent: QObject) -> None:
        super().__init__(parent)
        self._render = render
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._step)
        self._camera: Camera | None = None
        self._sum = np.zeros((0, 0, 4), dtype=np.uint16)
        self._count = 0

    def restart(self, camera: Camera) -> None:
        self._camera, self._count = camera, 0
        self._timer.start(_RESTS_MS)

    def stop(self) -> None:
        self._timer.stop()

    def _step(self) -> None:
        camera = self._camera
        if camera is None:
            return
        x, y = _OFFSETS[self._count]
        picture = self._render(replace(camera, cx=camera.cx + x, cy=camera.cy + y))
        if self._count == 0:
            self._sum = picture.astype(np.uint16)
        else:
            self._sum += picture
        self._count += 1
        if self._count < len(_OFFSETS):
            self._timer.start(0)
        else:
            self.finished.emit((self._sum // len(_OFFSETS)).astype(np.uint8))
            self._sum = np.zeros((0, 0, 4), dtype=np.uint16)
