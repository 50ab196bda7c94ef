"""A viewport with a project in it, and hands to work with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from PySide6.QtCore import QCoreApplication, QPoint, Qt
from PySide6.QtTest import QTest

from app.document.document import Document
from app.viewport.viewport import Viewport
from qnerf_core.body.pose import SMPL_JOINTS
from tests.window.conftest import settle, wait_until

LEFT, MIDDLE, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton, Qt.MouseButton.RightButton
NOTHING, SHIFT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier
_STEPS = 5


@contextmanager
def opened(scene: str = "person", size: tuple[int, int] = (900, 640)) -> Iterator[Viewport]:
    document = Document()
    document.new_project(scene)
    viewport = Viewport(document)
    viewport.resize(*size)
    viewport.show()
    assert QTest.qWaitForWindowExposed(viewport)
    assert wait_until(lambda: viewport.is_ready, 60)
    assert wait_until(lambda: viewport.photos._store.idle)
    QCoreApplication.processEvents()
    assert wait_until(lambda: not viewport._thumbnail_timer.isActive())
    look(viewport)
    yield viewport
    viewport.close()
    document.close_project()
    viewport.deleteLater()
    document.deleteLater()
    settle()


def look(viewport: Viewport) -> None:
    """Let what was asked for be drawn."""
    drawn: list[float] = []
    connection = viewport.frameDrawn.connect(drawn.append)
    viewport.request()
    assert wait_until(lambda: bool(drawn) and not viewport.is_travelling)
    viewport.frameDrawn.disconnect(connection)


def joint_pixel(viewport: Viewport, name: str) -> np.ndarray:
    place = viewport.document.body.joints(viewport.document.pose)[SMPL_JOINTS.index(name)]
    return viewport.current_camera().project(place)[0]


def at(pixel: np.ndarray) -> QPoint:
    return QPoint(*np.rint(pixel).astype(int).tolist())


def press(viewport: Viewport, pixel: np.ndarray, button: Qt.MouseButton = LEFT, keys: object = NOTHING) -> None:
    QTest.mousePress(viewport, button, keys, at(pixel))


def move(viewport: Viewport, start: np.ndarray, end: np.ndarray) -> None:
    for step in range(1, _STEPS + 1):
        QTest.mouseMove(viewport, at(start + (end - start) * step / _STEPS))
        look(viewport)


def release(viewport: Viewport, pixel: np.ndarray, button: Qt.MouseButton = LEFT, keys: object = NOTHING) -> None:
    QTest.mouseRelease(viewport, button, keys, at(pixel))
    QCoreApplication.processEvents()


def drag(
    viewport: Viewport, start: np.ndarray, end: np.ndarray, button: Qt.MouseButton = LEFT, keys: object = NOTHING
) -> None:
    press(viewport, start, button, keys)
    move(viewport, start, end)
    release(viewport, end, button, keys)
    look(viewport)


def click(viewport: Viewport, pixel: np.ndarray) -> None:
    QTest.mouseClick(viewport, LEFT, NOTHING, at(pixel))
    look(viewport)


def key(viewport: Viewport, which: Qt.Key, keys: object = NOTHING) -> None:
    QTest.keyClick(viewport, which, keys)
    QCoreApplication.processEvents()
