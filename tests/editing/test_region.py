from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from qnerf_core.editing.geometry import ViewGeometry
from qnerf_core.editing.region import EditRegion, find_region
from qnerf_core.editing.spec import BackgroundSettings
from qnerf_core.editing.subject import Subject
from tests.synthetic_capture import AFTER, BEFORE, Picture, proxy_of, ray_trace, ring_of_cameras

SIZE = 128
CAMERAS = ring_of_cameras(2, SIZE)
PICTURES = [(ray_trace(camera, BEFORE), ray_trace(camera, AFTER)) for camera in CAMERAS]
EMPTY = [ray_trace(camera, BEFORE, figure=False).depth for camera in CAMERAS]


def region_of(
    settings: BackgroundSettings, boundaries: list[np.ndarray], outward: float = 0.0, **subject: object
) -> EditRegion:
    def view(index: int, before: Picture, after: Picture) -> ViewGeometry:
        target = np.where(after.mask, after.depth, 0.0)
        nothing = np.zeros((SIZE, SIZE), bool)
        return ViewGeometry(
            CAMERAS[index], before.depth, before.mask, before.depth * before.mask, target, boundaries[index], nothing
        )

    made = Subject.of(proxy_of(BEFORE), proxy_of(AFTER), None)
    made = Subject(**{"control": "skeleton", "source": made.source, "target": made.target} | subject)  # type: ignore[arg-type]
    return find_region([view(index, *pair) for index, pair in enumerate(PICTURES)], made, outward, settings)


def far_from(mask: np.ndarray, pixels: float) -> np.ndarray:
    return np.asarray(ndimage.distance_transform_edt(~mask) > pixels)


def test_all_that_the_subject_is_or_was_may_change_and_far_from_it_nothing_may() -> None:
    settings = BackgroundSettings(margin=8.0, feather=6.0, light_reach=0.5)
    region = region_of(settings, EMPTY, outward=2.0)
    for index, (before, after) in enumerate(PICTURES):
        covered = before.mask | after.mask
        certain, possible, light = (part[index].numpy() for part in (region.certain, region.possible, region.light))
        assert (certain[covered] == 1).all()
        assert (possible >= certain).all()
        # Pixels of a 256 px picture, and these are of half its size.
        assert (possible[~far_from(covered, 4 + 2)] == 1).all()
        assert (possible[far_from(covered, 4 + 2 + 3)] == 0).all()
        assert 0 < light.max() <= 1
        kept = (possible == 0) & (light == 0)
        assert kept.mean() > 0.4, "most of the picture stays as it is"


def test_the_light_may_change_on_the_floor_near_the_subject_as_far_as_its_height_allows() -> None:
    reach = 0.5 * 1.38
    region = region_of(BackgroundSettings(light_reach=0.5), EMPTY)
    rows, columns = np.mgrid[0:SIZE, 0:SIZE] + 0.5
    places = CAMERAS[0].unproject(np.stack([columns, rows], axis=-1), EMPTY[0])
    light = region.light[0].numpy()
    known = (EMPTY[0] > 0) & (EMPTY[0] < 6)
    box = np.abs(places[..., :2]).max(axis=-1) - 0.22
    assert (light[known & (box < 0.2 * reach) & (box > 0)] > 0.95).all()
    away = np.minimum(np.hypot(*(places[..., :2] - np.array(BEFORE)[:2]).transpose(2, 0, 1)) - 0.28, box)
    assert (light[known & (away > 1.3 * reach)] == 0).all()
    assert not region_of(BackgroundSettings(light_reach=0.0), EMPTY).light.any()


def test_without_any_depth_the_subject_stands_on_a_floor() -> None:
    settings = BackgroundSettings(light_reach=0.5)
    known, unknown = region_of(settings, EMPTY), region_of(settings, [np.zeros_like(part) for part in EMPTY])
    assert float((known.light - unknown.light).abs().mean()) < 0.02


def test_a_loose_proxy_certainly_holds_only_what_the_subject_covered() -> None:
    region = region_of(BackgroundSettings(), EMPTY, control="depth")
    for index, (before, after) in enumerate(PICTURES):
        new = far_from(before.mask, 8) & after.mask
        assert new.any()
        assert (region.certain[index].numpy()[new] == 0).all()
        assert (region.possible[index].numpy()[new] == 1).all()
        assert (region.certain[index].numpy()[before.mask] == 1).all()


@pytest.mark.parametrize("part", ["certain", "possible", "light"])
def test_shares_are_shares(part: str) -> None:
    values = getattr(region_of(BackgroundSettings(feather=0.0, margin=0.0), EMPTY), part)
    assert values.dtype == torch.float32
    assert values.shape == (2, SIZE, SIZE)
    assert float(values.min()) >= 0
    assert float(values.max()) <= 1
