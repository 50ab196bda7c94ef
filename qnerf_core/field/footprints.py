"""How the cells of query maps of different sizes share the rays of the finest one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import lcm

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Footprints:
    """One ray per cell of the finest grid; a coarser cell is the average of the rays within it (method 1.4).

    Rays are kept block by block, a block being the smallest square that holds whole cells of every layer, so that any
    set of blocks can be pooled for all layers by reshaping.

    Attributes:
        height: Cells down the finest grid.
        width: Cells across the finest grid.
        block: Rays along each side of a block.
        factors: Rays along each side of a layer's cell; 1 for a layer whose grid does not divide the finest, whose
            targets are interpolated to it and whose renders are averaged from it.
    """

    height: int
    width: int
    block: int
    factors: tuple[int, ...]

    @staticmethod
    def of(shapes: Sequence[tuple[int, int]]) -> Footprints:
        """Find the common layout of query grids.

        Args:
            shapes: (h, w) of each layer.
        """
        height, width = max(h for h, _ in shapes), max(w for _, w in shapes)
        factors = tuple(
            height // h if height % h == 0 and width % w == 0 and height // h == width // w else 1 for h, w in shapes
        )
        return Footprints(height, width, lcm(*factors), factors)

    @property
    def blocks_per_view(self) -> int:
        """Blocks of one view."""
        return (self.height // self.block) * (self.width // self.block)

    @property
    def block_rays(self) -> int:
        """Rays of one block."""
        return self.block * self.block

    def to_blocks(self, rows: Tensor) -> Tensor:
        """Reorder per-cell values of the finest grid from row by row to block by block.

        Args:
            rows: (views * height * width, ...).

        Returns:
            The same shape.
        """
        b = self.block
        grid = rows.view(-1, self.height // b, b, self.width // b, b, *rows.shape[1:])
        return grid.transpose(2, 3).reshape(rows.shape)

    def pool(self, values: Tensor, layer: int) -> Tensor:
        """Average rays over the cells of a layer.

        Args:
            values: (blocks * block_rays, channels) in block order.
            layer: Which layer.

        Returns:
            (blocks * cells per block, channels) in block order.
        """
        factor = self.factors[layer]
        if factor == 1:
            return values
        cells = self.block // factor
        return values.view(-1, cells, factor, cells, factor, values.shape[-1]).mean((2, 4)).flatten(0, 2)

    def targets(self, queries: Tensor, layer: int) -> Tensor:
        """Bring a layer's query maps into the order of `pool`.

        Args:
            queries: (views, channels, h, w).
            layer: Which layer.

        Returns:
            (views * cells, channels).
        """
        factor = self.factors[layer]
        if (queries.shape[2] * factor, queries.shape[3] * factor) != (self.height, self.width):
            queries = F.interpolate(queries, (self.height, self.width), mode="bilinear", align_corners=False)
        views, channels, height, width = queries.shape
        b = self.block // factor
        cells = queries.permute(0, 2, 3, 1).reshape(views, height // b, b, width // b, b, channels)
        return cells.transpose(2, 3).reshape(-1, channels)

    def maps(self, cells: Tensor, layer: int, shape: tuple[int, int]) -> Tensor:
        """Bring values in the order of `pool` back into maps: the inverse of `targets`.

        Args:
            cells: (views * cells, channels).
            layer: Which layer.
            shape: (h, w) of the layer.

        Returns:
            (views, channels, h, w).
        """
        factor = self.factors[layer]
        b = self.block // factor
        rows, columns = self.height // self.block, self.width // self.block
        grid = cells.view(-1, rows, columns, b, b, cells.shape[-1]).transpose(2, 3)
        maps = grid.reshape(-1, rows * b, columns * b, cells.shape[-1]).permute(0, 3, 1, 2)
        return F.adaptive_avg_pool2d(maps, shape) if maps.shape[2:] != torch.Size(shape) else maps.contiguous()

    def spread(self, cells: Tensor, layer: int, shape: tuple[int, int]) -> Tensor:
        """Interpolate a layer's values to every ray.

        Args:
            cells: (views * cells, channels) in the order of `pool`.
            layer: Which layer.
            shape: (h, w) of the layer.

        Returns:
            (views * height * width, channels) in block order.
        """
        maps = self.maps(cells, layer, shape)
        fine = F.interpolate(maps, (self.height, self.width), mode="bilinear", align_corners=False)
        return self.to_blocks(fine.permute(0, 2, 3, 1).reshape(-1, cells.shape[-1]))
