from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from qnerf_core.field.footprints import Footprints

SHAPES = [(2, 3), (4, 6), (8, 12), (5, 5)]


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_targets_and_maps_are_inverse(layer: int) -> None:
    layout = Footprints.of(SHAPES)
    queries = torch.randn(3, 7, *SHAPES[layer], generator=torch.Generator().manual_seed(0))
    cells = layout.targets(queries, layer)
    torch.testing.assert_close(layout.maps(cells, layer, SHAPES[layer]), queries)


@pytest.mark.parametrize("layer", [0, 1, 2, 3])
def test_a_cell_is_the_average_of_its_footprint(layer: int) -> None:
    layout = Footprints.of(SHAPES)
    fine = torch.randn(2, 5, 8, 12, generator=torch.Generator().manual_seed(1))
    rays = layout.to_blocks(fine.permute(0, 2, 3, 1).reshape(-1, 5))
    pooled = layout.maps(layout.pool(rays, layer), layer, SHAPES[layer])
    torch.testing.assert_close(pooled, F.adaptive_avg_pool2d(fine, SHAPES[layer]))


def test_layout() -> None:
    layout = Footprints.of(SHAPES)
    assert (layout.height, layout.width, layout.block, layout.factors) == (8, 12, 4, (4, 2, 1, 1))
    assert layout.blocks_per_view * layout.block_rays == 8 * 12
    spread = layout.spread(layout.targets(torch.ones(2, 3, 2, 3), 0), 0, (2, 3))
    torch.testing.assert_close(spread, torch.ones(2 * 96, 3))
