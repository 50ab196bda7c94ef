from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from scipy import ndimage

from qnerf_core import assets
from qnerf_core.body.model import BodyModel
from qnerf_core.body.pose_file import read_pose
from qnerf_core.control.raster import rasterise_depth, rasterise_values
from qnerf_core.editing.draft import drafts
from qnerf_core.editing.photographs import Photographs
from qnerf_core.editing.seen_behind import Behind
from qnerf_core.editing.subject import Subject
from qnerf_core.evaluation.image_metrics import edit_region, psnr
from qnerf_core.proxy.model import DepthProxy, ProxyPart
from qnerf_core.scene.camera import Camera
from tests.synthetic_capture import Picture, ray_trace, ring_of_cameras

SIZE = 128
BEFORE, AFTER = (0.6, 0.0, 0.3), (-0.5, -0.3, 0.3)


def ball_and_box(ball: tuple[float, float, float]) -> DepthProxy:
    return DepthProxy(
        (
            ProxyPart("box", "box", np.array([0.0, 0.0, 0.45]), np.zeros(3), np.array([0.44, 0.44, 0.9])),
            ProxyPart("ball", "ellipsoid", np.array(ball), np.zeros(3), np.full(3, 0.56)),
        )
    )


def draft(subject: Subject, *shown: Any) -> np.ndarray:
    return drafts(subject, Photographs.of(subject.source, *shown)).numpy()


def drafted(cameras: list[Camera], shown: list[Picture], subject: Subject, measured: bool = True) -> np.ndarray:
    empty = [Behind.rendered(ray_trace(camera, BEFORE, figure=False).depth) for camera in cameras]
    photos = torch.from_numpy(np.stack([picture.colour for picture in shown]))
    depths = [picture.depth if measured else np.zeros_like(picture.depth) for picture in shown]
    return draft(subject, cameras, photos, [picture.mask for picture in shown], empty, depths)


def test_a_ball_that_rolls_elsewhere_looks_in_the_draft_as_it_would() -> None:
    cameras = ring_of_cameras(6, SIZE)
    shown, truth = ([ray_trace(camera, ball) for camera in cameras] for ball in (BEFORE, AFTER))
    subject = Subject.of(ball_and_box(BEFORE), ball_and_box(AFTER), None)
    made = drafted(cameras, shown, subject)
    regions = [edit_region(before.mask, after.mask) for before, after in zip(shown, truth, strict=True)]
    reached = [psnr(made[n], truth[n].colour, regions[n]) for n in range(6)]
    unedited = [psnr(shown[n].colour, truth[n].colour, regions[n]) for n in range(6)]
    assert min(reached) > 19.0, reached
    assert np.mean(reached) > np.mean(unedited) + 8.0
    for index, region in enumerate(regions):
        far = ~region & ~edit_region(region, region)
        # But for what of the floor's pattern may be a shadow.
        assert psnr(made[index], shown[index].colour, far) > 44.0, "the rest is the photo"


def test_what_a_view_hides_comes_from_the_nearest_camera_that_shows_it() -> None:
    # Behind the box, the first camera does not see the ball.
    hidden = (-0.7, 0.0, 0.3)
    cameras = ring_of_cameras(6, SIZE)
    shown = [ray_trace(camera, hidden) for camera in cameras]
    truth = ray_trace(cameras[0], (0.5, 0.6, 0.3))
    subject = Subject.of(ball_and_box(hidden), ball_and_box((0.5, 0.6, 0.3)), None)
    region = truth.mask & ~shown[0].mask
    together = drafted(cameras, shown, subject)[0]
    alone = drafted(cameras[:1], shown[:1], subject)[0]
    assert psnr(together, truth.colour, region) > psnr(alone, truth.colour, region) + 6.0


def test_nothing_that_moves_is_the_photo() -> None:
    cameras = ring_of_cameras(3, SIZE)
    shown = [ray_trace(camera, BEFORE) for camera in cameras]
    made = drafted(cameras, shown, Subject.of(ball_and_box(BEFORE), ball_and_box(BEFORE), None))
    for picture, photo in zip(made, shown, strict=True):
        assert np.array_equal(picture[:, photo.mask], photo.colour[:, photo.mask])


