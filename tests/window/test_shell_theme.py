from __future__ import annotations

import re
from dataclasses import asdict

import pytest
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QPushButton

from app.paths import resources_folder
from app.shell.icons import icon, set_icon
from app.shell.settings import Preferences
from app.shell.themes import DARK, LIGHT, Theme, style_sheet, themes
from tests.window.conftest import OpenWindow, settle


def luminance(colour: str) -> float:
    channels = QColor(colour).getRgbF()[:3]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    brighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=["dark", "light"])
def test_texts_can_be_read(theme: Theme) -> None:
    for back in (theme.window, theme.panel, theme.base, theme.raised, theme.hover, theme.selection):
        assert contrast(theme.text, back) >= 7.0, back
    for back in (theme.window, theme.panel, theme.base):
        for text in (theme.dim, theme.danger, theme.warning, theme.success):
            assert contrast(text, back) >= 4.5, (text, back)
        assert contrast(theme.accent, back) >= 4.0
    for back in (theme.notice_info, theme.notice_warning, theme.notice_error):
        assert contrast(theme.text, back) >= 7.0
    assert contrast(theme.on_accent, theme.accent) >= 3.2


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=["dark", "light"])
def test_the_style_sheet_names_only_what_exists(theme: Theme) -> None:
    sheet = style_sheet(theme)
    assert "@" not in sheet
    for file in re.findall(r"url\(([^)]+)\)", sheet):
        assert resources_folder() in resources_folder().parent.joinpath(file).parents
        assert resources_folder().parent.joinpath(file).is_file(), file
    used = set(re.findall(r"@(\w+)", (resources_folder() / "style.qss").read_text()))
    assert used - {"resources", "theme", "names"} <= set(asdict(theme))


def test_the_theme_is_switched_and_kept(qapp: QApplication, open_window: OpenWindow) -> None:
    window = open_window()
    button = QPushButton(window)
    set_icon(button, "pose")
    window.actions_of_table.qactions["theme.light"].trigger()
    settle()
    assert qapp.palette().color(QPalette.ColorRole.Window) == QColor(LIGHT.panel)
    assert qapp.palette().color(QPalette.ColorRole.Text) == QColor(LIGHT.text)
    light = button.icon().pixmap(16).toImage()
    assert window.actions_of_table.qactions["theme.light"].isChecked()
    assert Preferences.load().theme == "light"
    window.actions_of_table.qactions["theme.dark"].trigger()
    settle()
    assert qapp.palette().color(QPalette.ColorRole.Window) == QColor(DARK.panel)
    assert button.icon().pixmap(16).toImage() != light
    assert not window.actions_of_table.qactions["theme.light"].isChecked()
    colours = {window.grab().toImage().pixelColor(5, y).name() for y in range(120, 700, 20)}
    assert colours == {DARK.window}


def test_icons_have_the_colour_of_the_theme(qapp: QApplication) -> None:
    themes().choose("dark")
    image = icon("stop", "danger").pixmap(24).toImage()
    drawn = {
        image.pixelColor(x, y).name() for x in range(24) for y in range(24) if image.pixelColor(x, y).alpha() == 255
    }
    assert drawn == {DARK.danger}
