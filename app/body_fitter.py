from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject

from app.background import Background, Handle
from app.document.document import Document
from qnerf_core.body.detectors import detect, load_detector
from qnerf_core.body.fitting import BodyFit, FitSettings, fit_body, refine_body
from qnerf_core.body.keypoints import Keypoints
from qnerf_core.body.silhouettes import Silhouettes
from qnerf_core.body.surface import BodySurface
from qnerf_core.scene.scene import Scene

_Work = Callable[[Scene, Keypoints, BodySurface, FitSettings, Handle], BodyFit]


class BodyFitter(Background):
    """Fits and detections, whose result is a command of the document."""

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self.own_proportions = False
        document.projectChanged.connect(self.cancel)

    def fit(self) -> None:
        self._start("Fitting the body", _fit)

    def refine(self) -> None:
        """By the masks, from the last fit; without one that comes first."""
        fit = self._document.fit

        def work(scene: Scene, seen: Keypoints, body: BodySurface, settings: FitSettings, handle: Handle) -> BodyFit:
            return _refined(scene, seen, body, settings, handle, fit)

        self._start("Refining by masks", work)

    def find(self, detector: str) -> None:
        document, scene = self._document, self._document.scene
        if scene is None or self.is_working:
            return
        views = scene.training_views

        def work(handle: Handle) -> Keypoints:
            found = []
            known: set[str] = set()
            for one in detect(load_detector(detector), detector, views, handle.cancelled):
                found.append(one)
                known.add(one.view)
                handle.tell(len(known) / len(views))
            return Keypoints(tuple(found))

        self.run("Finding joints", work, document.take_found)

    def _start(self, what: str, work: _Work) -> None:
        scene = self._document.scene
        if scene is None or self.is_working:
            return
        seen, body = self._document.keypoints, self._document.body
        settings = FitSettings(self.own_proportions)
        self.run(what, lambda handle: work(scene, seen, body, settings, handle), self._document.apply_fit)


def _fit(scene: Scene, seen: Keypoints, body: BodySurface, settings: FitSettings, handle: Handle) -> BodyFit:
    return fit_body(seen, scene, body, settings, progress=handle.tell, cancelled=handle.cancelled)


def _refined(
    scene: Scene, seen: Keypoints, body: BodySurface, settings: FitSettings, handle: Handle, fit: BodyFit | None
) -> BodyFit:
    if fit is None or len(fit.residuals) != len(seen):
        fit = fit_body(seen, scene, body, settings, cancelled=handle.cancelled)
    evidence = Silhouettes.of(scene, body)
    return refine_body(fit, seen, scene, body, evidence, settings, progress=handle.tell, cancelled=handle.cancelled)
