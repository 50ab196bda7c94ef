"""The depth picture that the diffusion will see, and what is wrong with a proxy; computed beside the window."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from app.shell.tasks import beside
from qnerf_core.control.loose_depth import depth_control_image, over_boundary
from qnerf_core.control.looseness import Looseness, measure_looseness
from qnerf_core.control.raster import rasterise_depth
from qnerf_core.control.seen import SeenView, seen_view

if TYPE_CHECKING:
    from app.document.document import Document
    from qnerf_core.control.loose_depth import DepthStyle
    from qnerf_core.proxy.model import DepthProxy
    from qnerf_core.scene.camera import Camera
    from qnerf_core.scene.scene import Scene, View

_RESTS_MS = 40
_SIZE = 256
_JUDGES = 8
# Of the picture's longer side. The built-in captures' own proxies stay below.
_TIGHT, _WIDE = 0.07, 0.16
# Metres; loose proxies sink into the floor a little.
_OUTSIDE = 0.1


@dataclass(eq=False)
class _Views:
    """What was read of a capture's views; the thread that works is the only one that touches it."""

    scene: Scene
    seen: dict[str, SeenView] = field(default_factory=dict)

    def of(self, view: View, silhouette: np.ndarray) -> SeenView:
        if view.name not in self.seen:
            self.seen[view.name] = seen_view(view, small(view), self.scene.bounds, silhouette)
        return self.seen[view.name]


class SeenDepth(QObject):
    """Follows the document while it is enabled; of several changes only the last is worked on."""

    ready = Signal(str, object)  # view, uint8 (H, W, 3)
    judged = Signal(list)  # what is wrong, in words

    def __init__(self, document: Document, parent: QObject) -> None:
        super().__init__(parent)
        self._document = document
        self._enabled = self._is_busy = self._is_stale = False
        self._views: _Views | None = None
        self._measured: tuple[DepthProxy, Looseness | None] | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_RESTS_MS)
        self._timer.timeout.connect(self._start)
        for signal in (
            document.targetProxyChanged,
            document.sourceProxyChanged,
            document.currentViewChanged,
            document.settingsChanged,
            document.sceneChanged,
            document.controlChanged,
        ):
            signal.connect(self.refresh)

    def set_enabled(self, enabled: bool) -> None:
        self._enabled = enabled
        self.refresh()

    def refresh(self) -> None:
        if self._enabled and not self._timer.isActive():
            self._timer.start()

    def _start(self) -> None:
        document = self._document
        scene, name = document.scene, document.current_view
        if scene is None or name is None or document.control != "depth":
            return
        if self._is_busy:
            self._is_stale = True
            return
        if self._views is None or self._views.scene is not scene:
            self._views, self._measured = _Views(scene), None
        views, source, target = self._views, document.source_proxy, document.target_proxy
        style = document.spec.control.depth_style
        measured = self._measured if self._measured is not None and self._measured[0] is source else None
        self._is_busy = True

        def work() -> tuple[np.ndarray, tuple[DepthProxy, Looseness | None]]:
            picture = depth_picture(views, scene.view(name), source, target, style)
            return picture, measured or (source, _looseness(views, source))

        def show(found: tuple[np.ndarray, tuple[DepthProxy, Looseness | None]]) -> None:
            self._measured = found[1]
            self.ready.emit(name, found[0])
            self.judged.emit(judged(scene, target, found[1][1]))

        beside(self, work, show, self._done)

    def _done(self) -> None:
        self._is_busy = False
        if self._is_stale:
            self._is_stale = False
            self._start()


def small(view: View) -> Camera:
    camera = view.camera
    scale = min(1.0, _SIZE / max(camera.width, camera.height))
    return camera.scaled(max(1, round(camera.width * scale)), max(1, round(camera.height * scale)))


def depth_picture(views: _Views, view: View, source: DepthProxy, target: DepthProxy, style: DepthStyle) -> np.ndarray:
    """(H, W, 3) uint8, as an edit makes it."""
    camera = small(view)
    silhouette = rasterise_depth(*source.mesh(), camera) > 0
    boundary = views.of(view, silhouette).boundary
    return depth_control_image(over_boundary(rasterise_depth(*target.mesh(), camera), boundary), style)


def _looseness(views: _Views, source: DepthProxy) -> Looseness | None:
    """None if no masks tell where the subject is."""
    masked = [view for view in views.scene.training_views if view.mask_path]
    chosen = [masked[index * len(masked) // _JUDGES] for index in range(_JUDGES)] if masked else []
    if not chosen:
        return None
    vertices, faces = source.mesh()
    depths = [rasterise_depth(vertices, faces, small(view)) for view in chosen]
    seen = [views.of(view, depth > 0) for view, depth in zip(chosen, depths, strict=True)]
    return measure_looseness(depths, [view.figure for view in seen], [view.scene for view in seen])


def judged(scene: Scene, target: DepthProxy, looseness: Looseness | None) -> list[str]:
    if not target.parts:
        return ["The proxy is empty: add a part, or fit it to the photos."]
    said = []
    if looseness is not None and looseness.outward > _TIGHT * _SIZE:
        said.append(
            f"The source proxy is too tight: the subject reaches {100 * looseness.outward / _SIZE:.0f} % of the "
            "picture beyond it. Make it larger, or fit it to the photos."
        )
    if looseness is not None and looseness.inward > _WIDE * _SIZE:
        said.append(
            f"The source proxy reaches {100 * looseness.inward / _SIZE:.0f} % of the picture beyond the subject. "
            "Make it smaller, or fit it to the photos."
        )
    if scene.bounds is not None:
        low, high = target.box()
        if (low < scene.bounds[0] - _OUTSIDE).any() or (high > scene.bounds[1] + _OUTSIDE).any():
            where = "the floor" if low[2] < scene.bounds[0, 2] - _OUTSIDE else "a wall or the ceiling"
            said.append(f"The proxy reaches through {where}: what is behind it is not seen.")
    return said
