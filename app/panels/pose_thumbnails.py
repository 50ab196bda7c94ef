"""Small pictures of poses: the body itself, shaded, kept on disk."""

from __future__ import annotations

import hashlib

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage

from app.paths import data_folder
from qnerf_core import files
from qnerf_core.body.placement import turned_to
from qnerf_core.body.pose import BodyPose
from qnerf_core.body.surface import BodySurface
from qnerf_core.control.raster import rasterise_depth
from qnerf_core.errors import FileFormatError
from qnerf_core.scene.camera import Camera

WIDTH, HEIGHT = 62, 86
_OVERSAMPLED = 3
_VERSION = b"1"
# Metres that the picture shows, so that all poses are seen at one scale.
_SHOWN = (1.55, 2.16)
_DISTANCE = 12.0
_FROM = np.array([np.sin(0.42), -np.cos(0.42), 0.14])
_LIGHT = np.array([-0.45, -0.6, 0.66])


def shade_of(body: BodySurface, pose: BodyPose) -> np.ndarray:
    """uint8 (H, W), how light the body is, 0 where it is not; from the disk if it was drawn before."""
    arrays = (pose.body_pose, pose.global_orient, pose.betas, pose.proportions)
    key = hashlib.sha256(_VERSION + b"".join(array.tobytes() for array in arrays)).hexdigest()[:32]
    path = data_folder() / "cache" / "poses" / f"{key}.png"
    try:
        return files.read_raw_image(path, mode="L")
    except FileFormatError:
        shade = _drawn(body, pose)
        files.write_image(path, shade)
        return shade


def tinted(shade: np.ndarray, colour: QColor, ratio: float) -> QImage:
    """The picture in a colour, smooth at its edges."""
    height, width = shade.shape
    pixels = np.zeros((height, width, 4), np.uint8)
    tint = np.array([colour.blue(), colour.green(), colour.red()])
    pixels[..., :3] = shade[..., None].astype(np.uint16) * tint // 255
    pixels[..., 3] = np.where(shade > 0, 255, 0)
    image = QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_ARGB32_Premultiplied)
    result = image.scaled(
        round(WIDTH * ratio),
        round(HEIGHT * ratio),
        Qt.AspectRatioMode.IgnoreAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    )
    result.setDevicePixelRatio(ratio)
    return result


def _drawn(body: BodySurface, pose: BodyPose) -> np.ndarray:
    vertices = body.vertices(turned_to(pose, 0.0))
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    middle = 0.5 * (low + high)
    middle[2] = low[2] + max(0.5 * _SHOWN[1] - 0.04, 0.5 * (high[2] - low[2]))
    camera = _camera(middle.astype(np.float64))
    depth = rasterise_depth(vertices, body.faces, camera)
    columns, rows = np.meshgrid(np.arange(camera.width) + 0.5, np.arange(camera.height) + 0.5)
    points = camera.unproject(np.stack([columns, rows], axis=-1), np.where(depth > 0, depth, _DISTANCE))
    normals = np.cross(np.gradient(points, axis=0), np.gradient(points, axis=1))
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True) + 1e-12
    light = np.clip(0.5 + 0.5 * (normals @ (_LIGHT / np.linalg.norm(_LIGHT))), 0.0, 1.0)
    return np.where(depth > 0, np.rint(255 * (0.3 + 0.7 * light)), 0).astype(np.uint8)


def _camera(middle: np.ndarray) -> Camera:
    back = _FROM / np.linalg.norm(_FROM)
    right = np.cross([0.0, 0.0, 1.0], back)
    right /= np.linalg.norm(right)
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack([right, np.cross(back, right), back], axis=1)
    matrix[:3, 3] = middle + _DISTANCE * back
    width, height = _OVERSAMPLED * WIDTH, _OVERSAMPLED * HEIGHT
    focal = min(width / _SHOWN[0], height / _SHOWN[1]) * _DISTANCE
    return Camera(matrix, focal, focal, width / 2, height / 2, width, height)
