from __future__ import annotations

import numpy as np
import torch

from qnerf_core.field.qnerf_network import QNeRFNetwork
from qnerf_core.field.rays import Samples
from qnerf_core.field.settings import QNeRFSettings


def test_heads_after_compositing_equal_heads_at_every_sample() -> None:
    settings = QNeRFSettings(fine_features=6, coarse_features=4, hidden_width=8)
    network = QNeRFNetwork(np.array([[0, 0, 0], [1, 1, 1.0]]), 12, [5, 3], settings, density_scale=10.0)
    generator = torch.Generator().manual_seed(0)
    network.reset(generator)
    with torch.no_grad():
        for weight in network.parameters():
            weight.uniform_(-1, 1, generator=generator)
    unit = torch.rand(9, 7, 3, generator=generator)
    lengths = torch.rand(9, 7, generator=generator) * 0.05
    samples = Samples(torch.cumsum(lengths, 1), lengths)
    for layer in (0, 1):
        head = network.heads[layer]
        found = head(network.composite(unit, samples).features)
        wanted = network.composite_reference(unit, samples, layer)
        torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-4)
        for a, b in zip(
            torch.autograd.grad(found.square().sum(), network.grids.tables[0]),
            torch.autograd.grad(wanted.square().sum(), network.grids.tables[0]),
            strict=True,
        ):
            torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-3)
