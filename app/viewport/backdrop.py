from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSizeF
from PySide6.QtGui import QImage, QLinearGradient, QPainter, QPixmap, QPolygonF, QTransform

from app.viewport.look import Look
from qnerf_core.scene.camera import Camera


class Backdrop:
    """What is behind the scene: a gradient, the photo looked at or a picture of a NeRF. Painted once, then copied."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] = ()
        self._pixmap = QPixmap()

    def picture(
        self,
        size: QSizeF,
        ratio: float,
        look: Look,
        photo: QImage | None,
        area: QRectF,
        opacity: float,
        rendering: tuple[QImage, QPolygonF] | None,
    ) -> QPixmap:
        warp = [(p.x(), p.y()) for p in rendering[1].toList()] if rendering is not None else []
        key = (
            (size.width(), size.height(), ratio, look),
            (photo.cacheKey() if photo is not None else 0, area.getRect(), opacity),
            (rendering[0].cacheKey() if rendering is not None else 0, warp),
        )
        if key != self._key:
            self._key = key
            self._pixmap = QPixmap((size * ratio).toSize())
            self._pixmap.setDevicePixelRatio(ratio)
            painter = QPainter(self._pixmap)
            gradient = QLinearGradient(0, 0, 0, size.height())
            gradient.setColorAt(0.0, look.colour("background_top"))
            gradient.setColorAt(1.0, look.colour("background_bottom"))
            painter.fillRect(QRectF(QPointF(), size), gradient)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            if rendering is not None:
                _draw_warped(painter, *rendering)
            elif photo is not None:
                painter.setOpacity(opacity)
                painter.drawImage(area, photo, QRectF(photo.rect()))
            painter.end()
        return self._pixmap


def _draw_warped(painter: QPainter, image: QImage, corners: QPolygonF) -> None:
    width, height = image.width(), image.height()
    square = QPolygonF([QPointF(0, 0), QPointF(width, 0), QPointF(width, height), QPointF(0, height)])
    transform = QTransform()
    if QTransform.quadToQuad(square, corners, transform):
        painter.setTransform(transform, True)
        painter.drawImage(0, 0, image)
        painter.resetTransform()


def corners_seen_from(then: Camera, now: Camera, depth: float) -> QPolygonF | None:
    """Where the corners of a picture taken by one camera are for another, if all it shows were at one depth."""
    corners = np.array([(0, 0), (then.width, 0), (then.width, then.height), (0, then.height)], dtype=np.float64)
    pixels, depths = now.project(then.unproject(corners, np.full(4, depth)))
    if not (depths > 1e-3 * depth).all():
        return None
    return QPolygonF([QPointF(x, y) for x, y in pixels.tolist()])


def as_image(pixels: np.ndarray) -> QImage:
    """uint8 (H, W, 3) as a picture that keeps its own memory."""
    pixels = np.ascontiguousarray(pixels)
    height, width = pixels.shape[:2]
    image = QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    return image.convertToFormat(QImage.Format.Format_RGB32)
