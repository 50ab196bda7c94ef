from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.document.document import Document
from app.panels.views import ViewsPanel
from tests.window.conftest import settle, wait_until


@pytest.fixture
def panel(qapp: QApplication) -> Iterator[ViewsPanel]:
    document = Document()
    document.new_project("person")
    panel = ViewsPanel(document)
    panel.resize(200, 420)
    panel.show()
    assert QTest.qWaitForWindowExposed(panel)
    settle()
    yield panel
    panel.shutdown()
    panel.close()
    document.close_project()


def middle_of(panel: ViewsPanel, row: int) -> QPoint:
    area = panel.list.visualRect(panel.model.index(row))
    return area.topLeft() + QPoint(area.width() // 2, area.height() // 3)


def test_a_click_looks_through_and_keys_step_and_toggle(panel: ViewsPanel) -> None:
    document = panel._document
    names = [view.name for view in panel.model.views]
    QTest.mouseClick(panel.list.viewport(), Qt.MouseButton.LeftButton, pos=middle_of(panel, 1))
    assert (document.current_view, document.looking_through) == (names[1], True)
    assert panel.through.isChecked()
    QTest.keyClick(panel.list, Qt.Key.Key_Right)
    assert (document.current_view, document.looking_through) == (names[2], True)
    QTest.keyClick(panel.list, Qt.Key.Key_Down)
    assert document.current_view == names[4]
    QTest.keyClick(panel.list, Qt.Key.Key_Space)
    assert (document.current_view, document.looking_through) == (names[4], False)
    QTest.mouseClick(panel.through, Qt.MouseButton.LeftButton)
    assert document.looking_through


def test_it_follows_the_document(panel: ViewsPanel) -> None:
    last = panel.model.views[-1].name
    panel._document.set_current_view(last, False)
    assert panel.model.views[panel.list.currentIndex().row()].name == last
    area = panel.list.visualRect(panel.list.currentIndex())
    assert panel.list.viewport().rect().intersects(area)
    assert not panel._document.looking_through


def test_only_thumbnails_near_the_eye_are_read_and_they_are_small(panel: ViewsPanel) -> None:
    assert panel.summary.text() == "32 views, 8 kept out"
    assert wait_until(lambda: panel._thumbnail(0) is not None)
    assert wait_until(lambda: panel._store.idle)
    last = len(panel.model.views) - 1
    assert panel._thumbnail(last) is None
    image = panel._thumbnail(0)
    assert image is not None
    assert max(image.width(), image.height()) <= panel.delegate.picture_size.width() * panel.devicePixelRatioF()
    bar = panel.list.verticalScrollBar()
    bar.setValue(bar.maximum())
    assert wait_until(lambda: panel._thumbnail(last) is not None)
