from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QLineF, QPointF
from PySide6.QtGui import QPainter, QPen, QPolygonF

from app.viewport.desk import Desk
from app.viewport.look import Look
from app.viewport.proxy_handles import Handle, Handles, paint_handles
from app.viewport.rings import AXES
from app.viewport.skeleton_paint import paint_axis, paint_pill
from app.viewport.tools import Tools
from app.viewport.tools_proxy_drag import PartsTool, handles_of
from app.viewport.tools_sculpt import BrushTool, SculptDrag
from qnerf_core.scene.camera import Camera

_CORNERS = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
_EDGES = [(a, b) for a in range(8) for b in range(a + 1, 8) if int((_CORNERS[a] != _CORNERS[b]).sum()) == 1]


@dataclass(frozen=True, eq=False)
class ProxyOverlay:
    """What is drawn over the parts of a proxy: the selected ones' boxes, their handles, the name under the pointer."""

    boxes: tuple[np.ndarray, ...]
    """Each (12, 2, 2) lines on the screen."""
    handles: Handles | None
    handle: Handle | None
    lines: tuple[tuple[np.ndarray, np.ndarray, str], ...]
    name: tuple[np.ndarray, str] | None
    brush: np.ndarray | None
    """(n, 2) its circle on the surface."""

    @classmethod
    def of(cls, desk: Desk, tools: Tools, camera: Camera) -> ProxyOverlay:
        tool, proxy = tools.tool, desk.document.proxy
        sculpts = tools.parts.sculpts
        chosen = [] if sculpts else [proxy.part(name) for name in desk.document.selected_parts]
        boxes = []
        for part in chosen:
            pixels, depths = camera.project(part.to_world(_CORNERS))
            if (depths > 0).all():
                boxes.append(np.array([[pixels[a], pixels[b]] for a, b in _EDGES]))
        dragged = isinstance(tool, PartsTool)
        return cls(
            tuple(boxes),
            handles_of(desk, camera) if chosen and not dragged else None,
            tools.parts.handle,
            _lines(tool, camera) if isinstance(tool, PartsTool) else (),
            _name(desk, tools, camera) if tool is None else None,
            _brush(desk, tools, camera) if sculpts else None,
        )


def paint_proxy(painter: QPainter, overlay: ProxyOverlay, look: Look) -> None:
    for box in overlay.boxes:
        lines = [QLineF(QPointF(*a.tolist()), QPointF(*b.tolist())) for a, b in box]
        for colour, width in ((look.colour("outline", 0.55), 2.6), (look.colour("selected", 0.9), 1.2)):
            painter.setPen(QPen(colour, width))
            painter.drawLines(lines)
    for start, end, name in overlay.lines:
        paint_axis(painter, start, end, look.colour(name, 0.8))
    if overlay.handles is not None:
        paint_handles(painter, overlay.handles, look, overlay.handle)
    if overlay.brush is not None:
        ring = QPolygonF([QPointF(x, y) for x, y in overlay.brush.tolist()])
        for colour, width in ((look.colour("outline", 0.7), 3.2), (look.colour("selected"), 1.6)):
            painter.setPen(QPen(colour, width))
            painter.drawPolyline(ring)
    if overlay.name is not None:
        at, text = overlay.name
        paint_pill(painter, QPointF(at[0], at[1]), text, look)


def _lines(tool: PartsTool, camera: Camera) -> tuple[tuple[np.ndarray, np.ndarray, str], ...]:
    """The axes that the tool keeps to."""
    if tool.axis is None:
        return ()
    axes = [axis for axis in range(3) if (axis != tool.axis) == tool.is_plane]
    found = []
    for axis in axes:
        start, _ = camera.project(tool.place)
        beside, _ = camera.project(tool.place + 0.05 * tool.axes[axis])
        along = beside - start
        length = float(np.linalg.norm(along))
        if length > 1e-6:
            reach = along / length * (camera.width + camera.height)
            found.append((start - reach, start + reach, f"axis_{AXES[axis].lower()}"))
    return tuple(found)


def _brush(desk: Desk, tools: Tools, camera: Camera) -> np.ndarray | None:
    place = tools.tool.place if isinstance(tools.tool, SculptDrag | BrushTool) else tools.parts.brush
    if place is None:
        return None
    ring = place.circle(desk.document.sculpting.brush.radius, camera)
    return ring if np.isfinite(ring).all() else None


def _name(desk: Desk, tools: Tools, camera: Camera) -> tuple[np.ndarray, str] | None:
    name = tools.parts.hovered
    if name is None or name not in desk.document.proxy.names:
        return None
    part = desk.document.proxy.part(name)
    pixels, depths = camera.project(part.to_world(_CORNERS))
    if not (depths > 0).all():
        return None
    text = f"{name}  ·  {part.group}" if part.group else name
    return np.array([pixels[:, 0].mean() - 3.0 * len(text), pixels[:, 1].min() - 28.0]), text
