from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QTreeWidgetItem

from app.document.document import Document
from app.panels.proxy import ProxyPanel
from app.watchdog import Watchdog
from qnerf_core.proxy.files import read_proxy
from tests.window.conftest import OpenWindow, settle, wait_until

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def panel(qapp: QApplication) -> Iterator[ProxyPanel]:
    document = Document()
    panel = ProxyPanel(document)
    document.new_project("sofa")
    panel.resize(340, 900)
    panel.show()
    assert QTest.qWaitForWindowExposed(panel)
    assert wait_until(lambda: panel.parts.tree.topLevelItemCount() > 0)
    yield panel
    assert wait_until(lambda: not panel.picture.seen._is_busy and not panel.files.fitter.is_working)
    panel.close()
    document.close_project()
    panel.deleteLater()
    document.deleteLater()
    settle()


def item(panel: ProxyPanel, name: str) -> QTreeWidgetItem:
    return panel.parts.tree.findItems(name, Qt.MatchFlag.MatchExactly | Qt.MatchFlag.MatchRecursive)[0]


def shown(panel: ProxyPanel) -> None:
    assert wait_until(lambda: not panel._timer.isActive())


def test_numbers_change_the_selected_part(panel: ProxyPanel) -> None:
    document = panel._document
    place = panel.parts.tree.visualItemRect(item(panel, "back")).center()
    QTest.mouseClick(panel.parts.tree.viewport(), LEFT, pos=place)
    assert document.selected_parts == ("back",)
    shown(panel)
    box = panel.values.boxes["size", 2]
    assert box.value() == pytest.approx(document.proxy.part("back").size[2], abs=1e-3)
    box.setFocus()
    box.selectAll()
    QTest.keyClicks(box, "1.25")
    QTest.keyClick(box, Qt.Key.Key_Return)
    assert document.proxy.part("back").size[2] == pytest.approx(1.25)
    assert document.undo_stack.undoText() == "Scale back"
    angle = panel.values.boxes["angles", 2]
    angle.setValue(90.0)
    np.testing.assert_allclose(document.proxy.part("back").axes[:, 0], [0.0, 1.0, 0.0], atol=1e-9)
    document.undo_stack.setIndex(0)
    shown(panel)
    assert angle.value() == 0.0


def test_parts_are_added_grouped_renamed_and_deleted(panel: ProxyPanel) -> None:
    document = panel._document
    cylinder = next(action for action in panel.parts.add.menu().actions() if action.text() == "Cylinder")
    cylinder.trigger()
    shown(panel)
    assert item(panel, "cylinder").isSelected()
    document.select_parts(["seat", "cylinder"])
    shown(panel)
    QTest.mouseClick(panel.parts.buttons["group"], LEFT)
    shown(panel)
    assert item(panel, "Group 1").childCount() == 2
    item(panel, "cylinder").setText(0, "foot rest")
    assert document.selected_parts == ("seat", "foot rest")
    item(panel, "foot rest").setText(0, "seat")
    assert "foot rest" in document.proxy.names
    assert panel.parts.tree.findItems("foot rest", Qt.MatchFlag.MatchExactly | Qt.MatchFlag.MatchRecursive)
    QTest.mouseClick(panel.parts.buttons["delete"], LEFT)
    assert document.proxy.names == ("back", "left arm", "right arm")


def test_the_depth_picture_follows_and_warns(panel: ProxyPanel) -> None:
    document = panel._document
    pictures: list[np.ndarray] = []
    panel.picture.seen.ready.connect(lambda _view, pixels: pictures.append(pixels))
    document.apply_edit("high-back")
    assert wait_until(lambda: bool(pictures))
    assert panel.picture.picture.image is not None
    before = pictures[-1]
    document.apply_edit("armchair")
    assert wait_until(lambda: not np.array_equal(pictures[-1], before))
    assert not panel.picture.warning.isVisible()
    document.set_posed("source")
    document.set_proxy(document.proxy.scaled(None, np.full(3, 0.6)), "Shrink")
    assert wait_until(panel.picture.warning.isVisible)
    assert "too tight" in panel.picture.warning.text()
    document.undo_stack.undo()
    document.set_posed("target")
    document.set_proxy(document.proxy.moved(None, np.array([0.0, 0.0, -0.5])), "Sink")
    assert wait_until(lambda: "through the floor" in panel.picture.warning.text())


