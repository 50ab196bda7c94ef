from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QObject, Signal

from app.gallery.run_state import Picture, RunState

Against = Literal["off", "original", "previous", "truth", "run"]
Style = Literal["wipe", "side", "difference"]

NAMES: dict[Against, str] = {
    "off": "Nothing",
    "original": "Original",
    "previous": "Previous interval",
    "truth": "Truth",
    "run": "Another run",
}
STYLES: dict[Style, str] = {"wipe": "Wipe", "side": "Side by side", "difference": "Difference"}


class Comparison(QObject):
    """What the shown pictures are compared with, and how; one for all pages."""

    changed = Signal()
    moved = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.against: Against = "off"
        self.style: Style = "wipe"
        self.divider = 0.5
        self.flicker = False
        self.other: RunState | None = None
        self._last: Against = "original"

    @property
    def active(self) -> bool:
        return self.against != "off"

    def set_against(self, against: Against) -> None:
        if against != self.against:
            self._last = self.against if self.active else against
            self.against = against
            self.changed.emit()

    def toggle(self) -> None:
        """Compare no more, or with what was compared with last."""
        self.set_against("off" if self.active else self._last if self._last != "off" else "original")

    def set_style(self, style: Style) -> None:
        if style != self.style:
            self.style = style
            self.changed.emit()

    def compare_with(self, other: RunState | None) -> None:
        self.other = other
        self.against = "off" if other is None else "run"
        self.changed.emit()

    def set_divider(self, divider: float) -> None:
        divider = min(1.0, max(0.0, divider))
        if divider != self.divider:
            self.divider = divider
            self.moved.emit()

    def set_flicker(self, flicker: bool) -> None:
        if flicker != self.flicker:
            self.flicker = flicker
            self.moved.emit()

    def partner(self, state: RunState, stop: int, view: str) -> Picture | None:
        """The other picture of a view; without a comparison it is the original, which the flicker key shows."""
        match self.against:
            case "off" | "original":
                return state.picture(0, view)
            case "previous":
                earlier = (state.picture(index, view) for index in range(min(stop, len(state.stops)) - 1, -1, -1))
                return next((picture for picture in earlier if picture), None)
            case "truth":
                return state.truth.get(view)
            case "run":
                if self.other is None or not 0 <= stop < len(state.stops):
                    return None
                like = self.other.stop_like(state.stops[stop], state)
                return None if like is None else self.other.picture(like, view)

    def partner_title(self, state: RunState, stop: int) -> str:
        match self.against:
            case "previous":
                found = next((one for one in reversed(state.stops[: max(0, stop)]) if one.has_pictures), None)
                return found.title if found else "Nothing before"
            case "truth":
                return "Truth" if state.truth else "No truth in this capture"
            case "run":
                return self.other.title if self.other else "No other run"
            case _:
                return "Original"
