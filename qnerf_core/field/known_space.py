"""What depth maps of many views say about space: how far each point is from the surface, and what is surely empty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from qnerf_core.field.grids import grid_shape
from qnerf_core.scene.camera import Camera


@dataclass(frozen=True, eq=False)
class KnownSpace:
    """Knowledge about the nodes of a grid over the bounds.

    Attributes:
        shape: Nodes along x, y, z.
        bounds: (2, 3) float32 box, metres.
        signed_distance: (nodes,) metres along the viewing axes, positive before every surface, negative behind.
        seen: (nodes,) bool, whether some view says anything; signed_distance is zero elsewhere.
        occupied: (nodes,) bool, false where some view sees through the node with a margin.
    """

    shape: tuple[int, int, int]
    bounds: Tensor
    signed_distance: Tensor
    seen: Tensor
    occupied: Tensor

    def occupied_at(self, points: Tensor) -> Tensor:
        """Return whether the nodes nearest to points may hold matter.

        Args:
            points: (..., 3) world positions, metres; outside the box counts as its border.
        """
        nodes = torch.tensor(self.shape) - 1
        unit = (points - self.bounds[0]) / (self.bounds[1] - self.bounds[0])
        index = (unit.clamp(0, 1) * nodes + 0.5).to(torch.int32)
        flat = (index[..., 0] * self.shape[1] + index[..., 1]) * self.shape[2] + index[..., 2]
        return self.occupied[flat]


def grid_points(bounds: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """Return the world positions of a grid's nodes, (nodes, 3), metres, in the order of `trilinear_corners`.

    Args:
        bounds: (2, 3) box, metres.
        shape: Nodes along x, y, z.
    """
    axes = [torch.linspace(float(bounds[0, k]), float(bounds[1, k]), shape[k]) for k in range(3)]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).reshape(-1, 3)


def know_space(
    cameras: Sequence[Camera],
    bounds: np.ndarray,
    depth: Tensor | None,
    valid: Tensor | None,
    resolution: int,
    band: float,
) -> KnownSpace:
    """Fuse depth maps into signed distances and an occupancy mask.

    A point that any view sees through is before the surface, so the distances of the views are joined by their
    maximum; an average would dissolve limbs thinner than the truncation.

    Args:
        cameras: V views.
        bounds: (2, 3) box, metres.
        depth: (V, H, W) along the viewing axes, metres; None when nothing is known.
        valid: (V, H, W) bool where depth is known; None for everywhere it is positive.
        resolution: Nodes along the longest side of the box.
        band: Half width of the region around a surface that is kept as possibly occupied, metres.
    """
    shape = grid_shape(bounds, resolution)
    box = torch.from_numpy(np.asarray(bounds, dtype=np.float32))
    points = grid_points(box, shape)
    cell = float((box[1] - box[0]).max()) / (resolution - 1)
    signed = torch.full((len(points),), -torch.inf)
    occupied = torch.ones(len(points), dtype=torch.bool)
    if depth is None:
        return KnownSpace(shape, box, torch.zeros(len(points)), ~occupied, occupied)
    usable = (depth > 0) if valid is None else valid & (depth > 0)
    for camera, view_depth, view_usable in zip(cameras, depth, usable, strict=True):
        distance, lowest, seen = _against_view(points, camera, view_depth, view_usable)
        margin = band + cell
        occupied &= ~(seen & (lowest > margin))
        signed = torch.where(seen, torch.maximum(signed, distance), signed)
    known = torch.isfinite(signed)
    return KnownSpace(shape, box, torch.where(known, signed, 0.0), known, occupied)


def _against_view(points: Tensor, camera: Camera, depth: Tensor, usable: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    # How far before the view's surface each point lies: interpolated, and against the nearest surface around.
    height, width = depth.shape
    scaled = camera.scaled(width, height)
    matrix = torch.from_numpy(scaled.world_to_camera.astype(np.float32))
    local = points @ matrix[:3, :3].T + matrix[:3, 3]
    away = -local[:, 2]
    before = away.clamp(min=1e-6)
    x = scaled.cx + scaled.fx * local[:, 0] / before - 0.5
    y = scaled.cy - scaled.fy * local[:, 1] / before - 0.5
    inside = (away > 1e-6) & (x >= -0.5) & (y >= -0.5) & (x <= width - 0.5) & (y <= height - 0.5)
    left, top = x.floor(), y.floor()
    fx, fy = x - left, y - top
    columns = [(left + k).clamp(0, width - 1).nan_to_num(0).long() for k in (0, 1)]
    rows = [(top + k).clamp(0, height - 1).nan_to_num(0).long() for k in (0, 1)]
    found = torch.stack([depth[r, c] for r in rows for c in columns])
    seen = inside & torch.stack([usable[r, c] for r in rows for c in columns]).all(0)
    share = torch.stack([(1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy])
    lowest, highest = found.amin(0), found.amax(0)
    # Across an edge the mean of two surfaces is neither; the nearer one keeps limbs whole.
    smooth = highest - lowest < 0.1 * lowest
    surface = torch.where(smooth, (found * share).sum(0), lowest)
    return surface - away, lowest - away, seen
