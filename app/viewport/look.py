from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from PySide6.QtGui import QColor, QPalette


@dataclass(frozen=True)
class Look:
    """The colours of the 3D view."""

    background_top: str
    background_bottom: str
    grid: str
    grid_strong: str
    axis_x: str
    axis_y: str
    axis_z: str
    body: str
    ghost: str
    chosen: str
    text: str
    dim: str
    pill: str
    outline: str
    left: str
    right: str
    middle: str
    selected: str
    hovered: str
    pinned: str
    training: str
    heldout: str
    current: str

    def colour(self, name: str, alpha: float = 1.0) -> QColor:
        return _colour(getattr(self, name), alpha)

    def rgb(self, name: str) -> tuple[float, float, float]:
        colour = QColor(getattr(self, name))
        return colour.redF(), colour.greenF(), colour.blueF()

    def rgb8(self, name: str) -> tuple[int, int, int]:
        colour = QColor(getattr(self, name))
        return colour.red(), colour.green(), colour.blue()


DARK = Look(
    background_top="#343a43",
    background_bottom="#1d2025",
    grid="#59616d",
    grid_strong="#7b8593",
    axis_x="#f0616d",
    axis_y="#7cc254",
    axis_z="#4c8dff",
    body="#cdbfb3",
    ghost="#6fa8ff",
    chosen="#f0c66b",
    text="#e4e7eb",
    dim="#98a1ad",
    pill="#15171a",
    outline="#101215",
    left="#59b8f2",
    right="#f2a65a",
    middle="#e8eaee",
    selected="#ffd54a",
    hovered="#ffffff",
    pinned="#ff5d8f",
    training="#8fa3bd",
    heldout="#e3a53a",
    current="#4c8dff",
)

LIGHT = Look(
    background_top="#f4f6f8",
    background_bottom="#cfd6de",
    grid="#9aa5b3",
    grid_strong="#74808f",
    axis_x="#d3394a",
    axis_y="#4c9a2a",
    axis_z="#1f66d6",
    body="#c9b9ab",
    ghost="#3f7fe0",
    chosen="#f2bf4e",
    text="#1b2027",
    dim="#58626f",
    pill="#ffffff",
    outline="#2a3038",
    left="#1b8fd6",
    right="#e07b16",
    middle="#ffffff",
    selected="#ffc400",
    hovered="#ffffff",
    pinned="#e0256a",
    training="#52667f",
    heldout="#b3700a",
    current="#1f66d6",
)


@lru_cache(maxsize=256)
def _colour(text: str, alpha: float) -> QColor:
    result = QColor(text)
    result.setAlphaF(alpha)
    return result


def look_of(palette: QPalette) -> Look:
    return DARK if palette.color(QPalette.ColorRole.Window).lightness() < 128 else LIGHT
