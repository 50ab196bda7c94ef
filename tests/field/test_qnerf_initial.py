from __future__ import annotations

import torch

from qnerf_core.field.qnerf_initial import solve_head, splat


def test_head_is_recovered_and_outliers_are_outvoted() -> None:
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(400, 6, generator=generator)
    weight, bias = torch.randn(3, 6, generator=generator), torch.randn(3, generator=generator)
    targets = features @ weight.T + bias
    found, offset = solve_head(features, targets, 1, ridge=1e-6)
    torch.testing.assert_close(found, weight, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(offset, bias, atol=1e-3, rtol=1e-3)
    targets[:60] += 8
    errors = [(solve_head(features, targets, rounds, ridge=1e-6)[1] - bias).norm() for rounds in (1, 3)]
    assert errors[1] < 0.3 * errors[0]


def test_splatting_averages_what_rays_see() -> None:
    unit = torch.full((2, 1, 3), 0.5)
    values = torch.tensor([[1.0], [3.0]])
    nodes = splat(values, unit, torch.tensor([[0.25], [0.75]]), (3, 3, 3))
    torch.testing.assert_close(nodes[13], torch.tensor([2.5]))
    assert nodes.count_nonzero() == 1
