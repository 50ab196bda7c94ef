from __future__ import annotations

import numpy as np
import pytest

from qnerf_core.evaluation import image_metrics
from tests.synthetic_capture import AFTER, BEFORE, ray_trace, ring_of_cameras


@pytest.fixture
def picture() -> np.ndarray:
    return ray_trace(ring_of_cameras(8)[0], BEFORE).colour


def test_identical_pictures_have_the_ideal_values(picture: np.ndarray) -> None:
    assert image_metrics.psnr(picture, picture) == image_metrics.MAX_PSNR
    assert image_metrics.ssim(picture, picture) == pytest.approx(1.0)
    assert image_metrics.perceptual_distance(picture, picture) == 0.0


def test_known_noise_has_the_known_psnr(picture: np.ndarray) -> None:
    flat = np.full_like(picture, 0.5)
    signs = np.where(np.random.default_rng(0).random(picture.shape) < 0.5, -1, 1)
    assert image_metrics.psnr(flat + 0.1 * signs, flat) == pytest.approx(20.0, abs=1e-3)
    assert image_metrics.psnr(flat + 0.01 * signs, flat) == pytest.approx(40.0, abs=1e-3)


def test_only_the_region_counts(picture: np.ndarray) -> None:
    region = np.zeros(picture.shape[1:], dtype=bool)
    region[10:20, 10:30] = True
    outside = picture.copy()
    outside[:, ~region] = 0.0
    assert image_metrics.psnr(outside, picture, region) == image_metrics.MAX_PSNR
    inside = picture.copy()
    inside[:, region] += 0.1
    assert image_metrics.psnr(inside, picture, region) == pytest.approx(20.0, abs=1e-3)
    assert image_metrics.psnr(inside, picture) > 30.0
    assert image_metrics.ssim(inside, picture, region) < image_metrics.ssim(inside, picture)


def test_distances_grow_with_the_damage_and_see_blur(picture: np.ndarray) -> None:
    noise = np.random.default_rng(1).normal(size=picture.shape)
    little, much = (np.clip(picture + sigma * noise, 0, 1).astype(np.float32) for sigma in (0.02, 0.1))
    assert 0 < image_metrics.perceptual_distance(little, picture) < image_metrics.perceptual_distance(much, picture)
    assert 1 > image_metrics.ssim(little, picture) > image_metrics.ssim(much, picture)
    moved = ray_trace(ring_of_cameras(8)[0], AFTER).colour
    changed = image_metrics.perceptual_distance_map(moved, picture)
    assert changed.shape == picture.shape[1:]
    assert changed[np.abs(moved - picture).max(axis=0) > 0.2].mean() > 2 * changed.mean()


def test_silhouette_iou_of_a_shift_counted_by_hand() -> None:
    square, shifted = np.zeros((2, 20, 20), dtype=bool)
    square[5:15, 5:15] = True
    shifted[5:15, 8:18] = True
    assert image_metrics.silhouette_iou(square, shifted) == pytest.approx(70 / 130)
    assert image_metrics.silhouette_iou(square & False, square & False) == 1.0


def test_edit_region_is_the_union_dilated_by_three_pixels_at_256() -> None:
    before, after = np.zeros((2, 256, 256), dtype=bool)
    before[100, 100], after[200, 50] = True, True
    region = image_metrics.edit_region(before, after)
    assert region[100, 103]
    assert not region[100, 104]
    assert region[203, 50]
    assert region.sum() == 2 * 29  # lattice points within 3 of the origin


def test_shapes_and_empty_regions_are_refused(picture: np.ndarray) -> None:
    with pytest.raises(ValueError, match="differ in shape"):
        image_metrics.psnr(picture, picture[:, 1:])
    with pytest.raises(ValueError, match="empty"):
        image_metrics.ssim(picture, picture, np.zeros(picture.shape[1:], dtype=bool))
