from __future__ import annotations

from typing import TYPE_CHECKING

from app.viewport.desk import Desk
from app.viewport.look import Look
from qnerf_core.proxy.model import DepthProxy

if TYPE_CHECKING:
    from app.viewport.stage import Stage

_TRANSLUCENT, _GHOST_OPACITY = 0.5, 0.3
_CELLS, _CELLS_WHILE_DRAGGED = 64, 28


class ProxyScenery:
    """Brings the proxies to the stage: the edited one, and of the other what differs from it as a ghost."""

    def __init__(self, desk: Desk, stage: Stage) -> None:
        self._desk, self._stage = desk, stage

    def sync(self, look: Look, shown: set[str], is_result: bool, through: bool) -> None:
        document, stage = self._desk.document, self._stage
        visible = self._desk.has_proxy and "body" in shown and not is_result
        ghost = visible and document.show_both
        if visible:
            cells = _CELLS_WHILE_DRAGGED if document.is_dragging else _CELLS
            sculpting, live = document.sculpting, {}
            if sculpting.name is not None and sculpting.unit_vertices is not None:
                live[sculpting.name] = sculpting.unit_vertices
            stage.proxy.show(document.proxy, live, cells)
            opacity = _TRANSLUCENT if "translucent" in shown and not through else 1.0
            colours = look.rgb("body"), look.rgb("chosen"), look.rgb("outline")
            stage.proxy.dress(*colours, () if sculpting.is_active else document.selected_parts, opacity)
        if ghost:
            other = document.source_proxy if document.posed == "target" else document.target_proxy
            stage.proxy_ghost.show(_unlike(other, document.proxy), {}, _CELLS)
            colour = look.rgb("ghost")
            stage.proxy_ghost.dress(colour, colour, colour, (), _GHOST_OPACITY)
        stage.proxy.set_visible(visible)
        stage.proxy_ghost.set_visible(ghost)


def _unlike(other: DepthProxy, proxy: DepthProxy) -> DepthProxy:
    """What is the same in both is seen already."""
    known = {id(part) for part in proxy.parts}
    return other.without(part.name for part in other.parts if id(part) in known)
