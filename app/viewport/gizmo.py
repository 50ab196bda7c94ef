"""The axes in the corner: they turn with the view, and a click looks along one."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRect, Qt
from PySide6.QtGui import QPainter, QPen

from app.viewport.look import Look
from qnerf_core.scene.camera import Camera

SIZE = 92
_REACH = 30.0
_BALL = 9.0
_SMALL_BALL = 6.5
_ENDS = (
    ("X", "axis_x", (1.0, 0.0, 0.0), "right"),
    ("Y", "axis_y", (0.0, 1.0, 0.0), "back"),
    ("Z", "axis_z", (0.0, 0.0, 1.0), "top"),
    ("", "axis_x", (-1.0, 0.0, 0.0), "left"),
    ("", "axis_y", (0.0, -1.0, 0.0), "front"),
    ("", "axis_z", (0.0, 0.0, -1.0), "bottom"),
)


def place(width: int) -> QRect:
    return QRect(width - SIZE - 8, 8, SIZE, SIZE)


def _ends(camera: Camera, area: QRect) -> list[tuple[float, QPointF, str, str, str]]:
    """Nearness, centre, letter, colour and view of the six balls, the farthest first."""
    turned = np.array([direction for _, _, direction, _ in _ENDS]) @ camera.camera_to_world[:3, :3]
    middle = QPointF(area.center())
    ends = [
        (float(z), middle + QPointF(_REACH * x, -_REACH * y), letter, colour, view)
        for (x, y, z), (letter, colour, _, view) in zip(turned.tolist(), _ENDS, strict=True)
    ]
    return sorted(ends, key=lambda end: end[0])


def view_at(camera: Camera, area: QRect, at: np.ndarray) -> str | None:
    for _, centre, _, _, view in reversed(_ends(camera, area)):
        if (centre.x() - at[0]) ** 2 + (centre.y() - at[1]) ** 2 <= _BALL**2:
            return view
    return None


def paint(painter: QPainter, camera: Camera, area: QRect, look: Look, hovered: str | None) -> None:
    painter.save()
    font = painter.font()
    font.setPointSizeF(8.0)
    font.setBold(True)
    painter.setFont(font)
    middle = QPointF(area.center())
    for nearness, centre, letter, name, view in _ends(camera, area):
        strength = round(0.81 + 0.19 * nearness, 2)
        colour = look.colour(name, strength)
        if letter:
            painter.setPen(QPen(colour, 2.2))
            painter.drawLine(middle, centre)
        size = _BALL if letter else _SMALL_BALL
        painter.setPen(QPen(look.colour("hovered") if view == hovered else colour, 1.6))
        painter.setBrush(colour if letter else look.colour(name, 0.22))
        painter.drawEllipse(centre, size, size)
        if letter:
            painter.setPen(look.colour("outline"))
            box = QRect(int(centre.x()) - 10, int(centre.y()) - 10, 20, 20)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, letter)
    painter.restore()
