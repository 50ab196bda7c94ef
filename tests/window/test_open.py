from __future__ import annotations

from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from tests.window.conftest import OpenWindow


def test_the_window_opens(qapp: QApplication, open_window: OpenWindow) -> None:
    window = open_window()
    assert QTest.qWaitForWindowExposed(window)
    assert window.welcome.isVisible()
