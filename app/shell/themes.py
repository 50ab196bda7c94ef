"""Dark and light: a palette and a style sheet from one set of colours, following the system or chosen."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

from app.paths import resources_folder
from app.shell.settings import ThemeChoice


@dataclass(frozen=True)
class Theme:
    name: str
    window: str
    panel: str
    base: str
    raised: str
    hover: str
    pressed: str
    border: str
    strong_border: str
    text: str
    dim: str
    disabled: str
    accent: str
    accent_hover: str
    on_accent: str
    selection: str
    danger: str
    warning: str
    success: str
    notice_info: str
    notice_warning: str
    notice_error: str
    tooltip: str


DARK = Theme(
    name="dark",
    window="#17191d",
    panel="#1f2227",
    base="#15171a",
    raised="#2b2f36",
    hover="#353a43",
    pressed="#23272d",
    border="#2e333a",
    strong_border="#454c57",
    text="#e4e7eb",
    dim="#98a1ad",
    disabled="#626b77",
    accent="#4c8dff",
    accent_hover="#6aa1ff",
    on_accent="#ffffff",
    selection="#274a80",
    danger="#f0616d",
    warning="#e3a53a",
    success="#4fb477",
    notice_info="#1f3350",
    notice_warning="#42351b",
    notice_error="#482329",
    tooltip="#2b2f36",
)

LIGHT = Theme(
    name="light",
    window="#e6e9ed",
    panel="#f6f7f9",
    base="#ffffff",
    raised="#ffffff",
    hover="#eaf0f9",
    pressed="#d9e2ef",
    border="#d3d8df",
    strong_border="#aeb6c1",
    text="#1b2027",
    dim="#58626f",
    disabled="#9aa3ae",
    accent="#1f66d6",
    accent_hover="#1757bb",
    on_accent="#ffffff",
    selection="#c9ddfb",
    danger="#c02b39",
    warning="#835500",
    success="#17693b",
    notice_info="#dbe8fb",
    notice_warning="#fbedcd",
    notice_error="#fbdcdf",
    tooltip="#ffffff",
)


class Themes(QObject):
    """The theme in use; `changed` comes after palette and style sheet are set."""

    changed = Signal()

    def __init__(self, application: QApplication) -> None:
        super().__init__(application)
        self._application = application
        self._choice: ThemeChoice = "system"
        self._theme: Theme | None = None
        application.styleHints().colorSchemeChanged.connect(self._follow_system)

    @property
    def theme(self) -> Theme:
        return self._theme or DARK

    @property
    def choice(self) -> ThemeChoice:
        return self._choice

    def choose(self, choice: ThemeChoice) -> None:
        self._choice = choice
        self._apply(self._wanted())

    def _follow_system(self) -> None:
        if self._choice == "system":
            self._apply(self._wanted())

    def _wanted(self) -> Theme:
        if self._choice == "system":
            light = self._application.styleHints().colorScheme() == Qt.ColorScheme.Light
            return LIGHT if light else DARK
        return LIGHT if self._choice == "light" else DARK

    def _apply(self, theme: Theme) -> None:
        if theme is self._theme:
            return
        self._theme = theme
        self._application.setPalette(palette(theme))
        self._application.setStyleSheet(style_sheet(theme))
        self.changed.emit()


def palette(theme: Theme) -> QPalette:
    result = QPalette()
    role, group = QPalette.ColorRole, QPalette.ColorGroup
    for which, colour in (
        (role.Window, theme.panel),
        (role.WindowText, theme.text),
        (role.Base, theme.base),
        (role.AlternateBase, theme.panel),
        (role.Text, theme.text),
        (role.Button, theme.raised),
        (role.ButtonText, theme.text),
        (role.BrightText, theme.danger),
        (role.Highlight, theme.accent),
        (role.HighlightedText, theme.on_accent),
        (role.Accent, theme.accent),
        (role.Link, theme.accent),
        (role.LinkVisited, theme.accent),
        (role.ToolTipBase, theme.tooltip),
        (role.ToolTipText, theme.text),
        (role.PlaceholderText, theme.disabled),
        (role.Light, theme.hover),
        (role.Midlight, theme.raised),
        (role.Mid, theme.border),
        (role.Dark, theme.window),
        (role.Shadow, theme.strong_border),
    ):
        result.setColor(which, QColor(colour))
    for which in (role.WindowText, role.Text, role.ButtonText):
        result.setColor(group.Disabled, which, QColor(theme.disabled))
    result.setColor(group.Disabled, role.Highlight, QColor(theme.border))
    return result


def style_sheet(theme: Theme) -> str:
    text = (resources_folder() / "style.qss").read_text(encoding="utf-8")
    text = text.replace("@resources", resources_folder().as_posix()).replace("@theme", theme.name)
    # Longest first: @text must not eat the start of another name.
    for name, value in sorted(asdict(theme).items(), key=lambda item: -len(item[0])):
        text = text.replace(f"@{name}", value)
    return text


def themes() -> Themes:
    """The one of the application, made on first use."""
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    found = application.findChild(Themes)
    return found if isinstance(found, Themes) else Themes(application)
