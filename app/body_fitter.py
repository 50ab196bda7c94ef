from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from app.document.document import Document
from app.shell.tasks import beside
from qnerf_core.body.detectors import detect, load_detector
from qnerf_core.body.fitting import BodyFit, FitSettings, fit_body, refine_body
from qnerf_core.body.keypoints import Keypoints
from qnerf_core.body.silhouettes import Silhouettes
from qnerf_core.body.surface import BodySurface
from qnerf_core.errors import Cancelled
from qnerf_core.scene.scene import Scene

_POLL_MS = 60


class BodyFitter(QObject):
    """Fits and detections, one at a time, in a thread; their result is a command of the document."""

    changed = Signal()

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._cancel = threading.Event()
        self._share = 0.0
        self.what = ""
        self.own_proportions = False
        self._timer = QTimer(self)
        self._timer.setInterval(_POLL_MS)
        self._timer.timeout.connect(self.changed)
        document.projectChanged.connect(self.cancel)

    @property
    def is_working(self) -> bool:
        return bool(self.what)

    @property
    def share(self) -> float:
        return self._share

    def fit(self) -> None:
        self._start("Fitting the body", lambda scene, seen, body, settings: self._fit(scene, seen, body, settings))

    def refine(self) -> None:
        """By the masks, from the last fit; without one that comes first."""
        fit = self._document.fit
        self._start(
            "Refining by masks", lambda scene, seen, body, settings: self._refine(scene, seen, body, settings, fit)
        )

    def find(self, detector: str) -> None:
        document, scene = self._document, self._document.scene
        if scene is None or self.is_working:
            return
        views = scene.training_views

        def work() -> Keypoints:
            found = []
            known: dict[str, int] = {}
            for one in detect(load_detector(detector), detector, views, self._cancel.is_set):
                found.append(one)
                known.setdefault(one.view, len(known) + 1)
                self._share = len(known) / len(views)
            return Keypoints(tuple(found))

        self._run("Finding joints", work, document.take_found)

    def cancel(self) -> None:
        self._cancel.set()

    def _start(self, what: str, work: Callable[[Scene, Keypoints, BodySurface, FitSettings], BodyFit]) -> None:
        scene = self._document.scene
        if scene is None or self.is_working:
            return
        seen, body = self._document.keypoints, self._document.body
        settings = FitSettings(self.own_proportions)
        self._run(what, lambda: work(scene, seen, body, settings), self._document.apply_fit)

    def _fit(self, scene: Scene, seen: Keypoints, body: BodySurface, settings: FitSettings) -> BodyFit:
        return fit_body(seen, scene, body, settings, progress=self._tell, cancelled=self._cancel.is_set)

    def _refine(
        self, scene: Scene, seen: Keypoints, body: BodySurface, settings: FitSettings, fit: BodyFit | None
    ) -> BodyFit:
        if fit is None or len(fit.residuals) != len(seen):
            fit = fit_body(seen, scene, body, settings, cancelled=self._cancel.is_set)
        evidence = Silhouettes.of(scene, body)
        return refine_body(
            fit, seen, scene, body, evidence, settings, progress=self._tell, cancelled=self._cancel.is_set
        )

    def _tell(self, share: float) -> None:
        self._share = share

    def _run(self, what: str, work: Callable[[], Any], then: Callable[[Any], None]) -> None:
        self.what, self._share = what, 0.0
        self._cancel.clear()
        project = self._document.project

        def safely() -> Any:
            try:
                return work()
            except Cancelled:
                return None

        def take(result: Any) -> None:
            if result is not None and self._document.project is project:
                then(result)

        beside(self, safely, take, self._ended)
        self._timer.start()
        self.changed.emit()

    def _ended(self) -> None:
        self.what = ""
        self._timer.stop()
        self.changed.emit()
