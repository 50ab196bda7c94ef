"""What the model will see of the proxy: the depth picture of the current view, and what is wrong with it."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.document.document import Document
from app.seen_depth import SeenDepth

_HEIGHT = 190


class PictureSection(QWidget):
    def __init__(self, document: Document) -> None:
        super().__init__()
        self.seen = SeenDepth(document, self)
        self.picture = _Picture()
        self.caption = QLabel()
        self.caption.setObjectName("depthCaption")
        self.caption.setProperty("role", "hint")
        self.caption.setWordWrap(True)
        self.warning = QLabel()
        self.warning.setObjectName("proxyWarning")
        self.warning.setProperty("role", "warning")
        self.warning.setWordWrap(True)
        self.warning.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(5)
        column.addWidget(self.picture)
        column.addWidget(self.caption)
        column.addWidget(self.warning)
        self.seen.ready.connect(self._show)
        self.seen.judged.connect(self._warn)

    def _show(self, view: str, pixels: np.ndarray) -> None:
        self.picture.set_pixels(pixels)
        self.caption.setText(f"View {view}. Near is bright. Inside the proxy the model is free.")

    def _warn(self, said: list[str]) -> None:
        self.warning.setText("\n".join(said))
        self.warning.setVisible(bool(said))


class _Picture(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("depthPicture")
        self.setAccessibleName("Depth that the model will see")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.image: QImage | None = None

    def sizeHint(self) -> QSize:
        return QSize(_HEIGHT, _HEIGHT)

    def set_pixels(self, pixels: np.ndarray) -> None:
        pixels = np.ascontiguousarray(pixels)
        height, width = pixels.shape[:2]
        self.image = QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        path = QPainterPath()
        path.addRoundedRect(QRectF(self.rect()), 6, 6)
        painter.setClipPath(path)
        painter.fillRect(self.rect(), self.palette().base())
        if self.image is None:
            painter.setPen(self.palette().placeholderText().color())
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "One moment ...")
            return
        scaled = self.image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        left, top = 0.5 * (self.width() - scaled.width()), 0.5 * (self.height() - scaled.height())
        painter.drawImage(QRectF(left, top, scaled.width(), scaled.height()), self.image)
