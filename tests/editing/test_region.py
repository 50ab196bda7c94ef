from __future__ import annotations

import numpy as np
import pytest
import torch
import trimesh
from scipy import ndimage

from qnerf_core.control.raster import rasterise_depth
from qnerf_core.editing.geometry import ViewGeometry, unmoved_surface
from qnerf_core.editing.region import EditRegion, find_region
from qnerf_core.editing.spec import BackgroundSettings
from qnerf_core.editing.subject import Subject
from qnerf_core.scene.box_masks import box_mask
from tests.synthetic_capture import AFTER, BEFORE, Picture, proxy_of, ray_trace, ring_of_cameras

SIZE = 128
CAMERAS = ring_of_cameras(2, SIZE)
PICTURES = [(ray_trace(camera, BEFORE), ray_trace(camera, AFTER)) for camera in CAMERAS]
EMPTY = [ray_trace(camera, BEFORE, figure=False).depth for camera in CAMERAS]


def region_of(
    settings: BackgroundSettings,
    boundaries: list[np.ndarray],
    outward: float = 0.0,
    unmoved: np.ndarray | None = None,
    box: np.ndarray | None = None,
    **subject: object,
) -> EditRegion:
    def view(index: int, before: Picture, after: Picture) -> ViewGeometry:
        target = np.where(after.mask, after.depth, 0.0)
        nothing = np.zeros((SIZE, SIZE), bool)
        return ViewGeometry(
            CAMERAS[index],
            before.depth,
            before.mask,
            before.depth * before.mask,
            target,
            boundaries[index],
            nothing,
            nothing if unmoved is None else unmoved,
        )

    made = Subject.of(proxy_of(BEFORE), proxy_of(AFTER), None)
    made = Subject(**{"control": "skeleton", "source": made.source, "target": made.target} | subject)  # type: ignore[arg-type]
    return find_region([view(index, *pair) for index, pair in enumerate(PICTURES)], made, outward, settings, box)


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


def test_a_box_limits_the_edit_to_what_is_seen_through_it_and_to_the_target() -> None:
    settings = BackgroundSettings(margin=8.0, feather=6.0, light_reach=0.5)
    box = np.array([[-0.15, -0.15, 0.2], [0.15, 0.15, 0.7]])
    free, boxed = (region_of(settings, EMPTY, outward=20.0, box=limit) for limit in (None, box))
    for index, (before, after) in enumerate(PICTURES):
        silhouette = box_mask(CAMERAS[index], box, None) > 0
        assert 20 < silhouette.sum() < before.mask.sum()
        parts = [np.stack([getattr(region, name)[index].numpy() for name in ("certain", "possible", "light")])
                 for region in (free, boxed)]  # fmt: skip
        # 8 and 6 pixels of a 256 px picture; how far masks reach beyond the proxy (20) does not count here.
        outside = ~silhouette & far_from(after.mask, 4 + 3)
        assert (parts[1][:, outside] == 0).all()
        assert (parts[0][:, outside].max(axis=0) > 0).mean() > 0.1, "without the box it would change there"
        assert (parts[1][1][after.mask] == 1).all(), "the target is never cut off"
        inside = far_from(~silhouette, 3)
        np.testing.assert_array_equal(parts[1][:, inside], parts[0][:, inside])
    everything = np.array([[-9.0, -9.0, -9.0], [9.0, 9.0, 9.0]])
    unlimited = region_of(settings, EMPTY, outward=20.0, box=everything)
    assert torch.equal(unlimited.possible, free.possible)
    assert torch.equal(unlimited.light, free.light)


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


def test_what_stands_still_stays_as_it_is_unless_all_is_to_be_painted_anew() -> None:
    lower = np.zeros((SIZE, SIZE), bool)
    lower[SIZE // 2 :] = True
    region = region_of(BackgroundSettings(), EMPTY, unmoved=lower)
    far_below = np.zeros_like(lower)
    # Farther from what moves than margin and feather.
    far_below[SIZE // 2 + 8 :] = True
    for index, (before, after) in enumerate(PICTURES):
        covered = before.mask | after.mask
        assert (covered & far_below).any()
        for share in (region.certain, region.possible, region.light):
            assert (share[index].numpy()[far_below] == 0).all()
        assert (region.certain[index].numpy()[covered & ~lower] == 1).all()
    anew = region_of(BackgroundSettings(unmoved=False), EMPTY, unmoved=lower)
    assert torch.equal(anew.certain, region_of(BackgroundSettings(), EMPTY).certain)


def box(low: tuple[float, float, float], high: tuple[float, float, float]) -> trimesh.Trimesh:
    return trimesh.creation.box(bounds=[low, high])


def test_a_surface_is_unmoved_where_nothing_that_moves_is_seen_before_or_after() -> None:
    camera = CAMERAS[0]
    post, hand = box((-0.2, -0.2, 0.0), (0.2, 0.2, 1.0)), box((0.3, -0.1, 0.6), (0.5, 0.1, 0.8))
    source = trimesh.util.concatenate([post, hand])
    for way in ((0.3, 0.0, 0.0), (-0.4, 0.0, 0.0)):
        moved = hand.copy()
        moved.apply_translation(way)
        target = trimesh.util.concatenate([post, moved])
        subject = Subject("depth", (source.vertices, source.faces), (target.vertices, target.faces))
        depths = [rasterise_depth(*mesh, camera) for mesh in (subject.source, subject.target)]
        hair = ndimage.binary_dilation(depths[0] > 0, iterations=2)
        unmoved = unmoved_surface(subject, camera, *depths, hair)
        hands = [rasterise_depth(part.vertices, part.faces, camera) for part in (hand, moved)]
        seen = [(part > 0) & (part <= depth + 1e-3) for part, depth in zip(hands, depths, strict=True)]
        standing = rasterise_depth(post.vertices, post.faces, camera) > 0
        assert not (unmoved & (seen[0] | seen[1])).any()
        assert unmoved[standing & ~seen[0] & ~seen[1]].all()
        assert standing.any()
        # What stands off the post stands still with it.
        away = far_from(hands[0] > 0, 6) & far_from(hands[1] > 0, 6)
        assert unmoved[hair & away].all()
        assert not unmoved[~hair & away].any()
    other = Subject("depth", subject.source, (target.vertices[:-1], target.faces[:-4]))
    assert not unmoved_surface(other, camera, *depths, hair).any()


@pytest.mark.parametrize("part", ["certain", "possible", "light"])
def test_shares_are_shares(part: str) -> None:
    values = getattr(region_of(BackgroundSettings(feather=0.0, margin=0.0), EMPTY), part)
    assert values.dtype == torch.float32
    assert values.shape == (2, SIZE, SIZE)
    assert float(values.min()) >= 0
    assert float(values.max()) <= 1
