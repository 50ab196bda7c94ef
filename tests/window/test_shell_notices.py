from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt, QTimer, qWarning
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPlainTextEdit, QPushButton, QToolButton

from app.paths import logs_folder
from app.shell import failures, log
from app.shell.notices import notify
from app.window import MainWindow
from qnerf_core.errors import RunError
from tests.window.conftest import settle, wait_until


@pytest.fixture
def caught(application: QApplication, window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> Iterator[log.LogLines]:
    """The program's own handling of exceptions and messages, as `python main.py` installs it."""
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    lines = log.start_logging(application)
    undo = failures.install()
    yield lines
    undo()
    log.stop_logging()
    lines.deleteLater()


def button(window: MainWindow, name: str) -> QPushButton:
    found = window.notice_bar.findChild(QPushButton, name)
    assert isinstance(found, QPushButton)
    return found


def test_an_error_of_a_slot_is_a_notice_and_the_program_goes_on(caught: log.LogLines, window: MainWindow) -> None:
    def slot() -> None:
        raise ValueError("no such thing")

    QTimer.singleShot(0, slot)
    assert wait_until(window.notice_bar.isVisible)
    notice = window.notice_bar.notice
    assert notice is not None
    assert notice.severity == "error"
    assert notice.cause == "ValueError: no such thing"
    assert "in slot" in notice.details
    QTest.mouseClick(button(window, "noticeCopy"), Qt.MouseButton.LeftButton)
    assert "no such thing" in QApplication.clipboard().text()
    assert "Traceback" in QApplication.clipboard().text()
    text = window.notice_bar.findChild(QPlainTextEdit, "noticeDetailsText")
    assert isinstance(text, QPlainTextEdit)
    assert not text.isVisible()
    QTest.mouseClick(button(window, "noticeDetails"), Qt.MouseButton.LeftButton)
    assert text.isVisible()
    assert "Traceback" in text.toPlainText()
    close = window.notice_bar.findChild(QToolButton, "noticeClose")
    assert isinstance(close, QToolButton)
    QTest.mouseClick(close, Qt.MouseButton.LeftButton)
    assert not window.notice_bar.isVisible()
    assert "no such thing" in (logs_folder() / log.LOG_FILE).read_text()


def test_errors_of_users_and_of_threads(caught: log.LogLines, window: MainWindow) -> None:

    def fail() -> None:
        raise RunError("Cannot read the run", "its folder is gone", "Choose another run.")

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    assert wait_until(window.notice_bar.isVisible)
    notice = window.notice_bar.notice
    assert notice is not None
    assert (notice.title, notice.cause) == ("Cannot read the run", "its folder is gone")
    assert not notice.details


def test_the_same_error_again_is_counted_and_others_wait(caught: log.LogLines, window: MainWindow) -> None:
    for _ in range(3):
        notify("Disk is full", severity="error")
    notify("Another", severity="error")
    notify("Saved", severity="success")
    settle()
    title = window.notice_bar._title.text()
    assert title.startswith("Disk is full (3 times)")
    assert "+2 more" in title
    window.notice_bar.dismiss()
    assert window.notice_bar.notice is not None
    assert window.notice_bar.notice.title == "Another"


def test_the_actions_of_a_notice(caught: log.LogLines, window: MainWindow) -> None:
    done: list[str] = []
    notify("Exported", actions=[("Open the folder", lambda: done.append("open"))], severity="success")
    settle()
    opener = next(b for b in window.notice_bar.findChildren(QPushButton) if b.text() == "Open the folder")
    QTest.mouseClick(opener, Qt.MouseButton.LeftButton)
    assert done == ["open"]
    assert not window.notice_bar.isVisible()


def test_what_qt_says_is_logged(caught: log.LogLines, window: MainWindow) -> None:
    qWarning("something odd")
    logging.getLogger("test").info("hello")
    settle()
    assert any("something odd" in text and level == logging.WARNING for level, text in caught.lines)
    assert not window.notice_bar.isVisible()
