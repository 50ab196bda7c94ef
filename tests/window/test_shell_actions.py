from __future__ import annotations

import re

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QKeySequenceEdit,
    QLabel,
    QLineEdit,
    QListWidget,
    QPushButton,
    QWidget,
)

from app.paths import resources_folder
from app.shell import shortcuts
from app.shell.action_table import ACTIONS
from app.shell.actions import MENUS
from app.shell.conditions import conditions
from app.shell.docks import INSPECTOR_TABS, PLACES
from app.shell.palette import Entry, best, score
from app.shell.sheet import ShortcutSheet
from app.shell.shortcut_editor import ShortcutEditor
from app.viewport.viewport import SHOWABLE
from app.window import MainWindow
from tests.window.conftest import OpenWindow, begin, settle, wait_until

CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def child(parent: QWidget, kind: type, name: str) -> QWidget:
    found = parent.findChild(kind, name)
    assert found is not None, name
    return found


def test_the_table_is_sound() -> None:
    assert len({action.id for action in ACTIONS}) == len(ACTIONS)
    assert {action.menu.split("/")[0] for action in ACTIONS} == set(MENUS)
    for action in ACTIONS:
        assert not action.icon or (resources_folder() / "icons" / f"{action.icon}.svg").is_file(), action.icon
        if action.keys:
            keys = shortcuts.normal(action.keys)
            assert keys, f"{action.keys} is no key sequence"
            defaults = {other.id: shortcuts.normal(other.keys) for other in ACTIONS}
            assert shortcuts.conflict(action, keys, defaults, ACTIONS) is None


def test_every_action_finds_its_method_and_every_condition_exists(window: MainWindow) -> None:
    begin(window).select_joint("left_wrist")
    for action in ACTIONS:
        target = window.actions_of_table._targets[action.target]
        assert callable(getattr(target, action.method, None)), action.call
    source = (resources_folder().parent / "app" / "shell" / "conditions.py").read_text()
    known = set(re.findall(r"(\w+)=", source)) | {f"shows_{place.name}" for place in PLACES}
    known |= {f"shown_{name}" for name in SHOWABLE}
    known |= {"focus_viewport", "focus_gallery", "fullscreen", "theme_system", "theme_dark", "theme_light"}
    for action in ACTIONS:
        assert action.conditions <= known, action.id
        assert not action.checked or action.checked in known, action.id
    assert {"project", "joint"} <= conditions(window)
    assert all(name.lower() in window.docks.slots for name in INSPECTOR_TABS)


def test_fuzzy_search_prefers_starts_of_words() -> None:
    entries = [Entry(text, "", lambda: None) for text in ("Reset limb", "Mirror pose", "Command palette", "Promise")]
    assert best("mp", entries)[0].text == "Mirror pose"
    assert best("cpal", entries)[0].text == "Command palette"
    assert best("", entries) == entries
    assert score("xyz", "Mirror pose") is None
    assert best("MIRR", entries)[0].text == "Mirror pose"


def test_the_palette_runs_what_is_typed(window: MainWindow) -> None:
    document = begin(window)
    before = document.target_pose
    document.apply_library_pose("kick")
    settle()
    QTest.keyClick(window, Qt.Key.Key_P, CONTROL | SHIFT)
    assert wait_until(lambda: any(w.objectName() == "palette" for w in QApplication.topLevelWidgets()))
    palette = next(w for w in QApplication.topLevelWidgets() if w.objectName() == "palette")
    query = child(palette, QLineEdit, "paletteQuery")
    QTest.keyClicks(query, "undo")
    rows = child(palette, QListWidget, "paletteList")
    assert isinstance(rows, QListWidget)
    assert rows.item(0).text() == "Undo Apply kick"
    QTest.keyClick(query, Qt.Key.Key_Return)
    settle()
    assert document.target_pose == before
    assert not document.undo_stack.canUndo()


