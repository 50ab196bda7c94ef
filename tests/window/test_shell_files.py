from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu

from app.shell import failures
from app.shell.settings import Preferences
from app.shell.welcome import CaptureCard, RecentRow, ago, builtin_captures
from app.window import MainWindow
from qnerf_core import assets
from tests.window.conftest import OpenWindow, settle, wait_until

COPY, LEFT = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton


def drop(window: MainWindow, path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    none = Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPointF(100, 300), COPY, data, LEFT, none)
    QCoreApplication.sendEvent(window, enter)
    assert enter.isAccepted()
    QCoreApplication.sendEvent(window, QDropEvent(QPointF(100, 300), COPY, data, LEFT, none))


def opened(window: MainWindow) -> Path:
    document = window.rooms.document
    assert document is not None
    assert wait_until(lambda: document.project is not None)
    assert document.project is not None
    settle()
    return document.project.folder


def test_a_dropped_capture_begins_a_project_and_the_project_opens_again(
    qapp: QApplication, open_window: OpenWindow
) -> None:
    window = open_window()
    drop(window, assets.scene_folder("person"))
    folder = opened(window)
    assert window.stack.currentWidget() is window.viewport_slot
    document = window.rooms.document
    assert document is not None
    document.apply_library_pose("kick")
    document.save()
    pose = document.target_pose
    window.file.close()
    assert document.project is None
    drop(window, folder / "project.json")
    assert opened(window) == folder
    assert np.allclose(document.target_pose.body_pose, pose.body_pose)


def test_the_path_of_the_command_line_is_opened(qapp: QApplication, open_window: OpenWindow) -> None:
    window = open_window(path=assets.scene_folder("person"))
    opened(window)
    assert window.rooms.document is not None
    assert window.rooms.document.scene is not None
    assert window.rooms.document.scene.name == "person"


def test_what_cannot_be_opened_is_a_notice(
    qapp: QApplication, open_window: OpenWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.excepthook", failures.on_exception)
    window = open_window()
    drop(window, tmp_path)
    assert wait_until(window.notice_bar.isVisible)
    assert window.notice_bar.notice is not None
    assert window.notice_bar.notice.next_step
    assert wait_until(lambda: not window.opening.isVisible())
    assert window.welcome.isVisible()


def test_the_welcome_page_offers_captures_and_recent_projects(qapp: QApplication, open_window: OpenWindow) -> None:
    assert [entry.name for entry in builtin_captures()] == assets.builtin_scenes()
    window = open_window()
    card = window.welcome.findChild(CaptureCard, "capture person")
    assert isinstance(card, CaptureCard)
    assert card.entry.line.startswith("24 views")
    QTest.mouseClick(card, LEFT)
    folder = opened(window)
    document = window.rooms.document
    assert document is not None
    document.apply_library_pose("kick")
    document.save()
    window.file.new()
    settle()
    row = window.welcome.findChild(RecentRow)
    assert isinstance(row, RecentRow)
    assert row.isVisible()
    menu = QMenu()
    window.file.fill_recent(menu)
    assert [action.text() for action in menu.actions()] == [row.entry.name]
    QTest.mouseClick(row, LEFT)
    assert opened(window) == folder
    window.file.new()
    window.welcome.projectForgotten.emit(folder)
    settle()
    assert window.welcome.findChild(RecentRow) is None


def test_how_long_ago() -> None:
    assert ago(20) == "just now"
    assert ago(61) == "1 minute ago"
    assert ago(7300) == "2 hours ago"
    assert ago(86400 * 15) == "2 weeks ago"


def test_a_run_above_the_memory_limit_waits(qapp: QApplication, open_window: OpenWindow) -> None:
    Preferences(run_memory_gb=0.1).save()
    window = open_window(project="person")
    queue, document = window.rooms.queue, window.rooms.document
    assert queue is not None
    assert document is not None
    document.apply_edit("kick")
    job = queue.submit_edit(document)
    settle()
    assert job.state == "paused"
    assert window.notice_bar.notice is not None
    assert "0.1 GB" in window.notice_bar.notice.cause
    queue.remove(job.id)