def test_sleeves_go_with_the_arms_and_leave_no_frill_behind() -> None:
    body = BodyModel.load()
    stand, raised = (read_pose(assets.poses_folder() / f"{name}.json") for name in ("stand", "arms-raised"))
    cameras = ring_of_cameras(4, 256)
    subject = Subject.of(stand, raised, body)
    rest = body.rest_vertices(stand.betas)
    assert subject.places is not None
    # Skin is coloured by its place in rest pose; clothes of three pixels take the colour of the skin beside them.
    low, high = rest.min(axis=0), rest.max(axis=0)
    photos, masks = [], []
    for camera in cameras:
        skin = (rasterise_values(*subject.source, rest, camera) - low) / (high - low)
        covered = ~np.isnan(skin[..., 0])
        away, nearest = _distance(covered)
        masks.append(away <= 3)
        photos.append(np.where(masks[-1][..., None], 0.2 + 0.7 * skin[nearest], 0.0).transpose(2, 0, 1))
    images = torch.from_numpy(np.stack(photos).astype(np.float32))
    unknown = np.zeros((256, 256), np.float32)
    made = draft(subject, cameras, images, masks, [Behind.rendered(unknown)] * 4, [unknown] * 4)
    for picture, camera in zip(made, cameras, strict=True):
        target = rasterise_depth(*subject.target, camera) > 0
        shown = picture.sum(axis=0) > 0.3
        assert (shown & target).sum() > 0.97 * target.sum(), "the body is whole"
        away, _ = _distance(target)
        assert (shown & (away > 6)).sum() < 0.02 * target.sum(), "and nothing else is left"
        assert (shown & (away > 0) & (away <= 3)).sum() > 0.4 * ((away > 0) & (away <= 3)).sum(), "clothes went along"
        true = 0.2 + 0.7 * (rasterise_values(*subject.target, rest, camera) - low) / (high - low)
        error = np.abs(picture.transpose(1, 2, 0) - true)[target & shown].max(axis=-1)
        assert np.quantile(error, 0.9) < 0.05


def _distance(covered: np.ndarray) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    away, nearest = ndimage.distance_transform_edt(~covered, return_indices=True)
    return away, tuple(nearest)


def test_a_subject_whose_motion_is_not_known_has_no_draft() -> None:
    cameras = ring_of_cameras(1, SIZE)
    subject = replace(Subject.of(ball_and_box(BEFORE), ball_and_box(AFTER), None), motion=None)
    with pytest.raises(ValueError, match="not known"):
        drafted(cameras, [ray_trace(cameras[0], BEFORE)], subject)


def test_what_stands_nearer_hides_what_moves_behind_it() -> None:
    cameras = ring_of_cameras(6, SIZE)
    # The box is the scene's, only the ball is edited: it rolls behind the box as the first camera sees it.
    alone = [ray_trace(camera, (0.0, 0.0, -9.0)) for camera in cameras]
    shown, truth = ([ray_trace(camera, ball) for camera in cameras] for ball in ((0.1, 0.8, 0.3), (-0.8, 0.3, 0.3)))
    balls = [before.depth != without.depth for before, without in zip(shown, alone, strict=True)]
    parts = (ball_and_box(ball).parts[1] for ball in ((0.1, 0.8, 0.3), (-0.8, 0.3, 0.3)))
    before, after = (DepthProxy((part,)) for part in parts)
    photos = torch.from_numpy(np.stack([picture.colour for picture in shown]))
    made = draft(
        Subject.of(before, after, None),
        cameras,
        photos,
        balls,
        [Behind.rendered(picture.depth) for picture in alone],
        [picture.depth for picture in shown],
    )
    ball = truth[0].depth != alone[0].depth
    rows, columns = np.nonzero(alone[0].mask & ~ball)
    heights = cameras[0].unproject(np.stack([columns, rows], axis=-1) + 0.5, alone[0].depth[rows, columns])[:, 2]
    # A shadow may fall on the foot of the box.
    rows, columns = rows[heights > 0.05], columns[heights > 0.05]
    assert 20 < ball.sum() < 0.8 * balls[0].sum(), "part of it is hidden"
    assert np.abs(made[0] - truth[0].colour)[:, rows, columns].max() < 1e-6
    assert psnr(made[0], truth[0].colour, ball) > 17.0


def test_only_what_was_seen_hides_what_moves_beyond_it() -> None:
    cameras = ring_of_cameras(6, SIZE)
    shown = [ray_trace(camera, BEFORE) for camera in cameras]
    subject = Subject.of(ball_and_box(BEFORE), ball_and_box(AFTER), None)
    # Bounds so tight that the ball leaves them.
    photos = torch.from_numpy(np.stack([picture.colour for picture in shown]))
    masks, depths = [picture.mask for picture in shown], [picture.depth for picture in shown]
    near = [np.full((SIZE, SIZE), 0.5, np.float32)] * 6
    made = {}
    for supposed in (False, True):
        behind = [Behind(depth, np.full((SIZE, SIZE), supposed)) for depth in near]
        made[supposed] = draft(subject, cameras, photos, masks, behind, depths)[0]
    ball = ray_trace(cameras[0], AFTER).mask & ~shown[0].mask
    truth = ray_trace(cameras[0], AFTER).colour
    assert psnr(made[True], truth, ball) > 19.0
    assert psnr(made[False], truth, ball) < 15.0


