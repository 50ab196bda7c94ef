from __future__ import annotations

import numpy as np
import pytest

from qnerf_core.evaluation.agreement import neighbouring_pairs, view_agreement
from tests.synthetic_capture import AFTER, BEFORE, ray_trace, ring_of_cameras

CAMERAS = ring_of_cameras(12, size=96)
PICTURES = [ray_trace(camera, AFTER) for camera in CAMERAS]
IMAGES = np.stack([picture.colour for picture in PICTURES])
DEPTHS = np.stack([picture.depth for picture in PICTURES])
MASKS = np.stack([picture.mask for picture in PICTURES])


def test_neighbours_lie_within_the_angle() -> None:
    pairs = neighbouring_pairs(CAMERAS, max_angle=35.0)
    assert (0, 1) in pairs
    assert (1, 0) in pairs
    assert (0, 11) in pairs
    assert (0, 2) not in pairs
    assert (0, 0) not in pairs
    assert len(pairs) == 24


def test_true_views_agree_and_perturbed_ones_less() -> None:
    truth = view_agreement(IMAGES, CAMERAS, DEPTHS, MASKS)
    assert truth is not None
    assert truth.psnr > 30.0
    assert truth.points > 2000
    tinted = IMAGES.copy()
    tinted[::2] = np.clip(tinted[::2] + 0.1, 0, 1)
    perturbed = view_agreement(tinted, CAMERAS, DEPTHS, MASKS)
    assert perturbed is not None
    assert perturbed.psnr == pytest.approx(20.0, abs=0.5)
    shifted = np.stack([np.roll(image, 4 if index % 2 else -4, axis=2) for index, image in enumerate(IMAGES)])
    moved = view_agreement(shifted, CAMERAS, DEPTHS, MASKS)
    assert moved is not None
    assert moved.psnr < truth.psnr - 8


def test_an_offset_of_one_view_gives_the_psnr_computed_by_hand() -> None:
    images = np.zeros((2, 3, 96, 96), dtype=np.float32)
    images[1] += 0.1
    agreement = view_agreement(images, CAMERAS[:2], DEPTHS[:2], MASKS[:2])
    assert agreement is not None
    assert agreement.psnr == pytest.approx(20.0, abs=1e-4)
    assert agreement.pairs == 2


def test_disagreement_is_a_share_that_does_not_reward_faint_pictures() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, IMAGES.shape)
    noisy = view_agreement(IMAGES + noise, CAMERAS, DEPTHS, MASKS)
    faint = view_agreement(0.5 + 0.2 * (IMAGES + noise), CAMERAS, DEPTHS, MASKS)
    assert noisy is not None
    assert faint is not None
    assert faint.psnr > noisy.psnr + 10
    assert faint.disagreement == pytest.approx(noisy.disagreement, rel=1e-3)
    unrelated = np.random.default_rng(1).random(IMAGES.shape)
    random = view_agreement(unrelated, CAMERAS, DEPTHS, MASKS)
    assert random is not None
    # Looking up between pixels averages, which takes variance out of noise on one side.
    assert 0.8 < random.disagreement < 1.2


def test_hidden_points_do_not_count() -> None:
    # In the source the ball hides part of the box from some cameras: with colours that say which surface is which,
    # a missing occlusion test would mix them.
    pictures = [ray_trace(camera, BEFORE) for camera in CAMERAS]
    depths = np.stack([picture.depth for picture in pictures])
    masks = np.stack([picture.mask for picture in pictures])
    red = np.stack([picture.colour[0] > picture.colour[2] for picture in pictures])
    flat = np.repeat(red[:, None].astype(np.float32), 3, axis=1)
    agreement = view_agreement(flat, CAMERAS, depths, masks)
    assert agreement is not None
    assert agreement.psnr > 20.0
    blind = view_agreement(flat, CAMERAS, np.where(depths > 0, depths.mean(), 0), masks)
    assert blind is None or blind.psnr < agreement.psnr - 5


def test_nothing_to_compare_is_none() -> None:
    assert view_agreement(IMAGES, CAMERAS, np.zeros_like(DEPTHS), MASKS) is None
    assert view_agreement(IMAGES[:1], CAMERAS[:1], DEPTHS[:1], MASKS[:1]) is None
