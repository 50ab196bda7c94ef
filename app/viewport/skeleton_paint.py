"""The skeleton, drawn over the body so that every joint can be seen and taken."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPainterPath, QPen, QPolygonF

from app.viewport.joints import BONES, MINOR, side_of, title_of
from app.viewport.look import Look
from app.viewport.rings import AXES, Rings
from qnerf_core.body.pose import SMPL_JOINTS

_MAJOR_RADIUS, _MINOR_RADIUS = 5.2, 3.6
_RING_WIDTH, _ACTIVE_RING_WIDTH = 2.0, 3.4


@dataclass(frozen=True, eq=False)
class SkeletonState:
    """What is to be drawn: joints on the screen (24, 2) with their depth (24,), and which of them stand out."""

    pixels: np.ndarray
    depths: np.ndarray
    selected: int | None
    hovered: int | None
    pinned: Collection[str]


def paint_skeleton(painter: QPainter, state: SkeletonState, look: Look) -> None:
    points = [QPointF(x, y) for x, y in np.nan_to_num(state.pixels, nan=-1e4).tolist()]
    seen = (state.depths > 0).tolist()
    order = sorted(BONES, key=lambda bone: -float(state.depths[bone[0]] + state.depths[bone[1]]))
    # Round ends, which the joints hide, would take six times as long.
    outline = QPen(look.colour("outline", 0.65), 4.6, c=Qt.PenCapStyle.FlatCap)
    inner = {side: QPen(look.colour(side, 0.9), 2.4, c=Qt.PenCapStyle.FlatCap) for side in ("left", "right", "middle")}
    for parent, joint in order:
        if seen[parent] and seen[joint]:
            painter.setPen(outline)
            painter.drawLine(points[parent], points[joint])
            painter.setPen(inner[side_of(joint)])
            painter.drawLine(points[parent], points[joint])
    for joint in np.argsort(-state.depths).tolist():
        if seen[joint]:
            _paint_joint(painter, points[joint], joint, state, look)


def _paint_joint(painter: QPainter, point: QPointF, joint: int, state: SkeletonState, look: Look) -> None:
    radius = _MINOR_RADIUS if MINOR[joint] else _MAJOR_RADIUS
    fill = look.colour(side_of(joint))
    if SMPL_JOINTS[joint] in state.pinned:
        _paint_pin(painter, point, radius + 6.0, look)
    if joint == state.selected:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(look.colour("selected", 0.3))
        painter.drawEllipse(point, radius + 7.0, radius + 7.0)
        fill, radius = look.colour("selected"), radius + 1.6
    elif joint == state.hovered:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(look.colour("hovered", 0.3))
        painter.drawEllipse(point, radius + 5.0, radius + 5.0)
        radius += 1.6
    painter.setPen(QPen(look.colour("outline", 0.9), 1.6))
    painter.setBrush(fill)
    painter.drawEllipse(point, radius, radius)


def _paint_pin(painter: QPainter, point: QPointF, reach: float, look: Look) -> None:
    """A square with open sides, as a target has: no other joint looks like it."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for colour, width in ((look.colour("outline", 0.8), 4.6), (look.colour("pinned"), 2.6)):
        painter.setPen(QPen(colour, width, c=Qt.PenCapStyle.FlatCap, j=Qt.PenJoinStyle.MiterJoin))
        for sx in (-1, 1):
            for sy in (-1, 1):
                corner = point + QPointF(sx * reach, sy * reach)
                inner = 0.55 * reach
                painter.drawPolyline([corner - QPointF(sx * inner, 0), corner, corner - QPointF(0, sy * inner)])


def paint_rings(painter: QPainter, rings: Rings, look: Look, active: int | None, turning: bool) -> None:
    for axis in range(3):
        if turning and axis != active:
            continue
        name = f"axis_{AXES[axis].lower()}"
        width = _ACTIVE_RING_WIDTH if axis == active else _RING_WIDTH
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for front in (False, True):
            colour = look.colour(name, 1.0 if front else 0.28)
            for piece in _pieces(rings.pixels[axis], rings.in_front[axis] == front):
                if front:
                    painter.setPen(QPen(look.colour("outline", 0.5), width + 1.8))
                    painter.drawPolyline(piece)
                painter.setPen(QPen(colour, width))
                painter.drawPolyline(piece)


def _pieces(pixels: np.ndarray, wanted: np.ndarray) -> list[QPolygonF]:
    """The runs of wanted points, each with the point after it, so that the runs join."""
    usable = wanted & np.isfinite(pixels).all(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], usable, [False]]).astype(np.int8)))
    runs = [pixels[start : end + 1] for start, end in edges.reshape(-1, 2)]
    return [QPolygonF([QPointF(x, y) for x, y in run.tolist()]) for run in runs if np.isfinite(run).all()]


def paint_axis(painter: QPainter, start: np.ndarray, end: np.ndarray, colour: QColor) -> None:
    painter.setPen(QPen(colour, 1.6))
    painter.drawLine(QPointF(*start.tolist()), QPointF(*end.tolist()))


def paint_reach(painter: QPainter, joint: np.ndarray, wanted: np.ndarray, look: Look) -> None:
    """The joint cannot follow so far: a dashed line to where it is wanted."""
    painter.setPen(QPen(look.colour("selected", 0.9), 1.6, Qt.PenStyle.DashLine))
    painter.drawLine(QPointF(*joint.tolist()), QPointF(*wanted.tolist()))


def paint_name(painter: QPainter, point: np.ndarray, joint: int, pinned: bool, below: float, look: Look) -> None:
    """Beside the joint, or so many pixels below it."""
    text = title_of(SMPL_JOINTS[joint]) + (" · pinned" if pinned else "")
    if below:
        left = point[0] - 0.5 * QFontMetricsF(painter.font()).horizontalAdvance(text) - 8
        paint_pill(painter, QPointF(left, point[1] + below), text, look)
    else:
        paint_pill(painter, QPointF(point[0] + 16, point[1] - 26), text, look)


def paint_pill(painter: QPainter, corner: QPointF, text: str, look: Look) -> QRectF:
    """A line of text on a rounded plate whose upper left corner is given."""
    metrics = QFontMetricsF(painter.font())
    plate = QRectF(corner.x(), corner.y(), metrics.horizontalAdvance(text) + 16, metrics.height() + 6)
    path = QPainterPath()
    path.addRoundedRect(plate, 5, 5)
    painter.fillPath(path, look.colour("pill", 0.82))
    painter.setPen(look.colour("text"))
    painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, text)
    return plate
