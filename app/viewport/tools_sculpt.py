"""Brushes on the surface of a part, and how large and strong they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication

from app.viewport.desk import Desk
from app.viewport.picking import surface_hit
from app.viewport.rings import across
from app.viewport.tool import Tool
from qnerf_core.scene.camera import Camera

_CIRCLE = np.linspace(0.0, 2.0 * np.pi, 49)
_STRENGTH_PIXELS = 200.0


@dataclass(frozen=True, eq=False)
class BrushPlace:
    """Where a brush lies on the surface: world, metres."""

    point: np.ndarray
    normal: np.ndarray

    def circle(self, radius: float, camera: Camera) -> np.ndarray:
        """(n, 2) pixels."""
        first, second = across(self.normal)
        ring = np.cos(_CIRCLE)[:, None] * first + np.sin(_CIRCLE)[:, None] * second
        return camera.project(self.point + radius * ring)[0]


def brush_at(desk: Desk, at: np.ndarray) -> BrushPlace | None:
    mesh = desk.document.sculpting.mesh
    if mesh is None:
        return None
    found = surface_hit(desk.camera, at, mesh.world(), mesh.topology.faces)
    return BrushPlace(*found) if found is not None else None


class SculptDrag(Tool):
    """One stroke. Ctrl inverts the brush, Shift smooths instead."""

    cursor = Qt.CursorShape.BlankCursor

    def __init__(self, desk: Desk, at: np.ndarray, place: BrushPlace) -> None:
        self.desk, self.place = desk, place
        keys = QGuiApplication.keyboardModifiers()
        smooth = bool(keys & Qt.KeyboardModifier.ShiftModifier)
        invert = bool(keys & Qt.KeyboardModifier.ControlModifier)
        sculpting = desk.document.sculpting
        self._grabs = sculpting.brush.kind == "grab" and not smooth
        pixel, self._depth = desk.camera.project(place.point)
        self._grip = at - pixel
        sculpting.begin(place.point, invert=invert, smooth=smooth)

    def move(self, at: np.ndarray) -> None:
        if self._grabs:
            point = self.desk.camera.unproject(at - self._grip, self._depth)
            self.place = BrushPlace(point, self.place.normal)
        else:
            place = brush_at(self.desk, at)
            if place is None:
                return
            self.place = place
        self.desk.document.sculpting.step(self.place.point)

    def finish(self) -> None:
        self.desk.document.sculpting.finish()

    def cancel(self) -> None:
        self.desk.document.sculpting.cancel()


class BrushTool(Tool):
    """F: the radius follows the pointer; Shift+F: the strength does. A click keeps it."""

    cursor = Qt.CursorShape.BlankCursor

    def __init__(self, desk: Desk, at: np.ndarray, place: BrushPlace, *, strength: bool) -> None:
        self.desk, self.place, self._start, self._of_strength = desk, place, at, strength
        self._before = desk.document.sculpting.brush
        _, depth = desk.camera.project(place.point)
        self._metre = desk.camera.fy / float(depth)

    @property
    def hint(self) -> str:
        brush = self.desk.document.sculpting.brush
        value = f"Strength {brush.strength:.2f}" if self._of_strength else f"Radius {brush.radius:.3f} m"
        return f"{value}  ·  click to keep  ·  Esc cancel"

    def move(self, at: np.ndarray) -> None:
        pulled = float(at[0] - self._start[0])
        if self._of_strength:
            change = {"strength": self._before.strength + pulled / _STRENGTH_PIXELS}
        else:
            change = {"radius": self._before.radius + pulled / self._metre}
        self.desk.document.sculpting.set_brush(**change)

    def cancel(self) -> None:
        self.desk.document.sculpting.set_brush(radius=self._before.radius, strength=self._before.strength)
