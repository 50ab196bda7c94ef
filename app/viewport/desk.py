from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.document.document import Document
from app.viewport.frustum_shapes import FrustumShapes
from app.viewport.joints import PosedJoints
from app.viewport.picking import mesh_distance, ray, surface_distance
from app.viewport.travel import Place
from app.viewport.view_camera import ViewCamera
from qnerf_core.scene.camera import Camera

_NEAR_SHARE = 0.004
_SUBJECT_SHARE = 0.3


class Desk(QObject):
    """What the tools work on: the document seen from the viewport's camera. Draws nothing."""

    cameraChanged = Signal()
    poseChanged = Signal()
    sceneChanged = Signal()
    jumped = Signal(object)
    """The camera goes elsewhere at once; the `Place` where it was."""

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.document = document
        self.eye = ViewCamera()
        self.shapes = FrustumShapes.of((), np.zeros(3))
        self._joints: PosedJoints | None = None
        self._vertices: np.ndarray | None = None
        self._through: str | None = None
        self._radius = 5.0
        self._looked_at = (np.zeros(3), 1.0)
        document.sceneChanged.connect(self._take_scene)
        document.currentViewChanged.connect(self._follow_view)
        document.posedChanged.connect(self._forget_pose)
        document.targetPoseChanged.connect(self._on_target)
        document.sourcePoseChanged.connect(self._on_source)
        document.targetProxyChanged.connect(self.poseChanged)
        document.sourceProxyChanged.connect(self.poseChanged)
        self._take_scene()

    @property
    def is_empty(self) -> bool:
        return self.document.scene is None

    @property
    def has_body(self) -> bool:
        """Whether the subject is shaped by a pose."""
        return not self.is_empty and self.document.control == "skeleton"

    @property
    def has_proxy(self) -> bool:
        """Whether the subject is shaped by a depth proxy."""
        return not self.is_empty and self.document.control == "depth"

    @property
    def camera(self) -> Camera:
        return self.eye.camera

    @property
    def joints(self) -> PosedJoints:
        """Of the body that is being posed."""
        if self._joints is None:
            pose = self.document.pose
            self._joints = PosedJoints.of(self.document.body.rest_joints(pose.betas, pose.proportions), pose)
        return self._joints

    @property
    def vertices(self) -> np.ndarray:
        if self._vertices is None:
            self._vertices = self.document.body.vertices(self.document.pose)
        return self._vertices

    @property
    def scene_radius(self) -> float:
        return self._radius

    @property
    def subject(self) -> tuple[np.ndarray, float]:
        """Centre and radius of a ball that holds the subject, metres; without one of what the cameras look at."""
        if self.has_body:
            low, high = self.vertices.min(axis=0), self.vertices.max(axis=0)
        elif self.document.proxy.parts:
            low, high = self.document.proxy.box()
        else:
            return self._looked_at
        return 0.5 * (low + high).astype(np.float64), 0.5 * float(np.linalg.norm(high - low))

    @property
    def clipping(self) -> tuple[float, float]:
        far = float(np.linalg.norm(self.camera.position - self.eye.focus)) + 3.0 * self._radius
        return _NEAR_SHARE * far, far

    @property
    def focus_depth(self) -> float:
        return float(self.camera.project(self.eye.focus)[1])

    # ---- camera

    def resize(self, width: int, height: int) -> None:
        self.eye.resize(width, height)
        self.cameraChanged.emit()

    def orbit(self, dx: float, dy: float) -> None:
        self.eye.orbit(dx, dy)
        self._moved()

    def pan(self, dx: float, dy: float) -> None:
        self.eye.pan(dx, dy)
        self._moved()

    def zoom(self, factor: float, at: np.ndarray) -> None:
        self.eye.zoom(factor, at)
        self._moved()

    def look_from(self, name: str) -> None:
        self._jump()
        self.eye.look_from(name, *self.subject)
        self._moved()

    def home(self) -> None:
        self._jump()
        self.eye.frame(*self.subject)
        self._moved()

    def look_through(self, name: str | None) -> None:
        if name is None:
            self.document.set_current_view(self.document.current_view, False)
        else:
            self.document.set_current_view(name, True)

    def step_view(self, step: int) -> None:
        """The next view of the capture, or the one before: looked through."""
        if self.document.scene is None:
            return
        names = [view.name for view in self.document.scene.views]
        now = self.document.current_view
        start = names.index(now) if now in names else (-1 if step > 0 else 0)
        stepping = self.document.looking_through or now is None
        self.look_through(names[(start + step) % len(names)] if stepping else names[start])

    def toggle_through(self) -> None:
        self.look_through(None) if self.document.looking_through else self.step_view(1)

    def _jump(self) -> None:
        self.jumped.emit(Place(self.camera, self.focus_depth))

    def _moved(self) -> None:
        if self.document.looking_through and not self.eye.is_looking_through:
            self._through = None
            self.look_through(None)
        self.cameraChanged.emit()

    # ---- picking

    def frustum_at(self, at: np.ndarray) -> int | None:
        """Index of the view whose frustum is under a pixel, if the body is not in front of it."""
        camera = self.camera
        found = self.shapes.at(camera, at, self.focus_depth)
        if found is None:
            return None
        return found[0] if self._subject_distance(at) * float(ray(camera, at) @ camera.forward) > found[1] else None

    def part_at(self, at: np.ndarray) -> tuple[str, float] | None:
        """The part of the proxy under a pixel, and how far it is along the ray, metres."""
        if not self.has_proxy:
            return None
        camera = self.camera
        found = [(surface_distance(camera, at, *part.mesh), part.name) for part in self.document.proxy.parts]
        distance, name = min(found, default=(np.inf, ""))
        return (name, distance) if np.isfinite(distance) else None

    def _subject_distance(self, at: np.ndarray) -> float:
        if not self.has_body:
            found = self.part_at(at)
            return found[1] if found is not None else np.inf
        return mesh_distance(self.camera.position, ray(self.camera, at), self.vertices, self.document.body.faces)

    # ---- the document

    def _take_scene(self) -> None:
        self._joints = self._vertices = self._through = None
        scene = self.document.scene
        if scene is not None:
            self._looked_at = looked_at([view.camera for view in scene.views])
            centre, radius = self.subject
            self.shapes = FrustumShapes.of(scene.views, centre)
            reach = np.linalg.norm(self.shapes.points.reshape(-1, 3) - centre, axis=1)
            self._radius = max(radius, 1.15 * float(reach.max(initial=0.0)))
            self.eye.look_from("corner", centre, radius)
        self.sceneChanged.emit()
        self._follow_view()

    def _follow_view(self) -> None:
        document = self.document
        wanted = document.current_view if document.looking_through else None
        if wanted != self._through:
            if self._through is None:
                self._jump()
            self._through = wanted
            if wanted is None or document.scene is None:
                self.eye.leave()
            else:
                self.eye.look_through(document.scene.view(wanted).camera, self.subject[0])
        self.cameraChanged.emit()

    def _on_target(self) -> None:
        self._forget_pose() if self.document.posed == "target" else self.poseChanged.emit()

    def _on_source(self) -> None:
        self._forget_pose() if self.document.posed == "source" else self.poseChanged.emit()

    def _forget_pose(self) -> None:
        self._joints = self._vertices = None
        self.poseChanged.emit()


def looked_at(cameras: Sequence[Camera]) -> tuple[np.ndarray, float]:
    """The point nearest to all lines of sight (least squares), and a radius that a subject there may have."""
    positions = np.array([camera.position for camera in cameras])
    directions = np.array([camera.forward for camera in cameras])
    across = np.eye(3) - directions[:, :, None] * directions[:, None, :]
    # A little towards the cameras' middle, for lines that are parallel.
    pull = 1e-3 * np.eye(3)
    matrix = across.mean(axis=0) + pull
    centre = np.linalg.solve(
        matrix, (across @ positions[:, :, None]).mean(axis=0)[:, 0] + pull @ positions.mean(axis=0)
    )
    distance = float(np.median(np.linalg.norm(positions - centre, axis=1)))
    return centre, _SUBJECT_SHARE * max(distance, 1e-3)
