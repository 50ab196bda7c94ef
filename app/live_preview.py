"""The view looked through, edited to the pose or proxy as soon as it rests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

if TYPE_CHECKING:
    from app.document.document import Document
    from app.preview import PreviewClient
    from app.viewport.viewport import Viewport

_RESTS_AFTER_MS = 400
_WARMS_AFTER_MS = 1500


class LivePreview(QObject):
    """Asks for a preview when a drag pauses, and when pose, settings or view changed; takes away what is outdated."""

    workingChanged = Signal(bool)

    def __init__(self, document: Document, viewport: Viewport, client: PreviewClient) -> None:
        super().__init__(viewport)
        self._document = document
        self._viewport = viewport
        self._client = client
        self._enabled = True
        self._working = False
        self._shown: str | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_RESTS_AFTER_MS)
        self._timer.timeout.connect(self.request)
        self._warm_timer = QTimer(self)
        self._warm_timer.setSingleShot(True)
        self._warm_timer.setInterval(_WARMS_AFTER_MS)
        self._warm_timer.timeout.connect(self._warm)
        viewport.dragPaused.connect(self.request)
        document.targetPoseChanged.connect(self._outdated)
        document.targetProxyChanged.connect(self._outdated)
        document.settingsChanged.connect(self._outdated)
        document.currentViewChanged.connect(self._view_changed)
        document.sceneChanged.connect(self._outdated)
        document.controlChanged.connect(self._outdated)
        client.ready.connect(self._show)
        client.failed.connect(lambda: self._work(False))

    def set_enabled(self, enabled: bool) -> None:
        self._enabled = enabled
        if enabled:
            self._view_changed()
        else:
            self._timer.stop()
            self._take_away()
            self._client.stop()

    def request(self) -> None:
        self._timer.stop()
        document = self._document
        view = self._view()
        if view is not None and self._posed():
            self._work(True)
            self._client.request(view, document.target_subject, document.spec, document.source_subject)

    def _view(self) -> str | None:
        document = self._document
        return document.current_view if self._enabled and document.looking_through and document.scene else None

    def _posed(self) -> bool:
        return self._document.target_subject is not self._document.source_subject

    def _view_changed(self) -> None:
        self._outdated()
        self._warm_timer.start()

    def _warm(self) -> None:
        view = self._view()
        if view is not None and not self._posed():
            self._client.warm(view, self._document.source_subject, self._document.spec)

    def _outdated(self) -> None:
        self._take_away()
        if self._view() is not None and self._posed():
            self._timer.start()

    def _take_away(self) -> None:
        if self._shown is not None:
            self._viewport.show_preview(self._shown, None)
            self._shown = None
        self._work(False)

    def _show(self, view: str, picture: np.ndarray, _seconds: float) -> None:
        self._work(False)
        if view == self._view() and not self._timer.isActive():
            self._shown = view
            self._viewport.show_preview(view, picture)

    def _work(self, working: bool) -> None:
        if working != self._working:
            self._working = working
            self.workingChanged.emit(working)
