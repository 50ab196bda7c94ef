from __future__ import annotations

from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.window import MainWindow


def test_the_window_opens(qapp: QApplication) -> None:
    window = MainWindow()
    window.show()
    assert QTest.qWaitForWindowExposed(window)
    assert window.docks.docks["views"].isVisible()
