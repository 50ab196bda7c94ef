"""Opening a large capture: how far it is, Cancel, and nothing half-written."""

from __future__ import annotations

from pathlib import Path
from threading import Event, Timer
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from qnerf_core.scene import preparation
from qnerf_core.scene.capture_settings import CaptureSettings, captures_folder, write_settings
from tests.scene.captures import write_capture
from tests.window.conftest import OpenWindow, settle, wait_until
from tests.window.test_shell_files import drop

LEFT = Qt.MouseButton.LeftButton


class SlowPictures:
    """The pictures of a preparation, but for some first ones, wait until they are let through."""

    def __init__(self, patch: pytest.MonkeyPatch, first: int = 0) -> None:
        left = iter(range(first))
        self.begun, self.go_on = Event(), Event()
        write = preparation._write_view

        def slowly(*arguments: Any) -> Any:
            if next(left, None) is None:
                self.begun.set()
                assert self.go_on.wait(120)
            return write(*arguments)

        patch.setattr(preparation, "_write_view", slowly)


def test_opening_is_cancelled_and_leaves_nothing_half_written(
    qapp: QApplication, open_window: OpenWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "large"
    write_capture(folder, masks=False, heldout=())
    write_settings(folder, CaptureSettings(longest_side=64, aspect=1.0))
    slow = SlowPictures(monkeypatch)
    window = open_window()
    document = window.rooms.document
    assert document is not None
    drop(window, folder)
    veil = window.opening
    assert wait_until(veil.isVisible)
    assert wait_until(slow.begun.is_set)
    assert veil.row.cancel.isVisible()
    assert window.rect().contains(veil.row.cancel.mapTo(window, veil.row.cancel.rect().center()))
    assert wait_until(lambda: "pictures" in veil.row.bar.text())
    QTest.mouseClick(veil.row.cancel, LEFT)
    assert veil.row.bar.text() == "Stopping ..."
    assert not veil.row.cancel.isEnabled()
    slow.go_on.set()
    assert wait_until(lambda: not veil.isVisible())
    settle()
    assert document.project is None
    assert window.welcome.isVisible()
    assert not window.notice_bar.isVisible(), "what was asked for is no error"
    assert not list((captures_folder() / "prepared").glob("*/*/*"))
    assert not list((captures_folder() / "prepared").glob(".*"))
    # Again, and to the end.
    drop(window, folder)
    assert wait_until(lambda: document.project is not None)
    settle()
    assert not veil.isVisible()
    assert document.scene is not None
    assert {(view.camera.width, view.camera.height) for view in document.scene.views} == {(24, 24)}


def test_closing_the_window_meanwhile_leaves_nothing_either(
    qapp: QApplication, open_window: OpenWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "large"
    write_capture(folder, masks=False, heldout=())
    write_settings(folder, CaptureSettings(longest_side=64, aspect=1.0))
    slow = SlowPictures(monkeypatch, first=2)
    window = open_window()
    drop(window, folder)
    assert wait_until(slow.begun.is_set)
    prepared = captures_folder() / "prepared"
    assert list(prepared.glob(".*")), "it is being written"
    Timer(0.3, slow.go_on.set).start()
    window.close()
    assert not list(prepared.glob(".*")), "before the program ends"
