"""Dense feature grids with trilinear lookup: a fast path for the CPU and the plain reference it is tested against."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx, once_differentiable

# Of Instant-NGP, as signed 32-bit numbers.
_PRIMES = (1, 2654435761 - 2**32, 805459861)


def grid_shape(bounds: np.ndarray, resolution: int) -> tuple[int, int, int]:
    """Return the nodes (x, y, z) of a grid with cubic cells over a box.

    Args:
        bounds: (2, 3) lower and upper corner.
        resolution: Nodes along the longest side.
    """
    extent = bounds[1] - bounds[0]
    nodes = np.maximum(2, np.ceil(extent / extent.max() * (resolution - 1) - 1e-6).astype(int) + 1)
    return int(nodes[0]), int(nodes[1]), int(nodes[2])


def trilinear_corners(unit: Tensor, shape: tuple[int, int, int], rows: int | None = None) -> tuple[Tensor, Tensor]:
    """Return the eight grid nodes around each point and their weights.

    Args:
        unit: (points, 3) positions in [0, 1] of the box; those outside are moved to its border.
        shape: Nodes along x, y, z; the flat index of a node is (x * ny + y) * nz + z.
        rows: If fewer than the nodes, nodes share rows by the spatial hash of Instant-NGP.

    Returns:
        Indices (points, 8) int32 and weights (points, 8), which sum to one.
    """
    nodes = unit.new_tensor(shape) - 1
    place = unit.clamp(0, 1) * nodes
    low = torch.minimum(place.floor(), nodes - 1)
    x, y, z = (place - low).unbind(-1)
    base = low.to(torch.int32)
    plane = torch.stack([(1 - x) * (1 - y), (1 - x) * y, x * (1 - y), x * y], dim=-1)
    weights = (plane[:, :, None] * torch.stack([1 - z, z], dim=-1)[:, None, :]).flatten(1)
    if rows is not None and rows < shape[0] * shape[1] * shape[2]:
        return _hashed_corners(base, rows), weights
    first = (base[:, 0] * shape[1] + base[:, 1]) * shape[2] + base[:, 2]
    steps = [(i * shape[1] + j) * shape[2] + k for i in (0, 1) for j in (0, 1) for k in (0, 1)]
    indices = first[:, None] + torch.tensor(steps, dtype=torch.int32, device=unit.device)
    return indices, weights


def _hashed_corners(base: Tensor, rows: int) -> Tensor:
    x, y, z = base.unbind(-1)
    # Products wrap around in 32 bits, which is what a hash wants.
    pairs = [torch.stack([axis, axis + 1], dim=-1) * prime for axis, prime in zip((x, y, z), _PRIMES, strict=True)]
    mixed = pairs[0][:, :, None, None] ^ pairs[1][:, None, :, None] ^ pairs[2][:, None, None, :]
    return torch.remainder(mixed.flatten(1), rows)


class _WeightedRows(torch.autograd.Function):
    # embedding_bag's own backward sorts the indices and is twice as slow as adding the rows.

    @staticmethod
    def forward(ctx: FunctionCtx, table: Tensor, indices: Tensor, weights: Tensor) -> Tensor:
        ctx.save_for_backward(indices, weights)
        ctx.rows = table.shape[0]  # type: ignore[attr-defined]  # torch's way to keep a number for the backward
        return F.embedding_bag(indices, table, per_sample_weights=weights, mode="sum")

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor, None, None]:
        indices, weights = ctx.saved_tensors  # type: ignore[attr-defined]  # set by save_for_backward
        rows = (weights[:, :, None] * gradient[:, None, :]).flatten(0, 1)
        table = gradient.new_zeros((ctx.rows, gradient.shape[1]))  # type: ignore[attr-defined]  # see forward
        return table.index_add_(0, indices.flatten(), rows), None, None


def weighted_rows(table: Tensor, indices: Tensor, weights: Tensor) -> Tensor:
    """Return sums of table rows, differentiable in the table only.

    `grid_sample` threads over the batch only, so one grid of one scene runs on a single core and slowly; an embedding
    bag is its match in one pass over memory, threaded over the points.

    Args:
        table: (rows, features).
        indices: (points, n) int32.
        weights: (points, n).

    Returns:
        (points, features).
    """
    result: Tensor = _WeightedRows.apply(table, indices, weights)
    return result


class FeatureGrids(nn.Module):
    """Several grids over one box, their features side by side.

    Attributes:
        shapes: Nodes (x, y, z) of each grid.
        tables: One (rows, features) parameter per grid; a row per node, unless there are more than `max_rows` or
            `keep_met` has dropped some.
    """

    def __init__(
        self,
        bounds: np.ndarray,
        resolutions: tuple[int, ...],
        features: tuple[int, ...],
        max_rows: int | None = None,
    ) -> None:
        super().__init__()
        self._rows: dict[int, Tensor] = {}
        self.shapes = [grid_shape(bounds, resolution) for resolution in resolutions]
        self.tables = nn.ParameterList(
            torch.zeros(min(shape[0] * shape[1] * shape[2], max_rows or 2**31), width)
            for shape, width in zip(self.shapes, features, strict=True)
        )

    @torch.no_grad()
    def keep_met(self, level: int, unit: Tensor) -> Tensor:
        """Drop the nodes of a grid that no given point meets, so that an optimiser does not walk over empty space.

        All other points see zeros there.

        Args:
            level: Which grid.
            unit: (points, 3) positions in [0, 1] of the box.

        Returns:
            (nodes,) bool, those kept; their order is that of the rows, which one row of zeros precedes.
        """
        shape, table = self.shapes[level], self.tables[level]
        kept = torch.zeros(shape[0] * shape[1] * shape[2], dtype=torch.bool)
        for part in unit.split(65536):
            kept[trilinear_corners(part, shape)[0].flatten()] = True
        self._rows[level] = torch.cumsum(kept, 0).to(torch.int32) * kept
        self.tables[level] = nn.Parameter(torch.cat([torch.zeros_like(table[:1]), table[kept]]))
        return kept

    def reset(self, generator: torch.Generator, scale: float) -> None:
        """Draw all features anew from a uniform distribution.

        Args:
            generator: Source of the draw.
            scale: Largest magnitude.
        """
        with torch.no_grad():
            for table in self.tables:
                table.uniform_(-scale, scale, generator=generator)

    def forward(self, unit: Tensor) -> Tensor:
        """Look the features of points up.

        Args:
            unit: (points, 3) positions in [0, 1] of the box.

        Returns:
            (points, sum of features).
        """
        parts = []
        for level, (shape, table) in enumerate(zip(self.shapes, self.tables, strict=True)):
            rows = self._rows.get(level)
            indices, weights = trilinear_corners(unit, shape, len(table) if rows is None else None)
            if rows is not None:
                indices = rows[indices]
            parts.append(weighted_rows(table, indices, weights))
        return torch.cat(parts, dim=-1)

    def reference(self, unit: Tensor) -> Tensor:
        """Return what `forward` returns, by torch's own `grid_sample`; only for grids with a row per node.

        Args:
            unit: (points, 3) positions in [0, 1] of the box.

        Returns:
            (points, sum of features).
        """
        parts = []
        for shape, table in zip(self.shapes, self.tables, strict=True):
            volume = table.view(*shape, -1).permute(3, 2, 1, 0)[None]
            place = (unit * 2 - 1)[None, :, None, None, :]
            found = F.grid_sample(volume, place, align_corners=True, padding_mode="border")
            parts.append(found[0, :, :, 0, 0].T)
        return torch.cat(parts, dim=-1)