def test_a_part_that_grows_a_lot_is_all_there() -> None:
    cameras = ring_of_cameras(6, SIZE)
    shown = [ray_trace(camera, BEFORE) for camera in cameras]
    before = ball_and_box(BEFORE)
    ball = before.part("ball")
    small = DepthProxy((ball, before.part("box")))
    grown = DepthProxy((ball.scaled(np.full(3, 5.0)), before.part("box").moved(np.array([9.0, 0.0, 0.0]))))
    picture = drafted(cameras, shown, Subject.of(small, grown, None))[0]
    target = rasterise_depth(*DepthProxy(grown.parts[:1]).mesh(), cameras[0]) > 0
    assert target.sum() > 20 * (rasterise_depth(*ball.mesh, cameras[0]) > 0).sum()
    red = picture[0] > picture[2] + 0.2
    assert (red & target).sum() > 0.95 * target.sum()


def test_a_new_part_looks_like_what_it_grows_out_of_not_like_what_was_there() -> None:
    cameras = ring_of_cameras(6, SIZE)
    shown = [ray_trace(camera, BEFORE) for camera in cameras]
    before = ball_and_box(BEFORE)
    risen = before.part("ball").moved(np.array([-0.6, 0.0, 1.3]))
    stalk = ProxyPart("stalk", "cylinder", risen.centre - [0.0, 0.0, 0.5], np.zeros(3), np.array([0.3, 0.3, 0.6]))
    # Where the stalk will be, the box was the nearest.
    away = before.part("box").moved(np.array([-1.5, 0.0, 0.0]))
    made = drafted(cameras, shown, Subject.of(before, DepthProxy((risen, away, stalk)), None))
    red = []
    for camera, picture in zip(cameras, made, strict=True):
        hidden = rasterise_depth(*DepthProxy((risen, away)).mesh(), camera) > 0
        there = (rasterise_depth(*stalk.mesh, camera) > 0) & ~ndimage.binary_dilation(hidden, iterations=3)
        red.append((picture[0] > picture[2] + 0.2)[there])
    found = np.concatenate(red)
    assert len(found) > 100
    assert found.mean() > 0.9


def test_where_little_depth_is_known_the_controls_own_is_taken() -> None:
    cameras = ring_of_cameras(6, SIZE)
    shown = [ray_trace(camera, BEFORE) for camera in cameras]
    # As after structure from motion: one corner of the subject has points.
    partly = []
    for picture in shown:
        rows, columns = np.nonzero(picture.mask)
        corner = np.zeros_like(picture.mask)
        corner[rows.max() - 6 :, columns.min() : columns.min() + 6] = True
        partly.append(replace(picture, depth=np.where(corner & picture.mask, picture.depth, np.float32(0))))
    subject = Subject.of(ball_and_box(BEFORE), ball_and_box(AFTER), None)
    truth = [ray_trace(camera, AFTER) for camera in cameras]
    made = drafted(cameras, partly, subject)
    for picture, true, before in zip(made, truth, shown, strict=True):
        assert psnr(picture, true.colour, edit_region(before.mask, true.mask)) > 16.0


def test_views_without_the_subject_are_drafted_by_what_others_show() -> None:
    cameras = ring_of_cameras(6, SIZE)
    shown = [ray_trace(camera, BEFORE) for camera in cameras]
    subject = Subject.of(ball_and_box(BEFORE), ball_and_box(AFTER), None)
    nowhere = np.zeros((SIZE, SIZE), dtype=bool)
    empty = ray_trace(cameras[0], BEFORE, figure=False)
    without = [replace(empty, mask=nowhere), *shown[1:]]
    truth = ray_trace(cameras[0], AFTER)
    made = drafted(cameras, without, subject)[0]
    assert psnr(made, truth.colour, truth.mask) > psnr(empty.colour, truth.colour, truth.mask) + 5.0
    alone = drafted(cameras[:1], without[:1], subject)[0]
    assert np.array_equal(alone, empty.colour), "and nobody's subject is nowhere"
