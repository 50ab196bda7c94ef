"""What the mouse and the keys do to the parts of a proxy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt

from app.viewport.desk import Desk
from app.viewport.proxy_handles import Handle
from app.viewport.tool import Tool
from app.viewport.tools_proxy_drag import MoveParts, PartsTool, ScaleParts, TurnParts, handles_of
from app.viewport.tools_sculpt import BrushPlace, BrushTool, SculptDrag, brush_at

if TYPE_CHECKING:
    from collections.abc import Sequence

_MODAL: dict[Qt.Key, type[PartsTool]] = {Qt.Key.Key_G: MoveParts, Qt.Key.Key_R: TurnParts, Qt.Key.Key_S: ScaleParts}
_BY_HANDLE: dict[str, type[PartsTool]] = {"move": MoveParts, "turn": TurnParts, "scale": ScaleParts}


class PartHands:
    """Chooses parts and their handles; the tools themselves are begun by `Tools`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.hovered: str | None = None
        self.handle: Handle | None = None
        self.brush: BrushPlace | None = None
        self._was_chosen = False

    @property
    def active(self) -> bool:
        return self._desk.has_proxy

    @property
    def sculpts(self) -> bool:
        return self.active and self._desk.document.sculpting.is_active

    def press(self, shift: bool, at: np.ndarray) -> Tool | bool:
        """A tool that begins at once, or whether a part is under the pointer, which is selected then."""
        if self.sculpts:
            place = brush_at(self._desk, at)
            return SculptDrag(self._desk, at, place) if place is not None else False
        handles = handles_of(self._desk)
        handle = handles.at(at) if handles is not None else None
        if handle is not None:
            return _BY_HANDLE[handle.kind](self._desk, at, handle)
        found = self._desk.part_at(at)
        if found is None:
            return False
        document = self._desk.document
        chosen, members = document.selected_parts, self._with_group(found[0])
        self._was_chosen = found[0] in chosen and not shift
        if shift:
            rest = [name for name in chosen if name not in members]
            document.select_parts(rest if found[0] in chosen else [*chosen, *members])
        elif found[0] not in chosen:
            document.select_parts(members)
        return True

    def drag(self, at: np.ndarray) -> Tool | None:
        return MoveParts(self._desk, at) if self._desk.document.selected_parts else None

    def click(self, at: np.ndarray) -> None:
        """On a part that was selected already: the part alone, without its group."""
        found = self._desk.part_at(at)
        if found is not None and self._was_chosen:
            self._desk.document.select_parts([found[0]])

    def modal(self, key: Qt.Key, at: np.ndarray, *, shift: bool = False) -> Tool | None:
        if self.sculpts:
            place = brush_at(self._desk, at) or self.brush
            wanted = key == Qt.Key.Key_F and place is not None
            return BrushTool(self._desk, at, place, strength=shift) if wanted and place is not None else None
        if shift:
            return None
        make = _MODAL.get(key)
        return make(self._desk, at) if make is not None and self._desk.document.selected_parts else None

    def key(self, key: Qt.Key) -> bool:
        document = self._desk.document
        if key == Qt.Key.Key_Escape and self.sculpts:
            document.sculpting.leave()
        elif key == Qt.Key.Key_Delete and document.selected_parts:
            document.delete_parts()
        elif key == Qt.Key.Key_Escape and document.selected_parts:
            document.select_parts(())
        else:
            return False
        return True

    def wants(self, key: Qt.Key) -> bool:
        return key in _MODAL or key == Qt.Key.Key_Delete or (self.sculpts and key == Qt.Key.Key_F)

    def hover(self, at: np.ndarray | None) -> bool:
        """True if what is under the pointer is another thing than before."""
        before = self.hovered, self.handle, self.brush
        self.hovered = self.handle = self.brush = None
        if at is not None and self.sculpts:
            self.brush = brush_at(self._desk, at)
        elif at is not None and self.active:
            handles = handles_of(self._desk)
            self.handle = handles.at(at) if handles is not None else None
            found = self._desk.part_at(at) if self.handle is None else None
            self.hovered = found[0] if found is not None else None
        return before != (self.hovered, self.handle, self.brush)

    def _with_group(self, name: str) -> Sequence[str]:
        proxy = self._desk.document.proxy
        group = proxy.part(name).group
        return [*(member for member in proxy.members(group) if member != name), name] if group else [name]
