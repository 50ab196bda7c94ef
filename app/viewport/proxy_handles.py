"""The handles of the selected parts: an arrow to move, a ring to turn, a box to scale along each axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from app.viewport.look import Look
from app.viewport.picking import distance_to_line
from app.viewport.rings import AXES, RADIUS, Rings
from app.viewport.skeleton_paint import paint_rings
from qnerf_core.scene.camera import Camera

HandleKind = Literal["move", "turn", "scale"]

_SCALE_AT, _ARROW_FROM, _ARROW_TO = 40.0, 66.0, 96.0
_BOX, _CONE = 5.0, 7.0
_REACH = 8.0
_FREE_MIDDLE = 0.6 * RADIUS
# An axis that points at the camera has no handle that could be dragged.
_SHORTEST = 0.25


@dataclass(frozen=True)
class Handle:
    kind: HandleKind
    axis: int


@dataclass(frozen=True, eq=False)
class Handles:
    centre: np.ndarray
    axes: np.ndarray
    """(3, 3), one axis a row, unit length."""
    middle: np.ndarray
    directions: np.ndarray
    """(3, 2) the axes on the screen, in shares of their full length."""
    rings: Rings

    @classmethod
    def around(cls, centre: np.ndarray, rotation: np.ndarray, camera: Camera) -> Handles | None:
        middle, depth = camera.project(centre)
        if not depth > 0:
            return None
        metre = camera.fy / float(depth)
        ends, _ = camera.project(centre + rotation.T / metre)
        return cls(centre, rotation.T, middle, ends - middle, Rings.around(centre, rotation, camera))

    def along(self, axis: int, pixels: float) -> np.ndarray:
        return self.middle + pixels * self.directions[axis]

    def usable(self, axis: int) -> bool:
        return float(np.linalg.norm(self.directions[axis])) >= _SHORTEST

    def at(self, at: np.ndarray) -> Handle | None:
        for axis in range(3):
            if self.usable(axis) and float(np.linalg.norm(self.along(axis, _SCALE_AT) - at)) <= _REACH:
                return Handle("scale", axis)
        for axis in range(3):
            line = np.stack([self.along(axis, _ARROW_FROM), self.along(axis, _ARROW_TO)])
            if self.usable(axis) and distance_to_line(line, at) <= _REACH:
                return Handle("move", axis)
        # A ring that is seen from its edge crosses the middle, where the part itself is taken.
        if float(np.linalg.norm(at - self.middle)) < _FREE_MIDDLE:
            return None
        ring = self.rings.at(at, _REACH - 2.0)
        return None if ring is None else Handle("turn", ring)


def paint_handles(painter: QPainter, handles: Handles, look: Look, hovered: Handle | None) -> None:
    paint_rings(painter, handles.rings, look, hovered.axis if hovered and hovered.kind == "turn" else None, False)
    for axis in range(3):
        if not handles.usable(axis):
            continue
        colour = look.colour(f"axis_{AXES[axis].lower()}")
        kinds: tuple[HandleKind, ...] = ("scale", "move")
        for kind in kinds:
            fill = look.colour("hovered") if hovered == Handle(kind, axis) else colour
            painter.setPen(QPen(look.colour("outline", 0.8), 1.2))
            painter.setBrush(fill)
            if kind == "scale":
                at = handles.along(axis, _SCALE_AT)
                painter.drawRect(QRectF(at[0] - _BOX, at[1] - _BOX, 2 * _BOX, 2 * _BOX))
            else:
                _paint_arrow(painter, handles.along(axis, _ARROW_FROM), handles.along(axis, _ARROW_TO), look, fill)


def _paint_arrow(painter: QPainter, start: np.ndarray, end: np.ndarray, look: Look, colour: QColor) -> None:
    along = end - start
    length = float(np.linalg.norm(along))
    if length < 1.0:
        return
    along = along / length
    beside = np.array([-along[1], along[0]])
    neck = end - 1.8 * _CONE * along
    for width, pen in ((4.4, look.colour("outline", 0.6)), (2.6, colour)):
        painter.setPen(QPen(pen, width))
        painter.drawLine(QPointF(*start.tolist()), QPointF(*neck.tolist()))
    painter.setPen(QPen(look.colour("outline", 0.8), 1.2))
    corners = (end, neck + _CONE * beside, neck - _CONE * beside)
    painter.drawPolygon(QPolygonF([QPointF(*corner.tolist()) for corner in corners]))
