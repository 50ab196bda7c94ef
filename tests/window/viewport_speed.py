"""How fast the viewport draws, to be run by hand on a machine that does nothing else:

xvfb-run -a -s "-screen 0 1280x800x24 +extension GLX" python -m tests.window.viewport_speed
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QCoreApplication, QEventLoop, Qt
from PySide6.QtTest import QTest

from app.viewport.viewport import Viewport
from tests.window.viewport_hands import LEFT, MIDDLE, NOTHING, at, joint_pixel, look, opened

FRAMES = 80
SIZE = (1280, 800)


def measure(name: str, viewport: Viewport, step: Callable[[int], np.ndarray]) -> None:
    spent: list[float] = []
    connection = viewport.frameDrawn.connect(spent.append)
    wall, processor, thread = time.perf_counter(), time.process_time(), time.thread_time()
    for number in range(FRAMES):
        before = len(spent)
        QTest.mouseMove(viewport, at(step(number)))
        while len(spent) == before:
            QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
    rate = FRAMES / (time.perf_counter() - wall)
    processor, thread = (1000 * (now - then) / FRAMES for now, then in _pairs(processor, thread))
    viewport.frameDrawn.disconnect(connection)
    print(  # noqa: T201 - this is what it is for
        f"{name:16} {rate:5.1f} fps   {np.median(spent):5.1f} ms a frame (median)   "
        f"{processor:5.1f} ms of processor, {thread:.1f} of them in the window's thread"
    )


def _pairs(processor: float, thread: float) -> list[tuple[float, float]]:
    return [(time.process_time(), processor), (time.thread_time(), thread)]


def held(viewport: Viewport, start: np.ndarray, button: Qt.MouseButton, pace: np.ndarray, name: str) -> None:
    QTest.mousePress(viewport, button, NOTHING, at(start))
    QTest.mouseMove(viewport, at(start + 6))
    measure(name, viewport, lambda number: start + 6 + pace * number)
    QTest.mouseRelease(viewport, button, NOTHING, at(start + 6 + pace * FRAMES))
    look(viewport)


def main() -> None:
    os.environ["QNERF_HOME"] = tempfile.mkdtemp()
    from app.shell.application import make_application

    make_application(["viewport-speed"])
    with opened(size=SIZE) as viewport:
        held(viewport, np.array([200.0, 400.0]), MIDDLE, np.array([5.0, 0.5]), "orbit")
        viewport.look_from("corner")
        look(viewport)
        held(viewport, joint_pixel(viewport, "left_wrist"), LEFT, np.array([1.0, -3.0]), "drag")
        viewport.look_through("001")
        look(viewport)
        held(viewport, joint_pixel(viewport, "left_wrist"), LEFT, np.array([1.0, -2.0]), "drag over photo")


if __name__ == "__main__":
    main()
