from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from app.gallery.gallery import Gallery


def wait_for(condition: Callable[[], object], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        QApplication.processEvents()
        time.sleep(0.005)


def open_gallery(run: Path | None, width: int = 1000, height: int = 560) -> Gallery:
    gallery = Gallery()
    gallery.resize(width, height)
    gallery.show()
    assert QTest.qWaitForWindowExposed(gallery)
    gallery.set_run(run)
    if run is not None:
        wait_for(lambda: gallery.state is not None)
        decoded(gallery)
    return gallery


def decoded(gallery: Gallery) -> None:
    """Every picture that is wanted is there."""
    QTest.qWait(250)
    wait_for(lambda: gallery.store.idle)
    QTest.qWait(30)


def colour_at(widget: QWidget, place: QPoint) -> np.ndarray:
    picture = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    return np.array(picture.pixelColor(place).getRgb()[:3])


def close_to(colour: np.ndarray, expected: np.ndarray, most: int = 14) -> bool:
    return bool(np.abs(colour.astype(int) - expected.astype(int)).max() <= most)


def drag(widget: QWidget, start: QPoint, end: QPoint, steps: int = 5) -> None:
    QTest.mousePress(widget, Qt.MouseButton.LeftButton, pos=start)
    for step in range(1, steps + 1):
        share = step / steps
        place = QPointF(start) + (QPointF(end) - QPointF(start)) * share
        QTest.mouseMove(widget, place.toPoint())
        QApplication.processEvents()
    QTest.mouseRelease(widget, Qt.MouseButton.LeftButton, pos=end)


def turn_wheel(
    widget: QWidget, place: QPoint, clicks: int, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
) -> None:
    event = QWheelEvent(
        QPointF(place),
        QPointF(widget.mapToGlobal(place)),
        QPoint(0, 0),
        QPoint(0, 120 * clicks),
        Qt.MouseButton.NoButton,
        modifiers,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)
