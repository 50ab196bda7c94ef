from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PySide6.QtCore import QObject, QSize, Signal
from PySide6.QtGui import QImage

from app.document.document import Document
from app.gallery.pictures import Key, PictureStore
from app.gallery.run_state import Picture
from app.viewport.backdrop import as_image
from app.viewport.frustum_shapes import TILE
from qnerf_core.scene.scene import View

_MEMORY = 192_000_000
_LARGEST_SIDE = 2048
_NEIGHBOURS = 1


class Photos(QObject):
    """The pictures of the capture's views as the viewport needs them, and previews in their place."""

    arrived = Signal()

    def __init__(self, document: Document, parent: QObject) -> None:
        super().__init__(parent)
        self._document = document
        self._store = PictureStore(_MEMORY, self)
        self._store.arrived.connect(self.arrived)
        self._previews: dict[str, QImage] = {}
        document.sceneChanged.connect(self._begin)
        document.currentViewChanged.connect(self._want)
        document.targetPoseChanged.connect(self._forget_previews)
        self._begin()

    def set_preview(self, view: str, image: np.ndarray | None) -> None:
        if image is None:
            self._previews.pop(view, None)
        else:
            self._previews[view] = as_image(image)

    def preview(self, view: str) -> QImage | None:
        return self._previews.get(view)

    def photo(self, view: View) -> QImage | None:
        """As large as is useful; its thumbnail until that is read."""
        return self._store.get(_large(view)) or self._store.get(_small(view))

    def thumbnails(self) -> Iterator[tuple[int, np.ndarray]]:
        """Those that are there: index of the view and (TILE, TILE, 3) uint8 RGB."""
        for index, view in enumerate(self._views):
            image = self._store.get(_small(view))
            if image is not None:
                yield index, _pixels(image)

    @property
    def idle(self) -> bool:
        return self._store.idle

    def close(self) -> None:
        self._store.close()

    @property
    def _views(self) -> tuple[View, ...]:
        return self._document.scene.views if self._document.scene is not None else ()

    def _begin(self) -> None:
        self._store.clear()
        self._previews.clear()
        self._want()

    def _want(self) -> None:
        views = self._views
        names = [view.name for view in views]
        document = self._document
        large: list[Key] = []
        if document.looking_through and document.current_view in names:
            here = names.index(document.current_view)
            around = sorted(range(-_NEIGHBOURS, _NEIGHBOURS + 1), key=abs)
            large = [_large(views[(here + step) % len(views)]) for step in around]
        self._store.want([*large[:1], *map(_small, views), *large[1:]])

    def _forget_previews(self) -> None:
        self._previews.clear()


def _small(view: View) -> Key:
    return Key.of(Picture(view.image_path, 0), QSize(TILE, TILE))


def _large(view: View) -> Key:
    width, height = view.camera.width, view.camera.height
    scale = min(1.0, _LARGEST_SIDE / max(width, height))
    return Key.of(Picture(view.image_path, 0), QSize(round(width * scale), round(height * scale)))


def _pixels(image: QImage) -> np.ndarray:
    if image.size() != QSize(TILE, TILE):
        image = image.scaled(TILE, TILE)
    bgrx = np.frombuffer(image.constBits(), dtype=np.uint8).reshape(TILE, TILE, 4)
    return bgrx[..., 2::-1]
