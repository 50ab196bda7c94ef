from __future__ import annotations

import torch

from qnerf_core.field.compositing import composite, composite_torch, sample_weights, sample_weights_torch


def test_torch_twin_equals_nerfacc_forward_and_backward() -> None:
    generator = torch.Generator().manual_seed(0)
    density = (torch.rand(7, 12, generator=generator) * 30).requires_grad_()
    values = torch.randn(7, 12, 5, generator=generator).requires_grad_()
    lengths = torch.rand(7, 12, generator=generator) * 0.1
    distances = torch.cumsum(lengths, 1) - lengths / 2
    wanted = composite(sample_weights(density, distances, lengths), values)
    gradients = torch.autograd.grad(wanted.square().sum(), (density, values))
    found = composite_torch(sample_weights_torch(density, lengths), values)
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-4)
    for a, b in zip(torch.autograd.grad(found.square().sum(), (density, values)), gradients, strict=True):
        torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-3)


def test_weights_sum_to_opacity() -> None:
    weights = sample_weights_torch(torch.full((1, 4), 2.0), torch.full((1, 4), 0.25))
    torch.testing.assert_close(weights.sum(), 1 - torch.exp(torch.tensor(-2.0)))
    assert (weights.diff() < 0).all()
