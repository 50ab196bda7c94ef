from __future__ import annotations

import numpy as np
import torch

from qnerf_core.field.grids import FeatureGrids, grid_shape, trilinear_corners

BOX = np.array([[0.0, 0.0, 0.0], [2.0, 1.0, 1.5]])


def _grids() -> FeatureGrids:
    grids = FeatureGrids(BOX, (5, 9), (3, 4))
    grids.reset(torch.Generator().manual_seed(0), 1.0)
    return grids


def test_cells_are_cubic() -> None:
    assert grid_shape(BOX, 9) == (9, 5, 7)


def test_lookup_equals_grid_sample_forward_and_backward() -> None:
    grids = _grids()
    # Beyond the box and on its upper border too.
    unit = torch.cat([torch.rand(50, 3, generator=torch.Generator().manual_seed(1)) * 1.2 - 0.1, torch.ones(1, 3)])
    wanted = grids.reference(unit)
    gradients = torch.autograd.grad(wanted.square().sum(), list(grids.tables))
    found = grids(unit)
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-4)
    for a, b in zip(torch.autograd.grad(found.square().sum(), list(grids.tables)), gradients, strict=True):
        torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-3)


def test_hashed_nodes_are_shared_by_neighbouring_cells() -> None:
    shape, rows = (33, 33, 33), 257
    plain, weights = trilinear_corners(torch.rand(200, 3, generator=torch.Generator().manual_seed(2)), shape)
    hashed, same = trilinear_corners(torch.rand(200, 3, generator=torch.Generator().manual_seed(2)), shape, rows)
    torch.testing.assert_close(weights, same)
    assert int(hashed.min()) >= 0
    assert int(hashed.max()) < rows
    row_of = dict(zip(plain.flatten().tolist(), hashed.flatten().tolist(), strict=True))
    assert all(
        row_of[node] == row for node, row in zip(plain.flatten().tolist(), hashed.flatten().tolist(), strict=True)
    )
    assert len(set(row_of.values())) > 200


def test_dropping_nodes_changes_nothing_where_points_were() -> None:
    grids = _grids()
    unit = torch.rand(10, 3, generator=torch.Generator().manual_seed(3)) * 0.3
    before, elsewhere = grids(unit), torch.full((1, 3), 0.9)
    kept = grids.keep_met(1, unit)
    assert len(grids.tables[1]) == int(kept.sum()) + 1 < len(kept) / 2
    assert torch.equal(grids(unit), before)
    assert (grids(elsewhere)[:, 3:] == 0).all()
    assert (grids(elsewhere)[:, :3] != 0).all()
