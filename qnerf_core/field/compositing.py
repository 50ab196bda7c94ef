"""Volume rendering along rays: the one place that knows nerfacc, and the torch twin it is tested against.

Without CUDA only nerfacc's batched functions work (its flattened ones reach for kernels that are not there), so the
samples of a ray are always a row here. Nothing is probed: a failed call of a kernel leaves nerfacc broken. For the
same reason samples are placed by `qnerf_core.field.rays` on every device, not by nerfacc's occupancy grid, whose
sampler is such a kernel.
"""

from __future__ import annotations

import nerfacc
import torch
from torch import Tensor


def sample_weights(density: Tensor, distances: Tensor, lengths: Tensor) -> Tensor:
    """Return how much each sample contributes to its ray, by nerfacc.

    Args:
        density: (rays, samples), per metre, >= 0.
        distances: (rays, samples) middle of each sample's interval along the ray, metres, ascending.
        lengths: (rays, samples) length of each sample's interval, metres.

    Returns:
        (rays, samples) weights; each row sums to the opacity of its ray, at most one.
    """
    half = lengths / 2
    weights, _, _ = nerfacc.render_weight_from_density(distances - half, distances + half, density)
    return weights


def sample_weights_torch(density: Tensor, lengths: Tensor) -> Tensor:
    """Return what `sample_weights` returns, in plain torch: w_i = exp(-sum_{j<i} s_j d_j) (1 - exp(-s_i d_i)).

    Args:
        density: (rays, samples), per metre, >= 0.
        lengths: (rays, samples) length of each sample's interval, metres.

    Returns:
        (rays, samples) weights.
    """
    optical = density * lengths
    before = torch.cumsum(optical, dim=-1) - optical
    return torch.exp(-before) * -torch.expm1(-optical)


def composite(weights: Tensor, values: Tensor) -> Tensor:
    """Sum the values of a ray's samples by their weights, by nerfacc.

    Args:
        weights: (rays, samples) of `sample_weights`.
        values: (rays, samples, channels).

    Returns:
        (rays, channels).
    """
    return nerfacc.accumulate_along_rays(weights, values)


def composite_torch(weights: Tensor, values: Tensor) -> Tensor:
    """Return what `composite` returns, as one batched matrix product, which is several times faster on the CPU.

    Args:
        weights: (rays, samples).
        values: (rays, samples, channels).

    Returns:
        (rays, channels).
    """
    return torch.bmm(weights[:, None, :], values)[:, 0]
