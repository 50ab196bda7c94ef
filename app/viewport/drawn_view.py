from __future__ import annotations

import math
import time
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Literal

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSizeF, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QImage, QPainter, QPaintEvent, QPolygonF, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QWidget

from app.document.document import Document
from app.shell.tasks import beside
from app.viewport import hud
from app.viewport.backdrop import Backdrop, corners_seen_from
from app.viewport.desk import Desk
from app.viewport.look import look_of
from app.viewport.meter import FrameMeter
from app.viewport.overlay import OverlayState, paint_overlay
from app.viewport.photos import Photos
from app.viewport.scenery import Scenery
from app.viewport.smoother import Smoother
from app.viewport.tools import Tools
from app.viewport.travel import Place, Travel
from qnerf_core.scene.camera import Camera
from qnerf_core.scene.scene import View

if TYPE_CHECKING:
    from app.viewport.stage import Stage

Mode = Literal["edit", "result"]

_STAGE = "app.viewport.stage"
_FRAME_MS = 15.0


class DrawnView(QWidget):
    """Draws the desk: backdrop, scene and overlay. One frame at most each 15 ms, and none while nothing changes."""

    ready = Signal()
    frameDrawn = Signal(float)

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.document = document
        self.mode: Mode = "edit"
        self.shown = {"body", "skeleton", "cameras", "floor"}
        self.photo_opacity, self.body_opacity = 1.0, 0.6
        self.meter = FrameMeter()
        self.desk = Desk(document, self)
        self.tools = Tools(self.desk, self)
        self.photos = Photos(document, self)
        self._look = look_of(self.palette())
        self._backdrop = Backdrop()
        self._stage: Stage | None = None
        self._scenery: Scenery | None = None
        self._picture: QImage | None = None
        self._pixels = np.zeros((0, 0, 4), dtype=np.uint8)
        self._state: OverlayState | None = None
        self._rendering: tuple[QImage, Camera] | None = None
        self._is_loaded = self._is_closed = False
        self._needs_render = True
        self._frame_began = 0.0
        self._travel: Travel | None = None
        self.desk.jumped.connect(self._begin_travel)
        self._frame_timer = self._single_shot(self._frame)
        self._smoother = Smoother(self._render_from, self)
        self._smoother.finished.connect(self._show_smooth)
        # Two seconds of processor, in which the window is already there.
        beside(self, lambda: import_module(_STAGE), self._on_loaded)

    @property
    def is_ready(self) -> bool:
        return self._stage is not None

    def request(self, *, render: bool = True) -> None:
        """A frame soon; without `render` the scene is the same and only what is over or behind it changed."""
        self._needs_render = self._needs_render or render
        if not self._is_closed and self.isVisible() and not self._frame_timer.isActive():
            elapsed = 1000.0 * (time.perf_counter() - self._frame_began)
            self._frame_timer.start(max(0, round(_FRAME_MS - elapsed)))

    def shutdown(self) -> None:
        """Ends all that runs; nothing is drawn any more."""
        if self._is_closed:
            return
        self._is_closed = True
        for timer in self.findChildren(QTimer):
            timer.stop()
        self.photos.close()
        self._scenery = None
        if self._stage is not None:
            self._stage.close()
            self._stage = None

    # ---- frames

    def _frame(self) -> None:
        if self._is_closed:
            return
        self._frame_began = time.perf_counter()
        self.tools.step()
        self._frame_timer.stop()
        self._go_on_travelling()
        if self._needs_render:
            self._render_scene()
        self._state = None if self.desk.is_empty else OverlayState.of(self.desk, self.tools, self._drawn_camera)
        self.setCursor(self._state.cursor if self._state is not None else Qt.CursorShape.ArrowCursor)
        self.repaint()
        spent = 1000.0 * (time.perf_counter() - self._frame_began)
        self.meter.add(spent)
        self.frameDrawn.emit(spent)
        if self._travel is not None:
            self.request()

    def _render_scene(self) -> None:
        if self._stage is None or self._scenery is None:
            return
        self._needs_render = False
        self._smoother.stop()
        self._scenery.sync(self._look, self.shown, self.mode == "result", self._is_through)
        camera = self._drawn_camera
        self._take_picture(self._render_from(camera))
        if self._travel is None:
            self._smoother.restart(camera)

    # ---- travelling

    @property
    def is_travelling(self) -> bool:
        return self._travel is not None

    def _begin_travel(self, start: Place) -> None:
        self._travel = Travel.from_here(start) if self.isVisible() and self._picture is not None else None

    def _go_on_travelling(self) -> None:
        if self._travel is None:
            return
        if self._travel.share >= 1.0 or self.tools.is_working:
            self._travel = None
        self._needs_render = True

    @property
    def _drawn_camera(self) -> Camera:
        if self._travel is None:
            return self.desk.camera
        return self._travel.camera(Place(self.desk.camera, self.desk.focus_depth))

    @property
    def _is_through(self) -> bool:
        """Whether the photo is what is seen, and not still the way to it."""
        return self.desk.eye.is_looking_through and self._travel is None

    # ---- painting

    def _render_from(self, camera: Camera) -> np.ndarray:
        assert self._stage is not None
        ratio = self.devicePixelRatioF()
        self._stage.resize(round(camera.width * ratio), round(camera.height * ratio))
        self._stage.set_camera(camera, *self.desk.clipping)
        return self._stage.render()

    def _take_picture(self, pixels: np.ndarray) -> None:
        height, width = pixels.shape[:2]
        # The image does not own its memory.
        self._pixels = pixels
        self._picture = QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGBA8888_Premultiplied)
        self._picture.setDevicePixelRatio(self.devicePixelRatioF())

    def _show_smooth(self, pixels: np.ndarray) -> None:
        self._take_picture(pixels)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        photo, area = self._photo()
        rendering = self._warped_rendering()
        size, ratio = QSizeF(self.size()), self.devicePixelRatioF()
        backdrop = self._backdrop.picture(size, ratio, self._look, photo, area, self.photo_opacity, rendering)
        painter.drawPixmap(0, 0, backdrop)
        if self._picture is not None and not self._shows_preview:
            painter.setOpacity(1.0 if photo is None else self.body_opacity)
            painter.drawImage(QPointF(), self._picture)
            painter.setOpacity(1.0)
        if self._state is not None:
            paint_overlay(painter, self._state, self._look, self.font())
        hud.paint_lines(painter, self._lines(), self._look)
        painter.end()

    def _lines(self) -> list[str]:
        if self.desk.is_empty:
            return []
        if self._stage is None:
            return ["Loading the 3D view ..."]
        lines = ["Preview"] if self._shows_preview else []
        if "statistics" in self.shown:
            lines += self._statistics(self._stage.triangles)
        return lines

    def _statistics(self, triangles: int) -> list[str]:
        camera, view = self.desk.camera, self.view_looked_through
        distance = float(np.linalg.norm(camera.position - self.desk.subject[0]))
        where = f"view {view.name}" if view is not None else "free camera"
        angle = math.degrees(2 * math.atan(0.5 * camera.height / camera.fy))
        parts = [
            self.meter.text,
            f"{triangles:,} triangles",
            f"{where}, {distance:.1f} m from the subject, {angle:.0f}° high",
        ]
        return [part for part in parts if part]

    # ---- photo, preview, rendering

    @property
    def view_looked_through(self) -> View | None:
        scene, name = self.document.scene, self.document.current_view
        if scene is None or name is None or not self.desk.eye.is_looking_through:
            return None
        return scene.view(name)

    def _photo(self) -> tuple[QImage | None, QRectF]:
        view = self.view_looked_through
        if view is None or self.mode == "result" or not self._is_through:
            return None, QRectF()
        return self.photos.preview(view.name) or self.photos.photo(view), QRectF(*self.desk.eye.photo_rectangle)

    @property
    def _shows_preview(self) -> bool:
        view = self.view_looked_through
        has_preview = view is not None and self.photos.preview(view.name) is not None
        return has_preview and self.mode == "edit" and self._is_through

    def _warped_rendering(self) -> tuple[QImage, QPolygonF] | None:
        if self._rendering is None or self.mode != "result":
            return None
        image, then = self._rendering
        now = self._drawn_camera
        depth = float(then.project(self.desk.eye.focus)[1])
        corners = corners_seen_from(then, now, depth) if depth > 0 else None
        return None if corners is None else (image, corners)

    # ---- life

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._make_stage()
        self.request()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._frame_timer.stop()
        self._smoother.stop()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.desk.resize(self.width(), self.height())

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange):
            self._look = look_of(self.palette())
            if self._scenery is not None:
                self._scenery.look_changed()
            self.request()

    def _on_loaded(self, _module: object) -> None:
        self._is_loaded = True
        self._make_stage()

    def _make_stage(self) -> None:
        if not self._is_loaded or self._is_closed or self._stage is not None or not self.isVisible():
            return
        from app.viewport.stage import Stage

        self._stage = Stage()
        self._scenery = Scenery(self.desk, self.tools, self.photos, self._stage)
        self.ready.emit()
        self.request()

    def _single_shot(self, call: Callable[[], object], milliseconds: int = 0) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(milliseconds)
        timer.timeout.connect(call)
        return timer