def test_the_edit_menu_says_what_is_undone(window: MainWindow) -> None:
    document = begin(window)
    undo = window.actions_of_table.qactions["edit.undo"]
    assert not undo.isEnabled()
    document.apply_library_pose("kick")
    assert wait_until(undo.isEnabled)
    assert undo.text() == "Undo Apply kick"
    assert window.isWindowModified()
    undo.trigger()
    redo = window.actions_of_table.qactions["edit.redo"]
    assert wait_until(redo.isEnabled)
    assert redo.text() == "Redo Apply kick"


def test_actions_without_a_project_are_off(window: MainWindow) -> None:
    settle()
    actions = window.actions_of_table.qactions
    assert not actions["file.save"].isEnabled()
    assert not actions["pose.mirror"].isEnabled()
    assert actions["file.open"].isEnabled()


def editor_of(window: MainWindow) -> ShortcutEditor:
    window.help.edit_shortcuts()
    settle()
    return next(w for w in QApplication.topLevelWidgets() if isinstance(w, ShortcutEditor) and w.isVisible())


def test_a_shortcut_is_changed_and_kept(qapp: QApplication, open_window: OpenWindow) -> None:
    window = open_window(project="person")
    editor = editor_of(window)
    editor.choose("pose.mirror")
    keys = child(editor, QKeySequenceEdit, "shortcutKeys")
    assert isinstance(keys, QKeySequenceEdit)
    keys.setFocus()
    QTest.keyClick(keys, Qt.Key.Key_F7)
    assert wait_until(lambda: keys.keySequence() == QKeySequence("F7"))
    editor.accept()
    settle()
    mirror = window.actions_of_table.qactions["pose.mirror"]
    assert mirror.shortcut() == QKeySequence("F7")
    assert mirror.toolTip() == "Swap left and right (F7)"
    document = window.rooms.document
    assert document is not None
    document.apply_library_pose("kick")
    settle()
    window.activateWindow()
    assert wait_until(window.isActiveWindow)
    QTest.keyClick(window, Qt.Key.Key_F7)
    assert document.undo_stack.undoText() == "Mirror pose"
    window.closing.agree()
    window.close()
    again = open_window()
    assert again.actions_of_table.qactions["pose.mirror"].shortcut() == QKeySequence("F7")


def test_a_taken_shortcut_is_named_and_can_be_taken_over(window: MainWindow) -> None:
    editor = editor_of(window)
    editor.choose("pose.mirror")
    keys = child(editor, QKeySequenceEdit, "shortcutKeys")
    assert isinstance(keys, QKeySequenceEdit)
    keys.setKeySequence(QKeySequence("Ctrl+S"))
    said = child(editor, QLabel, "shortcutConflict")
    assert isinstance(said, QLabel)
    assert said.text() == "These keys already belong to \u201cFile: Save\u201d."
    QTest.mouseClick(child(editor, QPushButton, "shortcutTakeOver"), Qt.MouseButton.LeftButton)
    assert said.text() == ""
    editor.accept()
    actions = window.actions_of_table.qactions
    assert actions["pose.mirror"].shortcut() == QKeySequence("Ctrl+S")
    assert actions["file.save"].shortcut().isEmpty()
    editor = editor_of(window)
    QTest.mouseClick(child(editor, QPushButton, "shortcutResetAll"), Qt.MouseButton.LeftButton)
    editor.accept()
    assert actions["file.save"].shortcut() == QKeySequence("Ctrl+S")


def test_the_sheet_lists_every_shortcut(window: MainWindow) -> None:
    window.help.sheet()
    sheet = next(w for w in QApplication.topLevelWidgets() if isinstance(w, ShortcutSheet) and w.isVisible())
    shown = {label.text() for label in sheet.findChildren(QLabel)}
    for action in ACTIONS:
        if action.keys:
            assert shortcuts.shown(action.keys) in shown
            assert action.name in shown
    sheet.close()


@pytest.mark.parametrize("name", ["help.about", "help.sheet", "edit.shortcuts", "file.preferences"])
def test_dialogs_open_without_holding_up_the_program(window: MainWindow, name: str) -> None:
    window.actions_of_table.qactions[name].trigger()
    dialogs = [w for w in QApplication.topLevelWidgets() if isinstance(w, QDialog) and w.isVisible()]
    assert len(dialogs) == 1
    dialogs[0].reject()
