"""Own photos are shaped by a body or a proxy: chosen in the real window."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QPushButton

from app.panels.pose import PosePanel
from app.window import MainWindow
from tests.synthetic_capture import write_capture
from tests.window.conftest import OpenWindow, begin, settle, wait_until
from tests.window.test_capture_dialog import click, dialog_of

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = write_capture(tmp_path / "ball", views=6, size=64)
    (folder / "capture.json").unlink()
    return folder


def tabs(window: MainWindow) -> list[str]:
    inspector = window.docks.inspector
    return [inspector.tabText(index) for index in range(inspector.count()) if inspector.isTabVisible(index)]


def test_a_proxy_is_chosen_fitted_and_undone(qapp: QApplication, open_window: OpenWindow, photos: Path) -> None:
    window = open_window()
    document = begin(window, photos)  # type: ignore[arg-type]
    pose, proxy, viewport = window.rooms.panels["pose"], window.rooms.proxy, window.rooms.viewport
    assert isinstance(pose, PosePanel)
    assert proxy is not None
    assert viewport is not None
    assert wait_until(lambda: viewport.is_ready)
    assert tabs(window)[0] == "Pose"
    assert pose.control.isVisible()
    assert viewport.desk.has_body
    start = document.source_pose
    QTest.mouseClick(pose.control.buttons["depth"], LEFT)
    assert tabs(window)[0] == "Proxy"
    assert window.docks.inspector.currentWidget() is window.docks.slots["proxy"]
    assert proxy.control.hint.isVisible(), "it says what to do first"
    settle()
    assert wait_until(lambda: window.actions_of_table.possible("proxy.fit"))
    assert not window.actions_of_table.possible("pose.mirror")
    assert not viewport.desk.has_body
    # What is empty can be looked at.
    viewport.look_from("front")
    settle()
    window.actions_of_table.run("proxy.fit")
    assert wait_until(lambda: bool(document.source_proxy.parts))
    settle()
    assert not proxy.control.hint.isVisible()
    assert document.undo_stack.undoText() == "Fit proxy to the photos"
    fitted = document.source_proxy
    QTest.mouseClick(proxy.control.buttons["skeleton"], LEFT)
    assert tabs(window)[0] == "Pose"
    assert document.source_pose is start
    assert pose.control.buttons["skeleton"].isChecked()
    window.actions_of_table.run("edit.undo")
    assert tabs(window)[0] == "Proxy"
    assert document.source_proxy is fitted
    assert proxy.control.buttons["depth"].isChecked()
    window.actions_of_table.run("edit.undo")
    window.actions_of_table.run("edit.undo")
    assert tabs(window)[0] == "Pose"
    assert not document.undo_stack.canUndo()
    settle()
    assert wait_until(lambda: window.actions_of_table.possible("pose.by_proxy"))
    window.actions_of_table.run("pose.by_proxy")
    assert document.control == "depth"
    document.save()


def test_the_report_offers_the_choice(qapp: QApplication, open_window: OpenWindow, photos: Path) -> None:
    window = open_window()
    document = begin(window, photos)  # type: ignore[arg-type]
    window.capture.report()
    dialog = dialog_of(window)
    assert wait_until(lambda: not dialog.is_busy)
    box = dialog.findChild(QComboBox, "captureControl")
    assert box is not None
    assert box.isVisible()
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Down)
    assert document.control == "depth"
    assert document.undo_stack.undoText() == "Shape by a proxy"
    click(dialog, "captureClose")
    # Chosen before a project is begun with it.
    document.save()
    again = window.capture.show_report(photos)
    assert wait_until(lambda: not again.is_busy)
    other = again.findChild(QComboBox, "captureControl")
    assert other is not None
    other.setFocus()
    QTest.keyClick(other, Qt.Key.Key_Down)
    first = document.project
    click(again, "captureOpen")
    assert wait_until(lambda: document.project is not None and document.project is not first)
    settle()
    assert document.control == "depth"
    assert not document.is_modified


def test_a_capture_that_says_it_itself_shows_no_choice(open_window: OpenWindow) -> None:
    window = open_window(project="sofa")
    proxy = window.rooms.proxy
    assert proxy is not None
    assert proxy.isVisible()
    assert proxy.control.isHidden()
    assert not window.actions_of_table.possible("proxy.by_body")
    window.capture.report()
    dialog = dialog_of(window)
    assert wait_until(lambda: not dialog.is_busy)
    assert not dialog.control.isVisible()
    assert dialog.findChild(QPushButton, "captureClose") is not None
    click(dialog, "captureClose")
