from __future__ import annotations

import numpy as np
import pytest

from qnerf_core.editing.shadow import MovedShadow
from qnerf_core.editing.subject import surface_points
from qnerf_core.proxy.model import DepthProxy, ProxyPart
from qnerf_core.scene.camera import Camera
from tests.synthetic_capture import ring_of_cameras

SIZE = 128
BEFORE, AFTER = (0.4, 0.0), (-0.3, -0.3)
SIDE, HEIGHT = 0.4, 1.0
LIGHTS = ((np.array([0.5, 0.3, 0.81]), 0.45), (np.array([-0.6, 0.1, 0.79]), 0.2))


def points_of_box(place: tuple[float, float]) -> np.ndarray:
    part = ProxyPart("box", "box", np.array([*place, HEIGHT / 2]), np.zeros(3), np.array([SIDE, SIDE, HEIGHT]))
    return surface_points(DepthProxy((part,)).mesh(), 20000)


def crossed(origins: np.ndarray, directions: np.ndarray, place: tuple[float, float]) -> np.ndarray:
    """Whether rays (N, 3) meet the box."""
    low = np.array([*(np.array(place) - SIDE / 2), 0.0])
    high = np.array([*(np.array(place) + SIDE / 2), HEIGHT])
    with np.errstate(divide="ignore", invalid="ignore"):
        ends = np.stack([(low - origins) / directions, (high - origins) / directions])
    first, last = np.nanmax(ends.min(axis=0), axis=-1), np.nanmin(ends.max(axis=0), axis=-1)
    return (last > np.maximum(first, 1e-6)) & (last > 0)


Lights = tuple[tuple[np.ndarray, float], ...]


class Photo:
    """The ground around the box, its shadows computed by rays."""

    def __init__(
        self, camera: Camera, place: tuple[float, float], lights: tuple[tuple[np.ndarray, float], ...]
    ) -> None:
        origins, directions = (part.astype(np.float64).reshape(-1, 3) for part in camera.rays())
        with np.errstate(divide="ignore"):
            distance = np.where(directions[:, 2] < -1e-3, -origins[:, 2] / directions[:, 2], 0.0)
        ground = origins + distance[:, None] * directions
        left = np.ones(len(ground))
        pattern = 0.5 + 0.1 * np.sin(9 * ground[:, 0]) * np.sin(11 * ground[:, 1])
        for direction, share in lights:
            left -= share * crossed(ground, np.broadcast_to(direction, ground.shape), place)
        shape = (camera.height, camera.width)
        self.image = np.repeat((pattern * left).reshape(*shape, 1), 3, axis=2) ** (1 / 2.2)
        self.covered = crossed(origins, directions, place).reshape(shape)
        self.depth = (distance * (directions @ camera.forward)).reshape(shape)


def shadow_of(photos: list[Photo], cameras: list[Camera], known: bool = True) -> MovedShadow | None:
    return MovedShadow.found(
        points_of_box(BEFORE),
        points_of_box(AFTER),
        cameras,
        [photo.image for photo in photos],
        [photo.covered for photo in photos],
        [photo.depth * known for photo in photos],
    )


def test_a_shadow_falls_where_the_subject_moves_and_is_lifted_where_it_was() -> None:
    cameras = ring_of_cameras(6, SIZE)
    shown, truth = ([Photo(camera, place, LIGHTS) for camera in cameras] for place in (BEFORE, AFTER))
    shadow = shadow_of(shown, cameras)
    assert shadow is not None
    assert shadow.level == pytest.approx(0.0, abs=0.02)
    left, unmoved = [], []
    for camera, before, after in zip(cameras, shown, truth, strict=True):
        ground = (before.depth > 0) & (before.depth < 5) & ~before.covered & ~after.covered
        made = before.image * shadow.seen_from(camera, before.depth)[0][..., None]
        left.append(np.square(made - after.image)[ground].mean())
        unmoved.append(np.square(before.image - after.image)[ground].mean())
    assert np.mean(left) < 0.2 * np.mean(unmoved)


def test_ground_that_no_shadow_darkens_stays_as_it_is() -> None:
    cameras = ring_of_cameras(6, SIZE)
    shadow = shadow_of([Photo(camera, BEFORE, ()) for camera in cameras], cameras)
    assert shadow is not None
    assert np.quantile(np.abs(np.log(shadow.lights)), 0.98) < 0.1


def test_without_ground_or_subject_there_is_no_shadow() -> None:
    cameras = ring_of_cameras(2, SIZE)
    photos = [Photo(camera, BEFORE, LIGHTS) for camera in cameras]
    assert shadow_of(photos, cameras, known=False) is None
    gone = np.full((5, 3), np.nan)
    one = np.zeros((1, 3))
    lists = ([photo.image for photo in photos], [photo.covered for photo in photos], [photo.depth for photo in photos])
    assert MovedShadow.found(points_of_box(BEFORE), gone, cameras, *lists) is None
    assert MovedShadow.found(one, one, cameras, *lists) is None


def test_black_ground_stays_black() -> None:
    cameras = ring_of_cameras(2, SIZE)
    photos = [Photo(camera, BEFORE, LIGHTS) for camera in cameras]
    boxes, depths = (points_of_box(BEFORE), points_of_box(AFTER)), [photo.depth for photo in photos]
    black = [np.zeros_like(photo.image) for photo in photos]
    shadow = MovedShadow.found(*boxes, cameras, black, [photo.covered for photo in photos], depths)
    assert shadow is not None
    assert np.array_equal(shadow.lights, np.ones_like(shadow.lights))
