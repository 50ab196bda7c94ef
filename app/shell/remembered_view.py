"""What the 3D view shows, and how strongly, stays as it was left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.shell import settings

if TYPE_CHECKING:
    from app.viewport.viewport import Viewport

_SHOWN, _PHOTO, _BODY = "viewport/shown", "viewport/photo_opacity", "viewport/body_opacity"


class RememberedView(QObject):
    def __init__(self, viewport: Viewport) -> None:
        super().__init__(viewport)
        self._viewport = viewport
        self._restore()
        viewport.displayChanged.connect(self._keep)

    def _restore(self) -> None:
        from app.viewport.viewport import SHOWABLE

        viewport, shown = self._viewport, settings.store().value(_SHOWN)
        if isinstance(shown, str):
            for name in SHOWABLE:
                viewport.set_shown(name, name in shown.split())
        viewport.set_photo_opacity(settings.number(_PHOTO, viewport.photo_opacity))
        viewport.set_body_opacity(settings.number(_BODY, viewport.body_opacity))

    def _keep(self) -> None:
        viewport, store = self._viewport, settings.store()
        store.setValue(_SHOWN, " ".join(sorted(viewport.shown)))
        store.setValue(_PHOTO, viewport.photo_opacity)
        store.setValue(_BODY, viewport.body_opacity)
