"""Closed-form parts of a QNeRF fit: a first guess of the features by splatting, and the heads by least squares."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from qnerf_core.field.footprints import Footprints
from qnerf_core.field.grids import trilinear_corners

_CHUNK = 8192
_ROWS = 4096


def principal_components(
    targets: Sequence[Tensor],
    footprints: Footprints,
    shapes: Sequence[tuple[int, int]],
    count: int,
    generator: torch.Generator,
) -> Tensor:
    """Return what all layers' targets have in common at each ray, by a randomised principal component analysis.

    Args:
        targets: Per layer (views * cells, channels) in block order, standardised.
        footprints: Layout of the layers.
        shapes: (h, w) of each layer.
        count: Components.
        generator: Source of the random projection.

    Returns:
        (rays, count) of unit variance each.
    """
    spread: list[Tensor] = []
    for layer, target in enumerate(targets):
        scaled = target / target.shape[1] ** 0.5
        if target.shape[1] > 2 * count:
            # A projection of each layer alone first keeps the interpolated maps narrow.
            some = scaled[:: max(1, len(scaled) // _ROWS)]
            sketch = torch.randn(target.shape[1], 2 * count, generator=generator)
            scaled = scaled @ torch.linalg.qr(some.T @ (some @ sketch))[0]
        spread.append(footprints.spread(scaled, layer, shapes[layer]))
    joined = torch.cat(spread, dim=1)
    some = joined[:: max(1, len(joined) // _ROWS)]
    _, vectors = torch.linalg.eigh(some.T @ some)
    components = joined @ vectors[:, -count:]
    components = torch.nn.functional.pad(components, (0, count - components.shape[1]))
    return components / components.std(0).clamp(min=1e-3)


def splat(values: Tensor, unit: Tensor, weights: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """Average values of rays on the nodes of a grid, each by what it contributes to the ray.

    Args:
        values: (rays, channels).
        unit: (rays, samples, 3) positions in [0, 1] of the bounds.
        weights: (rays, samples) volume rendering weights.
        shape: Nodes of the grid.

    Returns:
        (nodes, channels), zero at nodes that no ray meets.
    """
    nodes = shape[0] * shape[1] * shape[2]
    total = torch.zeros(nodes, values.shape[1])
    mass = torch.zeros(nodes)
    ray, sample = torch.nonzero(weights > 0.02, as_tuple=True)
    for start in range(0, len(ray), _CHUNK):
        r, s = ray[start : start + _CHUNK], sample[start : start + _CHUNK]
        corners, shares = trilinear_corners(unit[r, s], shape)
        shares = shares * weights[r, s][:, None]
        total.index_add_(0, corners.flatten(), (shares[:, :, None] * values[r][:, None, :]).flatten(0, 1))
        mass.index_add_(0, corners.flatten(), shares.flatten())
    return total / mass.clamp(min=1e-6)[:, None]


def solve_head(features: Tensor, targets: Tensor, rounds: int, ridge: float = 1e-3) -> tuple[Tensor, Tensor]:
    """Return the linear head that makes the best queries of composited features.

    Args:
        features: (cells, width).
        targets: (cells, channels).
        rounds: Least squares solves. One minimises squares; every further one reweights the cells by what the last
            one left, which approaches the least sum of norms, the paper's robust loss.
        ridge: Weight of the penalty, relative to the mean energy of a feature.

    Returns:
        Weight (channels, width) and bias (channels,).
    """
    inputs = torch.cat([features, torch.ones(len(features), 1)], dim=1)
    weights = torch.ones(len(features), 1)
    solution = torch.zeros(inputs.shape[1], targets.shape[1])
    for last in range(1 - rounds, 1):
        weighted = inputs * weights
        gram = inputs.T @ weighted
        penalty = ridge * gram.diagonal().mean() * torch.eye(len(gram))
        solution = torch.linalg.solve(gram + penalty, weighted.T @ targets)
        if last < 0:
            norms = (inputs @ solution - targets).square().mean(-1, keepdim=True).sqrt()
            weights = 1 / norms.clamp(min=0.1)
    return solution[:-1].T.contiguous(), solution[-1].contiguous()
