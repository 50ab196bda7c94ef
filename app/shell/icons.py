"""The program's own icons, drawn in the colours of the theme and redrawn when that changes."""

from __future__ import annotations

import weakref
from functools import lru_cache
from typing import Protocol

import shiboken6
from PySide6.QtCore import QByteArray, QObject, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from app.paths import resources_folder
from app.shell.themes import Theme, themes

_SIZES = (16, 24, 48)


class HasIcon(Protocol):
    def setIcon(self, icon: QIcon, /) -> None: ...


class _Registry(QObject):
    def __init__(self) -> None:
        super().__init__(themes())
        self.entries: weakref.WeakKeyDictionary[HasIcon, tuple[str, str]] = weakref.WeakKeyDictionary()
        themes().changed.connect(self.redraw)

    def redraw(self) -> None:
        for target, (name, colour) in list(self.entries.items()):
            if not isinstance(target, QObject) or shiboken6.isValid(target):
                target.setIcon(icon(name, colour))


def set_icon(target: HasIcon, name: str, colour: str = "text") -> None:
    """Give `target` (an action, a button) an icon of `resources/icons` in a colour of the theme, now and ever after."""
    registry = themes().findChild(_Registry) or _Registry()
    registry.entries[target] = (name, colour)
    target.setIcon(icon(name, colour))


def icon(name: str, colour: str = "text") -> QIcon:
    return _icon(name, colour, themes().theme)


@lru_cache(maxsize=512)
def _icon(name: str, colour: str, theme: Theme) -> QIcon:
    result = QIcon()
    for size in _SIZES:
        result.addPixmap(_pixmap(name, getattr(theme, colour), size), QIcon.Mode.Normal)
        result.addPixmap(_pixmap(name, theme.disabled, size), QIcon.Mode.Disabled)
    return result


def pixmap(name: str, size: int, colour: str = "text", ratio: float = 1.0) -> QPixmap:
    result = _pixmap(name, getattr(themes().theme, colour), round(size * ratio))
    result.setDevicePixelRatio(ratio)
    return result


@lru_cache(maxsize=512)
def _renderer(name: str, colour: str) -> QSvgRenderer:
    svg = (resources_folder() / "icons" / f"{name}.svg").read_text(encoding="utf-8").replace("currentColor", colour)
    return QSvgRenderer(QByteArray(svg.encode()))


def _pixmap(name: str, colour: str, size: int) -> QPixmap:
    renderer = _renderer(name, colour)
    result = QPixmap(QSize(size, size))
    result.fill(Qt.GlobalColor.transparent)
    painter = QPainter(result)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    renderer.render(painter)
    painter.end()
    return result
