from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import linalg

from qnerf_core.evaluation.distribution import distribution_distance, frechet_distance, pooled_features
from tests.synthetic_capture import AFTER, BEFORE, ray_trace, ring_of_cameras


@pytest.fixture(scope="module")
def originals() -> np.ndarray:
    return np.stack([ray_trace(camera, BEFORE).colour for camera in ring_of_cameras(6)])


def test_equal_sets_have_no_distance_and_damage_increases_both(originals: np.ndarray) -> None:
    same = distribution_distance(originals, originals)
    noise = np.random.default_rng(0).normal(size=originals.shape)
    damaged = distribution_distance(np.clip(originals + 0.2 * noise, 0, 1).astype(np.float32), originals)
    moved = np.stack([ray_trace(camera, AFTER).colour for camera in ring_of_cameras(6)])
    edited = distribution_distance(moved, originals)
    assert same.fid == pytest.approx(0.0, abs=1e-3)
    assert same.kid < edited.kid < damaged.kid
    assert same.fid < edited.fid < damaged.fid
    assert same.subset_size == 6
    assert distribution_distance(moved, originals) == edited


def test_fid_in_the_span_is_the_fid_of_all_features(originals: np.ndarray) -> None:
    images = np.ascontiguousarray(originals[..., ::-1])
    real, fake = pooled_features(originals).numpy(), pooled_features(images).numpy()
    real, fake = real[:, :60], fake[:, :60]  # a plain matrix square root of 1280 x 1280 would take minutes
    cov = [np.cov(part, rowvar=False) for part in (real, fake)]
    root = linalg.sqrtm(cov[0] @ cov[1] + 1e-12 * np.eye(60)).real
    expected = ((real.mean(0) - fake.mean(0)) ** 2).sum() + np.trace(cov[0] + cov[1] - 2 * root)
    assert frechet_distance(torch.from_numpy(real), torch.from_numpy(fake)) == pytest.approx(expected, rel=1e-3)


def test_sets_must_match(originals: np.ndarray) -> None:
    with pytest.raises(ValueError, match="two equal sets"):
        distribution_distance(originals[:3], originals)
