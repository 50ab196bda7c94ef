"""The lines of text and the measure over the scene."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen

from app.viewport.look import Look
from app.viewport.skeleton_paint import paint_pill
from qnerf_core.scene.camera import Camera

_MARGIN = 14.0
_WIDEST_BAR = 130.0


def paint_lines(painter: QPainter, lines: list[str], look: Look) -> None:
    """Text in the upper left corner, the first line in full strength."""
    height = QFontMetricsF(painter.font()).height()
    for row, line in enumerate(lines):
        corner = QPointF(_MARGIN, _MARGIN + (row + 0.8) * height)
        # A picture may be behind it.
        painter.setPen(look.colour("pill", 0.7))
        painter.drawText(corner + QPointF(1, 1), line)
        painter.setPen(look.colour("text" if row == 0 else "dim"))
        painter.drawText(corner, line)


def paint_scale(painter: QPainter, camera: Camera, depth: float, look: Look) -> None:
    """A bar in the lower left corner: so long is a round number of metres at the depth of the subject."""
    if depth <= 0:
        return
    pixels_a_metre = camera.fx / depth
    metres = rounded_down(min(_WIDEST_BAR, 0.2 * camera.width) / pixels_a_metre)
    left, bottom = _MARGIN, camera.height - _MARGIN
    right = left + metres * pixels_a_metre
    corners = [QPointF(left, bottom - 5), QPointF(left, bottom), QPointF(right, bottom), QPointF(right, bottom - 5)]
    for colour, width in ((look.colour("pill", 0.6), 3.4), (look.colour("dim"), 1.6)):
        painter.setPen(QPen(colour, width))
        painter.drawPolyline(corners)
    painter.setPen(look.colour("dim"))
    box = QRectF(left, bottom - 22, right - left, 16)
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextDontClip, in_metres(metres))


def rounded_down(length: float) -> float:
    """The largest of 1, 2, 5 times a power of ten that is not longer."""
    decade = 10.0 ** math.floor(math.log10(length))
    return max(decade * step for step in (1.0, 2.0, 5.0) if decade * step <= length * (1 + 1e-9))


def in_metres(length: float) -> str:
    if length >= 1.0:
        return f"{length:g} m"
    return f"{length * 100:g} cm" if length >= 0.01 else f"{length * 1000:g} mm"


def paint_hint(painter: QPainter, camera: Camera, text: str, look: Look) -> None:
    width = QFontMetricsF(painter.font()).horizontalAdvance(text) + 16
    paint_pill(painter, QPointF(0.5 * (camera.width - width), _MARGIN), text, look)


def paint_middle(painter: QPainter, width: int, height: int, text: str, look: Look) -> None:
    painter.setPen(look.colour("dim"))
    painter.drawText(QRectF(0, 0, width, height), Qt.AlignmentFlag.AlignCenter, text)
