"""Lenses as captures describe them, and the pinhole camera that shows the same without their distortion."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np

from qnerf_core.scene.camera import Camera

_BORDER_STEPS = 65
_WIDEST = math.radians(120.0)


@dataclass(frozen=True)
class Lens:
    """Intrinsics with distortion, in pixels of the picture as it is stored (pixel centre at +0.5).

    Attributes:
        fx: Horizontal focal length.
        fy: Vertical focal length.
        cx: Principal point from the left edge.
        cy: Principal point from the upper edge.
        width: Of the picture.
        height: Of the picture.
        kind: "perspective" (Brown, radius measured on the image plane) or "fisheye" (equidistant, measured as angle).
        radial: Factors of r^2, r^4, r^6, r^8.
        divisor: For perspective the rational model's lower factors of r^2, r^4, r^6 (OpenCV's k4, k5, k6).
        tangential: OpenCV's p1, p2.
    """

    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int
    kind: Literal["perspective", "fisheye"] = "perspective"
    radial: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    divisor: tuple[float, float, float] = (0.0, 0.0, 0.0)
    tangential: tuple[float, float] = (0.0, 0.0)

    @property
    def is_pinhole(self) -> bool:
        """Whether straight lines stay straight."""
        return self.kind == "perspective" and not any((*self.radial, *self.divisor, *self.tangential))

    def camera(self, camera_to_world: np.ndarray) -> Camera:
        """Return the pinhole camera with the same numbers, without the distortion.

        Args:
            camera_to_world: (4, 4).
        """
        return Camera(camera_to_world, self.fx, self.fy, self.cx, self.cy, self.width, self.height)

    def pixels(self, plane: np.ndarray) -> np.ndarray:
        """Find where the lens shows directions.

        Args:
            plane: (..., 2) x / z to the right and y / z downwards, for z along the viewing axis.

        Returns:
            (..., 2) pixels of the distorted picture.
        """
        x, y = plane[..., 0], plane[..., 1]
        if self.kind == "fisheye":
            radius = np.hypot(x, y)
            angle = np.arctan(radius)
            factor = np.where(
                radius > 1e-12, _polynomial(angle**2, self.radial) * angle / np.maximum(radius, 1e-12), 1.0
            )
            return np.stack([self.cx + self.fx * x * factor, self.cy + self.fy * y * factor], axis=-1)
        square = x * x + y * y
        factor = _polynomial(square, self.radial) / _polynomial(square, self.divisor)
        p1, p2 = self.tangential
        across = x * factor + 2 * p1 * x * y + p2 * (square + 2 * x * x)
        down = y * factor + p1 * (square + 2 * y * y) + 2 * p2 * x * y
        return np.stack([self.cx + self.fx * across, self.cy + self.fy * down], axis=-1)

    @cache  # noqa: B019 - one lens is that of hundreds of pictures, and a few numbers
    def undistorted(self) -> Lens:
        """Return the pinhole lens of the same size and the widest view of which every pixel is known.

        The focal lengths keep their ratio. A lens that needs no undistortion is returned as it is.
        """
        if self.is_pinhole:
            return self

        def pinhole(zoom: float) -> Lens:
            return Lens(self.fx * zoom, self.fy * zoom, self.width / 2, self.height / 2, self.width, self.height)

        # The zoom at which nothing is wider than a pinhole picture can be, and one that only sees the very middle.
        low = max(self.width / self.fx, self.height / self.fy) / (2 * math.tan(_WIDEST / 2))
        high = max(16.0, 4 * low)
        if self._covers(pinhole(low)):
            return pinhole(low)
        for _ in range(40):
            middle = math.sqrt(low * high)
            low, high = (low, middle) if self._covers(pinhole(middle)) else (middle, high)
        return pinhole(high)

    def lookup(self, target: Camera) -> np.ndarray:
        """Find where the pixels of an undistorted picture come from.

        Args:
            target: The pinhole camera of the new picture, whatever its pose and size.

        Returns:
            (H, W, 2) float64 pixels of the distorted picture.
        """
        return self.pixels(_plane(target, np.arange(target.width) + 0.5, np.arange(target.height) + 0.5))

    def _covers(self, target: Lens) -> bool:
        camera = target.camera(np.eye(4))
        columns = np.linspace(0.0, target.width, _BORDER_STEPS)
        rows = np.linspace(0.0, target.height, _BORDER_STEPS)
        plane = _plane(camera, columns, rows)
        found = self.pixels(plane)
        inside = (found >= -1e-6) & (found <= np.array([self.width, self.height]) + 1e-6)
        # Far outside, a polynomial turns back into the picture: along every line it has to grow.
        grows = (np.diff(found[..., 0], axis=1) > 0).all() and (np.diff(found[..., 1], axis=0) > 0).all()
        return bool(np.isfinite(found).all() and inside.all() and grows)


def _plane(camera: Camera, columns: np.ndarray, rows: np.ndarray) -> np.ndarray:
    x, y = np.meshgrid((columns - camera.cx) / camera.fx, (rows - camera.cy) / camera.fy)
    return np.stack([x, y], axis=-1)


def _polynomial(square: np.ndarray, factors: tuple[float, ...]) -> np.ndarray:
    value = np.zeros_like(square)
    for factor in reversed(factors):
        value = (value + factor) * square
    return 1.0 + value
