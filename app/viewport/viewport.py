from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QCloseEvent, QFocusEvent, QKeyEvent, QMouseEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.document.document import Document
from app.viewport.backdrop import as_image
from app.viewport.drawn_view import DrawnView, Mode
from app.viewport.through_bar import ThroughBar
from qnerf_core.scene.camera import Camera

SHOWABLE = ("body", "skeleton", "cameras", "floor", "statistics", "translucent")
"""What can be shown or hidden; "translucent" is the body seen through."""

_SETTLES_MS = 150
_PAUSES_MS = 400
# Thumbnails come by the hundred; each would be a frame.
_THUMBNAILS_MS = 120


class Viewport(DrawnView):
    """The 3D view: the body that is posed, the cameras of the capture, and the photos behind the body."""

    dragPaused = Signal()
    cameraMoved = Signal(object)
    cameraSettled = Signal(object)
    displayChanged = Signal()

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(document, parent)
        self.setObjectName("viewport")
        self.setAccessibleName("3D view")
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(240, 180)
        self._settle_timer = self._single_shot(self._settle, _SETTLES_MS)
        self._pause_timer = self._single_shot(self.dragPaused.emit, _PAUSES_MS)
        self._thumbnail_timer = self._single_shot(self._on_thumbnails, _THUMBNAILS_MS)
        self.bar = ThroughBar(self)
        self.bar.hide()
        self.bar.photoOpacityChanged.connect(self.set_photo_opacity)
        self.bar.bodyOpacityChanged.connect(self.set_body_opacity)
        self.bar.stepped.connect(self.desk.step_view)
        self.bar.left.connect(lambda: self.look_through(None))
        self.desk.cameraChanged.connect(self._on_camera)
        self.desk.poseChanged.connect(self._on_pose)
        self.desk.sceneChanged.connect(self._on_scene)
        self.tools.changed.connect(self._on_tools)
        self.photos.arrived.connect(self._on_pictures)
        document.targetPoseChanged.connect(self._on_target)
        document.targetProxyChanged.connect(self._on_target)
        document.partsSelected.connect(self.request)
        document.sculpting.changed.connect(self.request)
        document.sculpting.stroked.connect(self.request)
        # What is coarse while it is dragged is drawn well when the drag is a command.
        document.undo_stack.indexChanged.connect(self.request)
        document.selectionChanged.connect(self._on_tools)
        document.pinsChanged.connect(self._on_tools)

    # ---- what the window calls

    def current_camera(self) -> Camera:
        """Of the size of the widget, in its own pixels."""
        return self.desk.camera

    def look_through(self, view: str | None) -> None:
        self.desk.look_through(view)

    def look_from(self, name: str) -> None:
        """front, back, left, right, top, bottom or corner."""
        self.desk.look_from(name)

    def home(self) -> None:
        """The subject as large as it fits; a photo looked at, whole."""
        self.desk.home()

    def next_view(self) -> None:
        self.desk.step_view(1)

    def previous_view(self) -> None:
        self.desk.step_view(-1)

    def toggle_photo(self) -> None:
        """Between the photo of the current view and the free camera."""
        self.desk.toggle_through()

    def is_shown(self, name: str) -> bool:
        return name in self.shown

    def set_shown(self, name: str, shown: bool) -> None:
        """One of `SHOWABLE`."""
        self.shown = self.shown | {name} if shown else self.shown - {name}
        self._display_changed()

    def toggle_shown(self, name: str) -> None:
        self.set_shown(name, name not in self.shown)

    def set_photo_opacity(self, opacity: float) -> None:
        self.photo_opacity = min(max(opacity, 0.0), 1.0)
        self._opacities_changed()

    def set_body_opacity(self, opacity: float) -> None:
        """Of the body over a photo."""
        self.body_opacity = min(max(opacity, 0.0), 1.0)
        self._opacities_changed()

    def set_mode(self, mode: Mode) -> None:
        """In "result" there are no tools but the camera's, and `show_rendering` fills the view."""
        self.tools.lose_focus()
        self.mode = mode
        self._rendering = None
        self._display_changed()
        self._settle_timer.start()

    def show_preview(self, view: str, image: np.ndarray | None) -> None:
        """A picture (H, W, 3) uint8 in the place of a view's photo until the pose changes; None takes it away."""
        self.photos.set_preview(view, image)
        self.request(render=False)

    def show_rendering(self, image: np.ndarray, camera: Camera | None = None) -> None:
        """A picture (H, W, 3) uint8 of a NeRF from `camera`, by default the current one, for the result mode."""
        self._rendering = (as_image(image), camera if camera is not None else self.current_camera())
        self.request(render=False)

    # ---- what changes

    def _on_camera(self) -> None:
        self._settle_timer.start()
        self.cameraMoved.emit(self.current_camera())
        self._show_bar()
        self.request()

    def _settle(self) -> None:
        self.cameraSettled.emit(self.current_camera())

    def _on_pose(self) -> None:
        if self._scenery is not None:
            self._scenery.pose_changed()
        self.request()

    def _on_target(self) -> None:
        if not self.desk.is_empty:
            self._pause_timer.start()

    def _on_scene(self) -> None:
        if self._scenery is not None:
            self._scenery.scene_changed()
        # Opening a project is no drag.
        self._pause_timer.stop()
        self._rendering = None
        self.request()

    def _on_tools(self) -> None:
        # A frustum under the pointer has another colour; all else is drawn over the scene.
        self.request(render=self.tools.hovered_frustum != self._coloured_frustum)
        self._coloured_frustum = self.tools.hovered_frustum

    _coloured_frustum: int | None = None

    def _on_pictures(self) -> None:
        self.request(render=False)
        if not self._thumbnail_timer.isActive():
            self._thumbnail_timer.start()

    def _on_thumbnails(self) -> None:
        if self._scenery is not None:
            self._scenery.thumbnails_changed()
        if self.view_looked_through is None:
            self.request()

    def _display_changed(self) -> None:
        editing = self.mode == "edit"
        self.tools.poses = editing and "skeleton" in self.shown
        self.tools.frusta_shown = editing and "cameras" in self.shown
        self._show_bar()
        self.displayChanged.emit()
        self.request()

    def _opacities_changed(self) -> None:
        self.bar.set_opacities(self.photo_opacity, self.body_opacity)
        self.displayChanged.emit()
        self.request(render=False)

    def _show_bar(self) -> None:
        view = self.view_looked_through if self.mode == "edit" else None
        if view is not None:
            self.bar.show_view(view.name, view.heldout)
            self.bar.set_opacities(self.photo_opacity, self.body_opacity)
            self.bar.settle(self.width(), self.height())
        self.bar.setVisible(view is not None)

    # ---- events

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride:
            # A key that the viewport uses now is not a shortcut of the window.
            if self.tools.wants(Qt.Key(event.key()), event.modifiers()):
                event.accept()
                return True
        elif event.type() == QEvent.Type.WindowDeactivate:
            self.tools.lose_focus()
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.tools.press(event.button(), event.modifiers(), _at(event.position()))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self.tools.move(_at(event.position())):
            self.request(render=False)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.tools.release(event.button(), _at(event.position()))

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.tools.wheel(event.angleDelta().y(), _at(event.position()))
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.tools.leave()

    def focusNextPrevChild(self, _forward: bool) -> bool:
        # Tab goes on to the next joint.
        return False if self.tools.keypoints.is_clicking else super().focusNextPrevChild(_forward)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self.tools.key(Qt.Key(event.key()), event.modifiers()):
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() != Qt.FocusReason.PopupFocusReason:
            self.tools.lose_focus()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_bar()

    def closeEvent(self, event: QCloseEvent) -> None:
        self.shutdown()
        super().closeEvent(event)


def _at(point: QPointF) -> np.ndarray:
    return np.array([point.x(), point.y()])
