"""Pinhole cameras: camera-to-world 4x4, OpenGL axes (x right, y up, looks along -z), pixel centre at +0.5."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Camera:
    """A posed pinhole camera.

    Attributes:
        camera_to_world: (4, 4) float64, metres; read-only.
        fx: Horizontal focal length, pixels.
        fy: Vertical focal length, pixels.
        cx: Principal point from the left edge, pixels (the middle of the image is width / 2).
        cy: Principal point from the upper edge, pixels.
        width: Image width, pixels.
        height: Image height, pixels.
    """

    camera_to_world: np.ndarray
    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int

    def __post_init__(self) -> None:
        matrix = np.array(self.camera_to_world, dtype=np.float64)
        if matrix.shape != (4, 4):
            raise ValueError(f"camera_to_world must be 4x4, not {matrix.shape}")
        matrix.flags.writeable = False
        object.__setattr__(self, "camera_to_world", matrix)

    @property
    def world_to_camera(self) -> np.ndarray:
        """The inverse of `camera_to_world`, (4, 4) float64."""
        return np.linalg.inv(self.camera_to_world)

    @property
    def position(self) -> np.ndarray:
        """The camera's centre in the world, (3,) float64, metres."""
        return self.camera_to_world[:3, 3]

    @property
    def forward(self) -> np.ndarray:
        """The viewing direction in the world, (3,) float64, unit length."""
        return -self.camera_to_world[:3, 2]

    def scaled(self, width: int, height: int) -> Camera:
        """Return the same camera for a resized image.

        Args:
            width: New image width, pixels.
            height: New image height, pixels.
        """
        # With pixel centres at +0.5 the coordinates are those of the continuous image plane: they just scale.
        sx, sy = width / self.width, height / self.height
        return Camera(self.camera_to_world, self.fx * sx, self.fy * sy, self.cx * sx, self.cy * sy, width, height)

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Project world points into the image.

        Args:
            points: (..., 3) world positions, metres.

        Returns:
            Pixels (..., 2) float64 (NaN where the point is not in front of the camera; may lie outside the image),
            and depth (...) float64, the distance along the viewing axis in metres, > 0 in front.
        """
        matrix = self.world_to_camera
        local = np.asarray(points, dtype=np.float64) @ matrix[:3, :3].T + matrix[:3, 3]
        depth = -local[..., 2]
        divisor = np.where(depth > 0, depth, np.nan)
        pixels = np.stack(
            [self.cx + self.fx * local[..., 0] / divisor, self.cy - self.fy * local[..., 1] / divisor], axis=-1
        )
        return pixels, depth

    def unproject(self, pixels: np.ndarray, depth: np.ndarray) -> np.ndarray:
        """Return the world points seen at `pixels` at `depth`.

        Args:
            pixels: (..., 2) image positions, pixels.
            depth: (...) distance along the viewing axis, metres.

        Returns:
            (..., 3) float64 world positions, metres.
        """
        return self.position + self._axis_directions(pixels) * np.asarray(depth, dtype=np.float64)[..., None]

    def rays(self) -> tuple[np.ndarray, np.ndarray]:
        """Return one ray through the centre of every pixel.

        Returns:
            Origins (H, W, 3) and directions (H, W, 3) of unit length, float32, world.
        """
        columns, rows = np.meshgrid(np.arange(self.width) + 0.5, np.arange(self.height) + 0.5)
        directions = self._axis_directions(np.stack([columns, rows], axis=-1))
        directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
        origins = np.broadcast_to(self.position.astype(np.float32), directions.shape).copy()
        return origins, directions.astype(np.float32)

    def _axis_directions(self, pixels: np.ndarray) -> np.ndarray:
        # World directions whose component along the viewing axis is one, so that they multiply with depth.
        pixels = np.asarray(pixels, dtype=np.float64)
        x = (pixels[..., 0] - self.cx) / self.fx
        y = (self.cy - pixels[..., 1]) / self.fy
        return np.stack([x, y, np.full_like(x, -1.0)], axis=-1) @ self.camera_to_world[:3, :3].T


def nearest_first(cameras: Sequence[Camera], index: int) -> list[int]:
    """Return the numbers of the other cameras, by their distance from one of them.

    Args:
        cameras: All.
        index: Of that one.
    """
    return [other for other in by_distance(cameras, [cameras[index]]) if other != index]


def by_distance(cameras: Sequence[Camera], places: Sequence[Camera]) -> list[int]:
    """Return the numbers of cameras, by their distance from the nearest of some others.

    Args:
        cameras: In any order.
        places: The others, at least one.
    """
    positions = np.stack([camera.position for camera in places])
    away = [float(np.linalg.norm(positions - camera.position, axis=1).min()) for camera in cameras]
    return [int(number) for number in np.argsort(away, kind="stable")]
