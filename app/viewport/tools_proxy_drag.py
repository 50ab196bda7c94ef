"""Moving, turning and scaling the selected parts of a proxy, by G, R and S or by their handles."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication

from app.document import shaping
from app.viewport.desk import Desk
from app.viewport.motion import RingAngle, ScreenAngle, nearest_on_line, on_plane
from app.viewport.proxy_handles import Handle, Handles
from app.viewport.rings import AXES
from app.viewport.tool import Tool
from app.viewport.tools_joint import AXIS_KEYS
from qnerf_core.scene.camera import Camera

_DIGITS = {getattr(Qt.Key, f"Key_{digit}"): str(digit) for digit in range(10)}
_TYPED = {**_DIGITS, Qt.Key.Key_Period: ".", Qt.Key.Key_Comma: "."}
_SNAP_PIXELS = 9.0
_LEAST_FACTOR = 0.01


class PartsTool(Tool):
    """Changes the selected parts together; one command when it finishes, none when it is cancelled.

    X, Y or Z keeps to an axis of the world, the same key again to the part's own, once more frees it; with Shift it
    keeps to the plane across the axis. A number that is typed is taken exactly.
    """

    cursor = Qt.CursorShape.ClosedHandCursor
    verb = ""
    unit = ""

    def __init__(self, desk: Desk, at: np.ndarray, handle: Handle | None = None) -> None:
        document = desk.document
        self.desk, self.start_at, self.at = desk, at, at
        self.names = document.selected_parts
        self.start = document.proxy
        self.axis = handle.axis if handle is not None else None
        self.is_plane = False
        self.own = _axes(desk)
        self.is_local = handle is not None
        self.typed = ""
        self.box = self.start.box(self.names)
        self.place = place(desk)
        document.begin_proxy_drag(f"{self.verb} {shaping.words(self.names)}")

    @property
    def axes(self) -> np.ndarray:
        """(3, 3) one axis a row."""
        return self.own.T if self.is_local else np.eye(3)

    @property
    def direction(self) -> np.ndarray | None:
        return None if self.axis is None else self.axes[self.axis]

    @property
    def number(self) -> float | None:
        try:
            return float(self.typed)
        except ValueError:
            return None

    @property
    def value(self) -> str:
        return ""

    @property
    def hint(self) -> str:
        where = ""
        if self.axis is not None:
            whose = "its own" if self.is_local else "the"
            where = f" {'across' if self.is_plane else 'along'} {whose} {AXES[self.axis]} axis"
        value = f"{self.typed}{self.unit}" if self.typed else self.value
        what = shaping.words(self.names)
        return f"{self.verb} {what}{where}  {value}  ·  X Y Z axis, Shift: plane  ·  Ctrl: steps  ·  Esc cancel"

    def move(self, at: np.ndarray) -> None:
        self.at = at
        self.apply()

    def apply(self) -> None:
        """Shows the parts where the pointer or the typed number says."""

    def key(self, key: Qt.Key, modifiers: Qt.KeyboardModifier) -> bool:
        if key in AXIS_KEYS:
            self._keep_to(AXIS_KEYS[key], bool(modifiers & Qt.KeyboardModifier.ShiftModifier))
        elif key == Qt.Key.Key_Backspace:
            self.typed = self.typed[:-1]
        elif key == Qt.Key.Key_Minus:
            self.typed = self.typed[1:] if self.typed.startswith("-") else f"-{self.typed}"
        elif key in _TYPED:
            self.typed += _TYPED[key]
        else:
            return False
        self.apply()
        return True

    def _keep_to(self, axis: int, plane: bool) -> None:
        if (axis, plane) != (self.axis, self.is_plane):
            self.axis, self.is_plane, self.is_local = axis, plane, False
        elif not self.is_local:
            self.is_local = True
        else:
            self.axis, self.is_plane, self.is_local = None, False, False

    def finish(self) -> None:
        self.desk.document.end_drag()

    def cancel(self) -> None:
        self.desk.document.cancel_drag()


class MoveParts(PartsTool):
    """On the plane parallel to the screen, on an axis or on a plane. What comes near the floor stands on it."""

    verb, unit = "Move", " m"
    _STEP = 0.05

    def __init__(self, desk: Desk, at: np.ndarray, handle: Handle | None = None) -> None:
        super().__init__(desk, at, handle)
        pixel, depth = desk.camera.project(self.place)
        self._grip, self._depth = at - pixel, float(depth)
        self.offset = np.zeros(3)

    @property
    def value(self) -> str:
        return f"{float(np.linalg.norm(self.offset)):.3f} m"

    def apply(self) -> None:
        self.offset = self._offset()
        self.desk.document.drag_proxy(self.start.moved(self.names, self.offset))

    def _offset(self) -> np.ndarray:
        number = self.number
        if number is not None:
            direction = self.direction
            return number * (self.axes[0] if direction is None or self.is_plane else direction)
        camera, pixel = self.desk.camera, self.at - self._grip
        direction = self.direction
        if direction is None:
            offset = camera.unproject(pixel, np.array(self._depth)) - self.place
        elif self.is_plane:
            found = on_plane(self.place, direction, camera, pixel)
            offset = self.offset if found is None else found - self.place
        else:
            offset = nearest_on_line(self.place, direction, camera, pixel) - self.place
        if _steps():
            offset = self.axes.T @ (np.round(self.axes @ offset / self._STEP) * self._STEP)
        return self._on_floor(offset)

    def _on_floor(self, offset: np.ndarray) -> np.ndarray:
        document = self.desk.document
        height = float(self.box[0, 2] + offset[2]) - document.floor
        near = abs(height) * self.desk.camera.fy / self._depth < _SNAP_PIXELS
        direction = self.direction
        upright = direction is not None and abs(direction[2]) > 0.99
        rises = direction is None or upright != self.is_plane
        if not (document.snap_to_floor and near and rises):
            return offset
        return offset - np.array([0.0, 0.0, height])


class TurnParts(PartsTool):
    """About the line of sight, about an axis, or by a ring."""

    verb, unit = "Turn", "°"
    _STEP = 5.0

    def __init__(self, desk: Desk, at: np.ndarray, handle: Handle | None = None) -> None:
        super().__init__(desk, at, handle)
        self._angle: ScreenAngle | RingAngle = ScreenAngle(desk.camera, self.place, at)
        self._ring = handle is not None
        handles = handles_of(desk)
        if handle is not None and handles is not None:
            direction, ring = self.own.T[handle.axis], handles.rings.pixels[handle.axis]
            self._angle = RingAngle(desk.camera, self.place, direction, ring, at)
        self.degrees = 0.0

    @property
    def value(self) -> str:
        return f"{self.degrees:+.0f}°"

    def move(self, at: np.ndarray) -> None:
        self._angle.move(at)
        super().move(at)

    def apply(self) -> None:
        to_camera = self.desk.camera.position - self.place
        direction = self.direction
        if direction is None:
            direction = to_camera / np.linalg.norm(to_camera)
        number = self.number
        if number is not None:
            self.degrees = number
        else:
            sign = 1.0 if self._ring or float(direction @ to_camera) >= 0.0 else -1.0
            self.degrees = math.degrees(sign * self._angle.turned)
            if _steps():
                self.degrees = round(self.degrees / self._STEP) * self._STEP
        turned = self.start.rotated(self.names, math.radians(self.degrees) * direction, self.place)
        self.desk.document.drag_proxy(turned)


class ScaleParts(PartsTool):
    """By how much farther the pointer is from the middle: one part along its own axes, several along the world's."""

    verb = "Scale"
    _STEP = 0.1

    def __init__(self, desk: Desk, at: np.ndarray, handle: Handle | None = None) -> None:
        super().__init__(desk, at, handle)
        self.is_local = len(self.names) == 1
        self._middle, _ = desk.camera.project(self.place)
        handles = handles_of(desk)
        self._along = None if handle is None or handles is None else handles.directions[handle.axis]
        self.factor = 1.0

    @property
    def value(self) -> str:
        return f"× {self.factor:.3f}"

    def apply(self) -> None:
        number = self.number
        self.factor = self._pulled() if number is None else number
        if number is None and _steps():
            self.factor = round(self.factor / self._STEP) * self._STEP
        self.factor = max(self.factor, _LEAST_FACTOR)
        factors = np.full(3, self.factor)
        if self.axis is not None:
            kept = np.arange(3) != self.axis
            factors[~kept if self.is_plane else kept] = 1.0
        self.desk.document.drag_proxy(self.start.scaled(self.names, factors, self.place))

    def _keep_to(self, axis: int, plane: bool) -> None:
        """Whose axes they are depends on how many parts there are."""
        same = (axis, plane) == (self.axis, self.is_plane)
        self.axis, self.is_plane = (None, False) if same else (axis, plane)

    def _pulled(self) -> float:
        now, then = self.at - self._middle, self.start_at - self._middle
        if self._along is not None:
            reach = float(then @ self._along)
            return float(now @ self._along) / reach if abs(reach) > 1.0 else 1.0
        return float(np.linalg.norm(now)) / max(float(np.linalg.norm(then)), 1.0)


def place(desk: Desk) -> np.ndarray:
    """(3,) what the selected parts turn and grow about."""
    document = desk.document
    chosen = document.selected_parts
    return document.proxy.part(chosen[0]).centre if len(chosen) == 1 else document.proxy.box(chosen).mean(axis=0)


def handles_of(desk: Desk, camera: Camera | None = None) -> Handles | None:
    return Handles.around(place(desk), _axes(desk), camera or desk.camera) if desk.document.selected_parts else None


def _axes(desk: Desk) -> np.ndarray:
    chosen = desk.document.selected_parts
    return desk.document.proxy.part(chosen[0]).axes if len(chosen) == 1 else np.eye(3)


def _steps() -> bool:
    return bool(QGuiApplication.keyboardModifiers() & Qt.KeyboardModifier.ControlModifier)
