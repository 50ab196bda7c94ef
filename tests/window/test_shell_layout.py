from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.shell import settings
from app.shell.commands_help import TOUR_SEEN
from app.shell.help import FIRST_PAGE, page_of, pages
from app.shell.tour import Tour
from app.window import MainWindow
from tests.window.conftest import OpenWindow, begin, settle, wait_until


def shown(window: MainWindow) -> set[str]:
    return {name for name, dock in window.docks.docks.items() if dock.isVisible()}


def close(window: MainWindow) -> None:
    window.closing.agree()
    window.close()
    settle()


def test_the_welcome_page_has_the_window_for_itself(window: MainWindow) -> None:
    assert shown(window) == set()
    assert window.welcome.isVisible()


def test_the_layout_is_remembered_and_can_be_reset(qapp: QApplication, open_window: OpenWindow) -> None:
    window = open_window(project="person")
    assert shown(window) == {"views", "inspector", "gallery", "queue"}
    window.docks.docks["views"].hide()
    window.docks.show("history")
    window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, window.docks.docks["queue"])
    window.resizeDocks([window.docks.docks["inspector"]], [420], Qt.Orientation.Horizontal)
    settle()
    width = window.docks.docks["inspector"].width()
    assert width > 380
    viewport = window.rooms.viewport
    assert viewport is not None
    window.actions_of_table.run("show.floor")
    window.actions_of_table.run("show.statistics")
    viewport.bar.photo.setValue(40)
    close(window)

    again = open_window(project="person")
    assert shown(again) == {"inspector", "gallery", "queue"}
    assert again.dockWidgetArea(again.docks.docks["queue"]) == Qt.DockWidgetArea.LeftDockWidgetArea
    assert abs(again.docks.docks["inspector"].width() - width) < 12
    assert again.docks.inspector.currentWidget() is again.docks.slots["history"]
    viewport = again.rooms.viewport
    assert viewport is not None
    assert viewport.shown == {"body", "skeleton", "cameras", "statistics"}
    assert (viewport.photo_opacity, viewport.body_opacity) == (0.4, 0.6)
    assert not again.actions_of_table.qactions["show.floor"].isChecked()
    again.look.reset_layout()
    settle()
    assert shown(again) == {"views", "inspector", "gallery", "queue"}
    assert again.dockWidgetArea(again.docks.docks["queue"]) == Qt.DockWidgetArea.BottomDockWidgetArea


def test_a_project_that_is_closed_gives_way_to_the_welcome_page(qapp: QApplication, open_window: OpenWindow) -> None:
    window = open_window(project="person")
    window.docks.docks["views"].hide()
    window.file.close()
    settle()
    assert shown(window) == set()
    assert window.welcome.isVisible()
    close(window)
    again = open_window(project="person")
    assert shown(again) == {"inspector", "gallery", "queue"}


def test_focus_modes_give_back_what_was(qapp: QApplication, open_window: OpenWindow) -> None:
    window = open_window(project="person")
    before = shown(window)
    QTest.keyClick(window, Qt.Key.Key_Space, Qt.KeyboardModifier.ControlModifier)
    assert wait_until(lambda: shown(window) == set())
    window.actions_of_table.run("window.focus_gallery")
    settle()
    assert shown(window) == {"gallery"}
    assert window.docks.docks["gallery"].height() > 0.8 * window.height()
    window.actions_of_table.run("window.focus_gallery")
    settle()
    assert shown(window) == before
    window.actions_of_table.run("window.focus_viewport")
    close(window)
    again = open_window(project="person")
    assert shown(again) == before


def test_the_tour_points_at_real_widgets_and_can_be_skipped(window: MainWindow) -> None:
    settings.set_flag(TOUR_SEEN, False)
    begin(window)
    assert wait_until(lambda: window.findChild(Tour) is not None)
    tour = window.findChild(Tour)
    assert isinstance(tour, Tour)
    for step in range(5):
        assert tour.step == step
        target = tour.target()
        assert target is not None
        assert window.rect().contains(target)
        QTest.keyClick(tour, Qt.Key.Key_Right)
    settle()
    assert window.findChild(Tour) is None
    assert settings.flag(TOUR_SEEN)
    window.help.tour()
    tour = window.findChild(Tour)
    assert isinstance(tour, Tour)
    QTest.keyClick(tour, Qt.Key.Key_Escape)
    settle()
    assert window.findChild(Tour) is None


def test_f1_shows_the_page_of_the_panel(window: MainWindow) -> None:
    begin(window)
    window.docks.show("edit")
    panel = window.rooms.panels["edit"]
    assert page_of(panel) == "edit"
    assert page_of(None) == FIRST_PAGE
    panel.setFocus()
    window.help.show_page(page_of(panel))
    settle()
    assert window.help_panel.isVisible()
    assert window.help_panel.page == "edit"
    for name in window.docks.slots:
        assert name == "help" or name in pages(), name
