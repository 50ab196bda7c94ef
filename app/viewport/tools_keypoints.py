"""Clicking joints in the photo that is looked through: keys, and what is drawn over it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainter, QPen, QPolygonF

from app.document.document import Document
from app.document.keypointed import words
from app.viewport.desk import Desk
from app.viewport.look import Look
from app.viewport.skeleton_paint import paint_pill
from qnerf_core.body.keypoints import Sighting
from qnerf_core.body.triangulation import OUTLIER
from qnerf_core.scene.camera import Camera

DOUBTFUL = 2.0
_RADIUS, _CURRENT_RADIUS, _GUESS_RADIUS = 5.0, 7.0, 4.0
_DEPTHS = np.geomspace(0.05, 40.0, 64)
_REMOVE = (Qt.Key.Key_Delete, Qt.Key.Key_Backspace)
KEYS = (Qt.Key.Key_Tab, Qt.Key.Key_Backtab, Qt.Key.Key_Escape, *_REMOVE)


class KeypointHands:
    """What mouse and keys do while joints are clicked."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @property
    def is_clicking(self) -> bool:
        return self._desk.has_body and self._desk.document.is_clicking

    def press(self, at: np.ndarray) -> bool:
        """Whether the click was on a photo."""
        document = self._desk.document
        name, scene = document.current_view, document.scene
        if not self.is_clicking or not document.looking_through or name is None or scene is None:
            return False
        camera = scene.view(name).camera
        pixel, _ = camera.project(self._desk.camera.unproject(at, np.ones(())))
        if not ((pixel >= 0) & (pixel <= [camera.width, camera.height])).all():
            return False
        document.click_keypoint(name, pixel)
        return True

    def key(self, key: Qt.Key, modifiers: Qt.KeyboardModifier) -> bool:
        if not self.is_clicking:
            return False
        document = self._desk.document
        if key in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab):
            back = key == Qt.Key.Key_Backtab or bool(modifiers & Qt.KeyboardModifier.ShiftModifier)
            document.step_keypoint(-1 if back else 1)
        elif modifiers != Qt.KeyboardModifier.NoModifier:
            return False
        elif key == Qt.Key.Key_Escape:
            document.set_clicking(False)
        elif key in _REMOVE and document.current_view is not None:
            document.remove_keypoint(document.current_view, document.current_keypoint)
        else:
            return False
        return True


@dataclass(frozen=True, eq=False)
class KeypointOverlay:
    """Of one photo: clicks and guesses in pixels of the viewport, and where the current joint must lie.

    Clicks come with their name, their place and what is known of their error; lines are what the clicks of other photos
    leave open.
    """

    clicks: tuple[tuple[str, np.ndarray, float | None], ...]
    guesses: tuple[tuple[str, np.ndarray], ...]
    lines: tuple[np.ndarray, ...]
    current: str

    @classmethod
    def of(cls, desk: Desk, camera: Camera) -> KeypointOverlay | None:
        document = desk.document
        name, scene = document.current_view, document.scene
        if not document.is_clicking or not document.looking_through or name is None or scene is None:
            return None
        view = scene.view(name).camera
        here = document.keypoints.of_view(name)
        clicks = tuple((one.keypoint, _shown(one, view, camera), document.apart(one)) for one in here)
        seen = {one.keypoint for one in here}
        places = {other: place for other, place in document.guesses().items() if other not in seen}
        guesses = tuple((other, camera.project(place)[0]) for other, place in places.items())
        lines = () if document.current_keypoint in seen else _lines(document, name, camera)
        return cls(clicks, guesses, lines, document.current_keypoint)


def _shown(one: Sighting, view: Camera, camera: Camera) -> np.ndarray:
    return np.asarray(camera.project(view.unproject(np.array([one.x, one.y]), np.ones(())))[0])


def _lines(document: Document, name: str, camera: Camera) -> tuple[np.ndarray, ...]:
    scene, lines = document.scene, []
    for one in document.keypoints.of_keypoint(document.current_keypoint):
        if scene is not None and one.view != name:
            other = scene.view(one.view).camera
            reach = max(float(np.linalg.norm(other.position - camera.position)), 1e-3)
            places = other.unproject(np.array([one.x, one.y]), reach * _DEPTHS)
            pixels, depth = camera.project(places)
            lines.append(pixels[depth > 0])
    return tuple(line for line in lines if len(line) > 1)


def paint_keypoints(painter: QPainter, state: KeypointOverlay, look: Look) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for line in state.lines:
        painter.setPen(QPen(look.colour("current", 0.75), 1.4, Qt.PenStyle.DashLine))
        painter.drawPolyline(QPolygonF([QPointF(x, y) for x, y in line.tolist()]))
    for name, at in state.guesses:
        if np.isfinite(at).all():
            painter.setPen(QPen(look.colour("text", 0.9 if name == state.current else 0.45), 1.4, Qt.PenStyle.DotLine))
            painter.drawEllipse(QPointF(*at.tolist()), _GUESS_RADIUS, _GUESS_RADIUS)
    for name, at, apart in state.clicks:
        if not np.isfinite(at).all():
            continue
        point, is_current = QPointF(*at.tolist()), name == state.current
        radius = _CURRENT_RADIUS if is_current else _RADIUS
        painter.setPen(QPen(look.colour("outline", 0.9), 1.6))
        painter.setBrush(look.colour(colour_of(apart), 0.95))
        painter.drawEllipse(point, radius, radius)
        if apart is not None and apart > OUTLIER:
            painter.setPen(QPen(look.colour("outline"), 1.8))
            painter.drawLine(point + QPointF(-3, -3), point + QPointF(3, 3))
            painter.drawLine(point + QPointF(-3, 3), point + QPointF(3, -3))
        if is_current:
            paint_pill(painter, point + QPointF(12, -26), words(name), look)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def colour_of(apart: float | None) -> str:
    """Of the colours of `Look`: unknown, well, doubtful, wrong."""
    if apart is None:
        return "current"
    if apart > OUTLIER:
        return "axis_x"
    return "selected" if apart > DOUBTFUL else "axis_y"


def hint_of(document: Document) -> str:
    """What the next click does."""
    name = words(document.current_keypoint)
    where = "the subject's own " if document.current_keypoint.split("_")[0] in ("left", "right") else "the "
    return f"Click {where}{name}   ·   Tab next   ·   Del removes   ·   Esc ends"
