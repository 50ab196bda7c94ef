from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qnerf_core.scene.camera import Camera
from tests.scene.captures import look_at, ring_camera

angles = st.floats(0.0, 6.28)
offsets = st.floats(-0.7, 0.7)


def test_conventions_by_hand() -> None:
    camera = Camera(np.eye(4), 100.0, 50.0, 32.0, 24.0, 64, 48)
    pixels, depth = camera.project(np.array([[0.0, 0.0, -2.0], [0.2, 0.0, -2.0], [0.0, 0.2, -2.0], [0.0, 0.0, 2.0]]))
    np.testing.assert_allclose(pixels[:3], [[32, 24], [42, 24], [32, 19]])
    assert np.isnan(pixels[3]).all()
    np.testing.assert_allclose(depth, [2, 2, 2, -2])
    np.testing.assert_array_equal(camera.forward, [0, 0, -1])


@given(angles, offsets, offsets, st.floats(0.1, 2.0))
def test_project_unproject_round_trip(angle: float, x: float, y: float, z: float) -> None:
    camera = ring_camera(angle)
    point = np.array([x, y, z])
    pixel, depth = camera.project(point)
    np.testing.assert_allclose(camera.unproject(pixel, depth), point, atol=1e-9)
    direction = point - camera.position
    assert depth == pytest.approx(direction @ camera.forward)


@given(angles, st.integers(3, 200), st.integers(3, 200))
def test_scaled_keeps_what_is_seen(angle: float, width: int, height: int) -> None:
    camera = ring_camera(angle)
    scaled = camera.scaled(width, height)
    points = np.random.default_rng(1).uniform(-0.5, 0.5, (20, 3)) + [0, 0, 1]
    pixels, depth = camera.project(points)
    scaled_pixels, scaled_depth = scaled.project(points)
    size = np.array([width / camera.width, height / camera.height])
    np.testing.assert_allclose(scaled_pixels, pixels * size, atol=1e-9)
    np.testing.assert_allclose(scaled_depth, depth)
    back = scaled.scaled(camera.width, camera.height)
    np.testing.assert_allclose([back.fx, back.fy, back.cx, back.cy], [camera.fx, camera.fy, camera.cx, camera.cy])


def test_rays_go_through_pixel_centres() -> None:
    camera = ring_camera(0.7)
    origins, directions = camera.rays()
    assert origins.shape == directions.shape == (camera.height, camera.width, 3)
    assert origins.dtype == directions.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(directions, axis=-1), 1.0, atol=1e-6)
    pixels, _ = camera.project(origins + 2.0 * directions.astype(np.float64))
    np.testing.assert_allclose(pixels[5, 9], [9.5, 5.5], atol=1e-4)
    np.testing.assert_allclose(pixels[-1, -1], [camera.width - 0.5, camera.height - 0.5], atol=1e-4)


def test_world_to_camera_inverts_and_the_matrix_cannot_be_changed() -> None:
    matrix = look_at((1.0, 2.0, 3.0))
    camera = Camera(matrix, 1.0, 1.0, 1.0, 1.0, 2, 2)
    np.testing.assert_allclose(camera.world_to_camera @ matrix, np.eye(4), atol=1e-12)
    matrix[0, 3] = 9.0
    np.testing.assert_allclose(camera.position, [1, 2, 3])
    with pytest.raises(ValueError, match="read-only"):
        camera.camera_to_world[0, 0] = 5.0
    with pytest.raises(ValueError, match="4x4"):
        Camera(np.eye(3), 1.0, 1.0, 1.0, 1.0, 2, 2)