def test_a_proxy_is_fitted_beside_the_window_and_can_be_dropped(panel: ProxyPanel) -> None:
    document = panel._document
    panel.folds["files"].set_open(True)
    start = document.proxy
    working = panel.files.working
    QTest.mouseClick(panel.files.fit, LEFT)
    assert working.isVisible()
    assert not panel.files.fit.isEnabled()
    QTest.mouseClick(working.cancel, LEFT)
    assert working.bar.text() == "Stopping ..."
    assert not working.cancel.isEnabled()
    assert wait_until(lambda: not panel.files.fitter.is_working)
    assert not working.isVisible()
    assert document.proxy is start
    shown: list[int] = []
    panel.files.fitter.changed.connect(lambda: shown.append(working.bar.value()))
    QTest.mouseClick(panel.files.fit, LEFT)
    assert working.bar.text().startswith("Fitting the proxy")
    assert wait_until(lambda: document.undo_stack.count() > 0)
    assert len(set(shown)) > 2, "the bar moves"
    assert shown == sorted(shown)
    assert document.undo_stack.undoText() == "Fit proxy to the photos"
    assert document.source_proxy is document.target_proxy
    assert document.proxy.names[0] == "box 1"
    settle()
    document.undo_stack.undo()
    assert document.proxy is start
    assert not document.undo_stack.canUndo()


@pytest.mark.slow
def test_a_fit_stops_within_a_second_and_never_holds_up_the_window(panel: ProxyPanel) -> None:
    panel.folds["files"].set_open(True)
    document, fitter = panel._document, panel.files.fitter
    watchdog = Watchdog(panel)
    for kind in ("boxes", "mesh"):
        panel.files.kind.setCurrentIndex(panel.files.kind.findData(kind))
        watchdog.start()
        QTest.mouseClick(panel.files.fit, LEFT)
        assert wait_until(lambda: not fitter.is_working)
        watchdog.stop()
        assert watchdog.longest_own < 100, f"and {watchdog.longest:.0f} ms by the clock"
    count = document.undo_stack.count()
    for share in (0.1, 0.4, 0.8):
        panel.files.kind.setCurrentIndex(panel.files.kind.findData("boxes"))
        QTest.mouseClick(panel.files.fit, LEFT)
        assert wait_until(lambda: fitter.share >= share)  # noqa: B023
        began = time.monotonic()
        QTest.mouseClick(panel.files.working.cancel, LEFT)
        assert time.monotonic() - began < 0.2
        assert wait_until(lambda: not fitter.is_working)
        assert time.monotonic() - began < 1.0
    assert document.undo_stack.count() == count


def test_proxies_and_meshes_go_to_files_and_come_back(panel: ProxyPanel, tmp_path: Path) -> None:
    document = panel._document
    document.apply_edit("wider")
    panel.files.export_file(str(tmp_path / "mine.json"))
    panel.files.export_file(str(tmp_path / "mine.glb"))
    assert read_proxy(tmp_path / "mine.json").names == document.proxy.names
    document.undo_stack.undo()
    panel.files.import_file(str(tmp_path / "mine.json"))
    assert document.edit_name == "wider"
    panel.files.import_file(str(tmp_path / "mine.glb"))
    assert len(document.proxy.parts) == 8
    assert document.proxy.part("seat 2").kind == "mesh"
    np.testing.assert_allclose(document.proxy.box(["seat 2"]), document.proxy.box(["seat"]), atol=1e-5)


def test_the_window_has_a_proxy_tab_and_menu_for_such_a_capture(open_window: OpenWindow) -> None:
    window = open_window(project="sofa")
    document, inspector = window.rooms.document, window.docks.inspector
    assert document is not None
    tabs = [inspector.tabText(index) for index in range(inspector.count()) if inspector.isTabVisible(index)]
    assert tabs == ["Proxy", "Edit", "Result", "Export", "History"]
    window.actions_of_table.run("window.pose_tab")
    assert inspector.currentWidget() is window.docks.slots["proxy"]
    viewport = window.rooms.viewport
    assert viewport is not None
    assert wait_until(lambda: viewport.is_ready)
    viewport.setFocus()
    window.refresh()
    settle()
    assert not window.actions_of_table.possible("pose.mirror")
    QTest.keyClick(viewport, Qt.Key.Key_A)
    assert len(document.selected_parts) == 4
    assert wait_until(lambda: window.actions_of_table.possible("proxy.group"))
    QTest.mouseMove(viewport, QPoint(200, 200))
    QTest.keyClick(viewport, Qt.Key.Key_D, Qt.KeyboardModifier.ShiftModifier)
    assert document.selected_parts == ("seat 2", "back 2", "left arm 2", "right arm 2")
    QTest.keyClicks(viewport, "x0.5")
    QTest.keyClick(viewport, Qt.Key.Key_Return)
    offset = document.proxy.part("seat 2").centre - document.proxy.part("seat").centre
    np.testing.assert_allclose(offset, [0.5, 0.0, 0.0], atol=1e-9)
    QTest.keyClick(viewport, Qt.Key.Key_Delete)
    assert len(document.proxy.parts) == 4
