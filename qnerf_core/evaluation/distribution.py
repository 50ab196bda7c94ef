"""KID and FID of the edited pictures against others, as the paper reports them (its only figures; method 1.9).

Two adaptations, both because one capture has a few dozen views and not thousands:

* KID is the unbiased estimate over *all* views in one subset (subset size = number of views), so that no sampling of
  subsets enters. It can be slightly negative.
* FID needs covariances of 1280 features from N pictures. The features are first rotated onto the span of all 2 N of
  them, which changes nothing (FID is invariant under rotation, and what is left out is zero for both sets) but makes
  the matrices small.

The feature network is EfficientNet-Lite0, not Inception: the figures compare only with others made by this program.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.kid import KernelInceptionDistance

from qnerf_core.evaluation.features import feature_network

_BATCH = 8


class _GivenFeatures(nn.Module):
    """Lets torchmetrics take features that were computed before."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features

    def forward(self, features: Tensor) -> Tensor:
        return features


@dataclass(frozen=True)
class DistributionDistance:
    """KID (unscaled, as in the paper) and FID of one set of pictures against another."""

    kid: float
    fid: float
    subset_size: int


def pooled_features(images: np.ndarray) -> Tensor:
    """Features (V, 1280) float64 of pictures (V, 3, H, W) in [0, 1]."""
    network = feature_network()
    with torch.inference_mode():
        batches = [
            network.pooled(torch.from_numpy(part)) for part in np.split(images, range(_BATCH, len(images), _BATCH))
        ]
    return torch.cat(batches).double()


def distribution_distance(images: np.ndarray, originals: np.ndarray) -> DistributionDistance:
    """KID and FID between two sets of the same number of pictures.

    Args:
        images: (V, 3, H, W) in [0, 1], V at least 2.
        originals: (V, 3, H, W) in [0, 1].

    Returns:
        Both distances and the size of KID's one subset (V).

    Raises:
        ValueError: fewer than two pictures, or sets of different size.
    """
    if len(images) != len(originals) or len(images) < 2:
        raise ValueError(f"KID and FID need two equal sets of at least two pictures: {len(images)}, {len(originals)}")
    fake, real = pooled_features(images), pooled_features(originals)
    with warnings.catch_warnings():
        # It warns on construction that it keeps all features: a few dozen here.
        warnings.simplefilter("ignore", UserWarning)
        kid = KernelInceptionDistance(_GivenFeatures(fake.shape[1]), subsets=1, subset_size=len(images))
    kid.update(real, real=True)
    kid.update(fake, real=False)
    # torchmetrics shuffles with the global generator; a fixed seed fixes the order of summation.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        kid_mean, _ = kid.compute()
    return DistributionDistance(float(kid_mean), frechet_distance(real, fake), len(images))


def frechet_distance(real: Tensor, fake: Tensor) -> float:
    """FID of two sets of features (N, D) float64, computed in the span of both."""
    centre = real.mean(dim=0)
    basis = torch.linalg.svd(torch.cat([real, fake]) - centre, full_matrices=False).Vh
    fid = FrechetInceptionDistance(_GivenFeatures(basis.shape[0]))
    fid.update((real - centre) @ basis.T, real=True)
    fid.update((fake - centre) @ basis.T, real=False)
    return max(float(fid.compute()), 0.0)
