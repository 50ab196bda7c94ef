from __future__ import annotations

import numpy as np
import pytest

from qnerf_core.evaluation.figure import clean_plate, segment_figure
from qnerf_core.evaluation.image_metrics import silhouette_iou
from tests.synthetic_capture import AFTER, BEFORE, OTHER, ray_trace, ring_of_cameras

CAMERA = ring_of_cameras(8, size=128)[1]
TRUE = [ray_trace(CAMERA, ball, shadow=0.6) for ball in (BEFORE, AFTER, OTHER)]
PLATE = clean_plate(np.stack([p.colour for p in TRUE]), np.stack([p.mask for p in TRUE]))


def test_the_plate_is_the_empty_background_where_it_was_ever_seen() -> None:
    empty = ray_trace(CAMERA, BEFORE, figure=False).colour
    difference = np.abs(PLATE.colour - empty).max(axis=0)[PLATE.seen]
    assert np.quantile(difference, 0.99) < 1e-6  # the rest is shadowed whenever it is seen
    always = np.logical_and.reduce([p.mask for p in TRUE])
    assert not PLATE.seen[always].any()
    assert PLATE.seen.mean() > 0.9


@pytest.mark.parametrize("index", [0, 1, 2])
def test_true_pictures_reach_the_ceiling_in_spite_of_shadows(index: int) -> None:
    figure = segment_figure(TRUE[index].colour, PLATE)
    assert silhouette_iou(figure, TRUE[index].mask) >= 0.95


def test_noise_and_a_tint_do_not_matter_much() -> None:
    noise = np.random.default_rng(0).normal(scale=0.03, size=TRUE[1].colour.shape)
    degraded = np.clip(TRUE[1].colour * 0.97 + 0.03 + noise, 0, 1).astype(np.float32)
    assert silhouette_iou(segment_figure(degraded, PLATE), TRUE[1].mask) >= 0.9


def test_a_figure_in_the_wrong_place_scores_low() -> None:
    wrong = silhouette_iou(segment_figure(TRUE[0].colour, PLATE), TRUE[1].mask)
    by_hand = silhouette_iou(TRUE[0].mask, TRUE[1].mask)
    assert wrong == pytest.approx(by_hand, abs=0.05)
    assert wrong < 0.65


def test_an_empty_picture_has_no_figure_where_the_background_is_known() -> None:
    empty = ray_trace(CAMERA, BEFORE, figure=False).colour
    assert (segment_figure(empty, PLATE) & PLATE.seen).mean() < 0.002
