from __future__ import annotations

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPainter, QPalette, QPen

from app.gallery.compare import Comparison
from app.gallery.zoom import Zoom

_PIXELS_FROM = 6.0
_AMPLIFY = 4
AMBER = QColor(224, 156, 54)
ORANGE = QColor(226, 128, 54)


def mix(first: QColor, second: QColor, share: float) -> QColor:
    """The first colour with a share of the second."""
    one = (first.redF(), first.greenF(), first.blueF())
    two = (second.redF(), second.greenF(), second.blueF())
    return QColor.fromRgbF(*(a + (b - a) * share for a, b in zip(one, two, strict=True)))


def muted(palette: QPalette, share: float = 0.45) -> QColor:
    return mix(palette.windowText().color(), palette.window().color(), share)


def small_font(font: QFont) -> QFont:
    smaller = QFont(font)
    if font.pixelSize() > 0:
        smaller.setPixelSize(max(9, font.pixelSize() - 1))
    else:
        smaller.setPointSizeF(max(6.5, font.pointSizeF() - 1))
    return smaller


def fitted(area: QRect, size: QSize) -> QRect:
    """The largest rectangle of a picture's shape in the middle of an area."""
    scaled = size.scaled(area.size(), Qt.AspectRatioMode.KeepAspectRatio)
    frame = QRect(0, 0, max(1, scaled.width()), max(1, scaled.height()))
    frame.moveCenter(area.center())
    return frame


def placed(frame: QRectF, zoom: Zoom) -> QRectF:
    """Where the whole picture lies when its frame shows the zoom's window."""
    window = zoom.window()
    size = frame.size() * zoom.scale
    corner = QPointF(
        frame.x() - window.x() * size.width(),
        frame.y() - window.y() * size.height(),
    )
    return QRectF(corner, size)


def paint_picture(painter: QPainter, image: QImage, frame: QRectF, clip: QRectF, zoom: Zoom) -> None:
    whole = placed(frame, zoom)
    visible = whole.intersected(clip)
    if visible.isEmpty():
        return
    across, down = image.width() / whole.width(), image.height() / whole.height()
    source = QRectF(
        (visible.x() - whole.x()) * across,
        (visible.y() - whole.y()) * down,
        visible.width() * across,
        visible.height() * down,
    )
    ratio = painter.device().devicePixelRatioF()
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, across * _PIXELS_FROM * ratio > 1.0)
    painter.drawImage(visible, image, source)


def paint_compared(
    painter: QPainter,
    first: QImage,
    second: QImage | None,
    frame: QRectF,
    clip: QRectF,
    zoom: Zoom,
    comparison: Comparison,
) -> None:
    """The picture and its partner in one frame: what is before the divider is the partner."""
    if second is None or not (comparison.active or comparison.flicker):
        paint_picture(painter, first, frame, clip, zoom)
    elif comparison.flicker:
        paint_picture(painter, second, frame, clip, zoom)
    elif comparison.style == "difference":
        _paint_difference(painter, first, second, frame, clip, zoom)
    else:
        edge = round(clip.x() + clip.width() * comparison.divider)
        before = QRectF(clip.x(), clip.y(), edge - clip.x(), clip.height())
        after = QRectF(edge, clip.y(), clip.right() - edge, clip.height())
        paint_picture(painter, second, frame, before, zoom)
        paint_picture(painter, first, frame, after, zoom)


def _paint_difference(
    painter: QPainter, first: QImage, second: QImage, frame: QRectF, clip: QRectF, zoom: Zoom
) -> None:
    area = clip.toAlignedRect()
    canvas = QImage(area.size(), QImage.Format.Format_RGB32)
    canvas.fill(Qt.GlobalColor.black)
    with QPainter(canvas) as inner:
        inner.translate(-area.x(), -area.y())
        paint_picture(inner, second, frame, clip, zoom)
        inner.setCompositionMode(QPainter.CompositionMode.CompositionMode_Difference)
        paint_picture(inner, first, frame, clip, zoom)
    once = canvas.copy()
    with QPainter(canvas) as inner:
        inner.setCompositionMode(QPainter.CompositionMode.CompositionMode_Plus)
        for _ in range(_AMPLIFY - 1):
            inner.drawImage(0, 0, once)
    painter.drawImage(area.topLeft(), canvas)


def paint_divider(painter: QPainter, clip: QRectF, divider: float, *, knob: bool) -> None:
    edge = round(clip.x() + clip.width() * divider)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(0, 0, 0, 110), 3))
    painter.drawLine(QPointF(edge, clip.top()), QPointF(edge, clip.bottom()))
    painter.setPen(QPen(QColor(255, 255, 255, 235), 1.4))
    painter.drawLine(QPointF(edge, clip.top()), QPointF(edge, clip.bottom()))
    if knob:
        middle = QPointF(edge, clip.center().y())
        painter.setBrush(QColor(255, 255, 255, 240))
        painter.setPen(QPen(QColor(0, 0, 0, 90), 1))
        painter.drawEllipse(middle, 13, 13)
        painter.setPen(QPen(QColor(60, 60, 60), 1.6))
        for side in (-1, 1):
            tip = QPointF(middle.x() + side * 7.5, middle.y())
            painter.drawLine(tip, QPointF(tip.x() - side * 3.5, tip.y() - 3.5))
            painter.drawLine(tip, QPointF(tip.x() - side * 3.5, tip.y() + 3.5))
    painter.restore()


def paint_badge(
    painter: QPainter, text: str, clip: QRectF, side: Qt.AlignmentFlag, font: QFont, share: float = 1.0
) -> None:
    """A small caption on a picture, no wider than a share of it."""
    painter.save()
    painter.setFont(font)
    metrics = painter.fontMetrics()
    text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, max(10, int(clip.width() * share) - 24))
    badge = QRectF(0, 0, metrics.horizontalAdvance(text) + 12, metrics.height() + 4)
    badge.moveTop(clip.top() + 6)
    if side == Qt.AlignmentFlag.AlignLeft:
        badge.moveLeft(clip.left() + 6)
    else:
        badge.moveRight(clip.right() - 6)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(16, 18, 22, 170))
    painter.drawRoundedRect(badge, 4, 4)
    painter.setPen(QColor(245, 246, 248))
    painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, text)
    painter.restore()


def paint_placeholder(
    painter: QPainter, frame: QRectF, palette: QPalette, text: str, ghost: QImage | None, *, alarm: bool = False
) -> None:
    """A place whose picture is not there (yet), with what was there before as a shadow."""
    base = mix(palette.window().color(), palette.windowText().color(), 0.06)
    painter.fillRect(frame, base)
    if ghost is not None:
        painter.save()
        painter.setOpacity(0.16)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(frame, ghost)
        painter.restore()
    edge = AMBER if alarm else mix(base, palette.windowText().color(), 0.22)
    painter.setPen(QPen(edge, 1, Qt.PenStyle.SolidLine if alarm else Qt.PenStyle.DashLine))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(frame.adjusted(0.5, 0.5, -0.5, -0.5))
    metrics = painter.fontMetrics()
    if metrics.horizontalAdvance(text) < frame.width() - 6 and metrics.height() < frame.height():
        painter.setPen(AMBER if alarm else muted(palette, 0.35))
        painter.drawText(frame, Qt.AlignmentFlag.AlignCenter, text)
    elif alarm:
        painter.setPen(AMBER)
        painter.drawText(frame, Qt.AlignmentFlag.AlignCenter, "!")
