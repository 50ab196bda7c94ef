"""A room with a figure of spheres and a capsule, whose depth and per-point features are known exactly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from qnerf_core.field.rays import camera_rays
from qnerf_core.scene.camera import Camera

BOUNDS = np.array([[-2.0, -2.0, 0.0], [2.0, 2.0, 2.4]])
# Walls and floor lie a little inside the bounds, as in the built-in captures.
_ROOM = np.array([[-1.9, -1.9, 0.05], [1.9, 1.9, 2.35]])
_SPHERES = [((0.0, 0.0, 1.75), 0.14), ((0.0, 0.0, 0.9), 0.16), ((0.55, 0.0, 1.6), 0.08)]
_CAPSULES = [
    ((0.0, 0.0, 1.0), (0.0, 0.0, 1.45), 0.18),
    ((0.1, 0.0, 0.1), (0.08, 0.0, 0.9), 0.09),
    ((-0.1, 0.0, 0.1), (-0.08, 0.0, 0.9), 0.09),
    ((0.2, 0.0, 1.4), (0.55, 0.0, 1.6), 0.06),
    ((-0.2, 0.0, 1.4), (-0.5, -0.1, 1.0), 0.06),
]


def orbit(count: int, size: int = 32, radius: float = 1.8, offset: float = 0.0) -> list[Camera]:
    """Cameras around the figure, looking at its middle, inside the room."""
    cameras = []
    for k in range(count):
        angle = 2 * np.pi * (k + offset) / count
        position = np.array([radius * np.cos(angle), radius * np.sin(angle), 1.2 + 0.4 * np.sin(3 * angle)])
        back = position - np.array([0.0, 0.0, 0.95])
        back /= np.linalg.norm(back)
        right = np.cross([0.0, 0.0, 1.0], back)
        right /= np.linalg.norm(right)
        pose = np.eye(4)
        pose[:3, :4] = np.stack([right, np.cross(back, right), back, position], axis=1)
        cameras.append(Camera(pose, 0.8 * size, 0.8 * size, size / 2, size / 2, size, size))
    return cameras


def distance_to_scene(points: Tensor) -> tuple[Tensor, Tensor]:
    """Distance to the nearest surface, and which part it is of (0 the room)."""
    low, high = (torch.from_numpy(corner.astype(np.float32)) for corner in _ROOM)
    found = [torch.minimum(points - low, high - points).amin(-1)]
    found += [(points - torch.tensor(c)).norm(dim=-1) - r for c, r in _SPHERES]
    for start, end, radius in _CAPSULES:
        a, b = torch.tensor(start), torch.tensor(end)
        along = (((points - a) @ (b - a)) / ((b - a) @ (b - a))).clamp(0, 1)
        found.append((points - a - along[..., None] * (b - a)).norm(dim=-1) - radius)
    nearest, part = torch.stack(found).min(0)
    return nearest, part


def trace(cameras: Sequence[Camera], width: int, height: int) -> tuple[Tensor, Tensor]:
    """Depth along the axis (V, H, W) and surface points (V, H, W, 3) by sphere tracing."""
    rays = camera_rays(cameras, width, height)
    distance = torch.zeros(len(rays))
    for _ in range(60):
        distance = distance + distance_to_scene(rays.origins + distance[:, None] * rays.directions)[0]
    points = rays.origins + distance[:, None] * rays.directions
    shape = (len(cameras), height, width)
    return (distance * rays.cosines).view(shape), points.view(*shape, 3)


def features(points: Tensor, channels: int = 48) -> Tensor:
    """Per-point features: waves of several lengths, other ones on every part. (..., channels)."""
    generator = torch.Generator().manual_seed(5)
    _, part = distance_to_scene(points)
    waves = torch.randn(3, channels, generator=generator) * torch.linspace(0.5, 4.0, channels)
    offsets = torch.randn(1 + len(_SPHERES) + len(_CAPSULES), channels, generator=generator)
    return torch.sin(points @ waves + 3 * offsets[part]) + offsets[part]


def clean_queries(cameras: Sequence[Camera], shapes: Sequence[tuple[int, int, int]]) -> list[Tensor]:
    """View-consistent queries: a fixed random map of the features, averaged over each cell's footprint."""
    height, width = (2 * max(shape[k] for shape in shapes) for k in (1, 2))
    fine = features(trace(cameras, width, height)[1]).permute(0, 3, 1, 2)
    generator = torch.Generator().manual_seed(6)
    queries = []
    for channels, h, w in shapes:
        mapping = torch.randn(channels, fine.shape[1], generator=generator) / fine.shape[1] ** 0.5
        pooled = torch.nn.functional.adaptive_avg_pool2d(fine, (h, w))
        queries.append(torch.einsum("kc,vchw->vkhw", mapping, pooled) * 2 + 0.5)
    return queries


def disturbed(queries: Sequence[Tensor], amount: float, seed: int = 7) -> list[Tensor]:
    """Queries with what makes views disagree: noise per cell and an offset per view and channel."""
    generator = torch.Generator().manual_seed(seed)
    result = []
    for maps in queries:
        noise = torch.randn(maps.shape, generator=generator)
        offset = torch.randn(*maps.shape[:2], 1, 1, generator=generator)
        result.append(maps + amount * maps.std() * (0.8 * noise + 0.6 * offset))
    return result


def relative_error(given: Sequence[Tensor], wanted: Sequence[Tensor]) -> float:
    """Mean over layers of the root mean square difference over the standard deviation."""
    errors = [((a - b).square().mean().sqrt() / b.std()).item() for a, b in zip(given, wanted, strict=True)]
    return sum(errors) / len(errors)
