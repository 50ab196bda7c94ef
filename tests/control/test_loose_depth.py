from __future__ import annotations

import time

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from qnerf_core.control.loose_depth import boundary_depth, depth_control_image, proxy_depth, room_depth
from qnerf_core.proxy.model import DepthProxy, ProxyPart
from qnerf_core.scene.camera import Camera
from tests.synthetic_capture import BOUNDS, ring_of_cameras

ROOM = np.array([[-4.0, -4.0, 0.0], [4.0, 4.0, 3.0]])


def rays(camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Origin (3,) and directions (H, W, 3) whose length along the viewing axis is one."""
    columns, rows = np.meshgrid(np.arange(camera.width) + 0.5, np.arange(camera.height) + 0.5)
    places = camera.unproject(np.stack([columns, rows], axis=-1), np.ones(columns.shape))
    return camera.position, places - camera.position


def box_entry(
    origin: np.ndarray, directions: np.ndarray, centre: np.ndarray, turn: np.ndarray, size: np.ndarray
) -> np.ndarray:
    start, along = (origin - centre) @ turn, directions @ turn
    with np.errstate(divide="ignore"):
        sides = [(sign * size / 2 - start) / along for sign in (-1, 1)]
    near, far = np.minimum(*sides).max(axis=-1), np.maximum(*sides).min(axis=-1)
    return np.where((near <= far) & (near > 0), near, np.inf)


def ball_entry(origin: np.ndarray, directions: np.ndarray, centre: np.ndarray, radius: float) -> np.ndarray:
    square, half = (directions**2).sum(-1), directions @ (origin - centre)
    root = half**2 - square * (((origin - centre) ** 2).sum() - radius**2)
    return np.where(root > 0, (-half - np.sqrt(np.maximum(root, 0))) / square, np.inf)


def test_a_box_before_a_room_is_exact_in_every_pixel() -> None:
    centre, rotation, size = np.array([0.2, -0.1, 0.7]), np.array([0.4, 0.9, -0.3]), np.array([0.9, 0.5, 1.1])
    proxy = DepthProxy((ProxyPart("box", "box", centre, rotation, size),))
    for camera in ring_of_cameras(3, 96):
        depth = proxy_depth(*proxy.mesh(), camera, room_depth(camera, ROOM))
        origin, directions = rays(camera)
        box = box_entry(origin, directions, centre, Rotation.from_rotvec(rotation).as_matrix(), size)
        with np.errstate(divide="ignore"):
            planes = np.stack(
                [(side - origin[axis]) / directions[..., axis] for axis in range(3) for side in ROOM[:, axis]]
            )
        room = np.where(planes > 0, planes, np.inf).min(axis=0)
        assert 0.03 < np.isfinite(box).mean() < 0.5
        np.testing.assert_allclose(depth, np.minimum(box, room), rtol=1e-5)


def test_a_ball_is_as_exact_as_its_facets() -> None:
    centre = np.array([0.1, 0.2, 0.8])
    proxy = DepthProxy((ProxyPart("ball", "ellipsoid", centre, np.zeros(3), np.ones(3)),))
    (camera,) = ring_of_cameras(1, 128)
    depth = proxy_depth(*proxy.mesh(), camera)
    exact = ball_entry(*rays(camera), centre, 0.5)
    both = (depth > 0) & np.isfinite(exact)
    assert (both == np.isfinite(exact)).mean() > 0.998
    assert not (depth[~np.isfinite(exact)] > 0).any(), "facets lie inside"
    assert np.abs(depth - exact)[both].mean() < 0.003


def test_walls_hide_what_is_behind_them_and_cameras_look_into_a_room_through_its_wall() -> None:
    (camera,) = ring_of_cameras(1, 48, radius=6.0)
    behind = DepthProxy((ProxyPart("far", "box", np.array([-6.0, 0.0, 1.0]), np.zeros(3), np.full(3, 1.0)),))
    room = room_depth(camera, ROOM)
    np.testing.assert_array_equal(proxy_depth(*behind.mesh(), camera, room), room)
    origin, directions = rays(camera)
    assert origin[0] > ROOM[1, 0]
    inside = origin + directions * (room[..., None] - 1e-3)
    seen = room > 0
    assert seen.any()
    assert ((inside >= ROOM[0] - 1e-4) & (inside <= ROOM[1] + 1e-4)).all(axis=-1)[seen].all()


def test_rays_along_a_wall_end_at_the_next() -> None:
    """The camera looks along x with an axis of its rays exactly zero, of either sign."""
    for sign in (1.0, -1.0):
        turn = np.eye(4)
        turn[:3, :3] = np.array([[0, 0, -1], [-sign, 0, 0], [0, sign, 0]])
        turn[:3, 3] = [0.0, 0.0, 1.0]
        camera = Camera(turn, 10.0, 10.0, 5.5, 5.5, 11, 11)
        assert room_depth(camera, ROOM)[5, 5] == pytest.approx(4.0)


def test_the_boundary_behind_a_subject_comes_from_the_planes_and_the_rest_from_the_scene() -> None:
    (camera,) = ring_of_cameras(1, 32)
    scene = np.full((32, 32), 3.0, np.float32)
    scene[:2] = 0.0
    subject = np.zeros((32, 32), bool)
    subject[10:20, 12:18] = True
    scene[subject] = 2.0
    room = room_depth(camera, BOUNDS)
    found = boundary_depth(camera, BOUNDS, scene, subject, margin=2.0)
    np.testing.assert_array_equal(found[8:22, 10:20][1:-1, 1:-1], room[9:21, 11:19])
    np.testing.assert_array_equal(found[:2], room[:2])
    assert (found[25:] == 3.0).all()
    np.testing.assert_array_equal(boundary_depth(camera, BOUNDS), room)
    assert not boundary_depth(camera, None, scene, subject)[subject].any()


def test_pictures_follow_the_annotators() -> None:
    """Against the formulas of ControlNet's annotators, written down anew."""
    depth = np.random.default_rng(0).uniform(1.0, 6.0, (40, 50)).astype(np.float32)
    low, high = np.percentile(depth, 2), np.percentile(depth, 85)
    zoe = ((1 - (depth - low) / (high - low)) * 255).clip(0, 255).astype(int)
    inverse = 1 / depth
    midas = ((inverse - inverse.min()) / (inverse.max() - inverse.min()) * 255).clip(0, 255).astype(int)
    for style, expected in (("zoe", zoe), ("midas", midas)):
        image = depth_control_image(depth, style)  # type: ignore[arg-type]
        assert image.dtype == np.uint8
        assert (image == image[..., :1]).all()
        assert np.abs(image[..., 0].astype(int) - expected).max() <= 1
        holed = depth.copy()
        holed[5:8] = 0.0
        assert not depth_control_image(holed, style)[5:8].any()  # type: ignore[arg-type]
        nearest = np.unravel_index(np.argmin(depth), depth.shape)
        assert image[nearest].tolist() == [255] * 3
    assert not depth_control_image(np.zeros((3, 4))).any()
    assert (depth_control_image(np.full((3, 4), 2.0)) == 255).all()


@pytest.mark.slow
def test_24_views_of_512_pixels_take_under_two_seconds() -> None:
    """Of processor time, since the machine may be busy with other things; measured: 0.6 s."""
    parts = [ProxyPart(str(n), "box", np.array([0.3 * n, 0, 0.5]), np.zeros(3), np.ones(3)) for n in range(6)]
    parts += [
        ProxyPart(str(n), "ellipsoid", np.array([0, 0.2 * n, 1.0]), np.zeros(3), np.ones(3)) for n in range(6, 10)
    ]
    mesh = DepthProxy(tuple(parts)).mesh()
    began = time.process_time()
    for camera in ring_of_cameras(24, 512):
        depth_control_image(proxy_depth(*mesh, camera, room_depth(camera, ROOM)))
    assert time.process_time() - began < 2.0
