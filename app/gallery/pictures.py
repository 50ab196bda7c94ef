from __future__ import annotations

import os
import threading
import weakref
from collections import OrderedDict, deque
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

from PySide6.QtCore import QObject, QSize, Qt, Signal
from PySide6.QtGui import QImage

from app.gallery.run_state import Picture
from qnerf_core import files
from qnerf_core.errors import StudioError

FULL = QSize(0, 0)
_THREADS = 2


def _be_nice() -> None:
    # On Linux a thread has a priority of its own: those that draw go first.
    if hasattr(os, "setpriority"):
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, min(19, os.getpriority(os.PRIO_PROCESS, thread) + 5))


class Key(NamedTuple):
    """A picture at a size in device pixels; (0, 0) is its own size."""

    picture: Picture
    width: int
    height: int

    @classmethod
    def of(cls, picture: Picture, size: QSize = FULL) -> Key:
        return cls(picture, size.width(), size.height())


class PictureStore(QObject):
    """Decoded pictures within a memory limit, made by threads in the order in which they are wanted."""

    arrived = Signal()

    def __init__(self, limit_bytes: int = 256_000_000, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.limit_bytes = limit_bytes
        self._lock = threading.Lock()
        self._images: OrderedDict[Key, QImage] = OrderedDict()
        self._broken: dict[Picture, str] = {}
        self._bytes = 0
        self._full_bytes = 262_144
        self._wanted: deque[Key] = deque()
        self._working = 0
        self._announced = False
        self._executor = ThreadPoolExecutor(_THREADS, "pictures", initializer=_be_nice)
        self._announce.connect(self._arrive)
        self.destroyed.connect(partial(_end, self._executor, self._wanted))

    _announce = Signal()

    @property
    def bytes_used(self) -> int:
        return self._bytes

    def get(self, key: Key) -> QImage | None:
        with self._lock:
            image = self._images.get(key)
            if image is not None:
                self._images.move_to_end(key)
            return image

    def any_size(self, picture: Picture, size: QSize) -> QImage | None:
        """The picture at that size, at its own, or None."""
        return self.get(Key.of(picture, size)) or self.get(Key.of(picture))

    def problem(self, picture: Picture) -> str:
        return self._broken.get(picture, "")

    def want(self, keys: Iterable[Key]) -> None:
        """Have these decoded, first things first, and forget what was wanted before. What does not fit is left out."""
        room = self.limit_bytes
        missing: list[Key] = []
        with self._lock:
            for key in dict.fromkeys(keys):
                image = self._images.get(key)
                if image is None and key.picture in self._broken:
                    continue
                room -= image.sizeInBytes() if image is not None else 4 * key.width * key.height or self._full_bytes
                if room < 0:
                    break
                if image is None:
                    missing.append(key)
                else:
                    self._images.move_to_end(key)
            self._wanted.clear()
            self._wanted.extend(missing)
            start = min(len(missing), _THREADS) - self._working
            self._working += max(0, start)
        for _ in range(start):
            self._executor.submit(_work, weakref.ref(self))

    def close(self) -> None:
        """Decode nothing any more."""
        _end(self._executor, self._wanted)

    def clear(self) -> None:
        with self._lock:
            self._wanted.clear()
            self._images.clear()
            self._broken.clear()
            self._bytes = 0

    @property
    def idle(self) -> bool:
        return not self._working

    def _next(self) -> Key | None:
        with self._lock:
            if self._wanted:
                return self._wanted.popleft()
            self._working -= 1
            return None

    def _store(self, key: Key, image: QImage | str) -> None:
        with self._lock:
            if isinstance(image, str):
                self._broken[key.picture] = image
            elif key not in self._images:
                self._images[key] = image
                self._bytes += image.sizeInBytes()
                if not key.width:
                    self._full_bytes = image.sizeInBytes()
                while self._bytes > self.limit_bytes and len(self._images) > 1:
                    self._bytes -= self._images.popitem(last=False)[1].sizeInBytes()
            announce, self._announced = not self._announced, True
        if announce:
            try:
                self._announce.emit()
            except RuntimeError:  # the window was closed meanwhile
                return

    def _arrive(self) -> None:
        self._announced = False
        self.arrived.emit()


def _end(executor: ThreadPoolExecutor, wanted: deque[Key], *_: object) -> None:
    wanted.clear()
    executor.shutdown(wait=False, cancel_futures=True)


def _work(reference: weakref.ref[PictureStore]) -> None:
    while (store := reference()) is not None:
        key = store._next()
        if key is None:
            return
        store._store(key, decode(key))


def decode(key: Key) -> QImage | str:
    """The picture at the wanted size (never enlarged), or why there is none."""
    try:
        pixels = files.read_image(key.picture.path)
    except StudioError as error:
        return error.cause
    height, width = pixels.shape[:2]
    image = QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    wanted = QSize(key.width, key.height)
    if not wanted.isEmpty() and wanted.width() < width and wanted.height() < height:
        image = image.scaled(wanted, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation)
    return image.convertToFormat(QImage.Format.Format_RGB32)
