from __future__ import annotations

import numpy as np
import pytest

from qnerf_core.control.raster import rasterise_depth, rasterise_values
from qnerf_core.scene.camera import Camera


def camera_above(width: int = 40, height: int = 30) -> Camera:
    """At 3 m height, looking down: camera x is world x, up in the picture is world y."""
    matrix = np.eye(4)
    matrix[2, 3] = 3.0
    return Camera(matrix, 30.0, 30.0, width / 2, height / 2, width, height)


def test_a_slanted_triangle_has_the_depth_of_its_plane_where_rays_meet_it() -> None:
    camera = camera_above()
    corners = np.array([[-1.0, -0.8, 0.0], [1.1, -0.6, 1.0], [0.1, 1.0, 0.5]])
    depth = rasterise_depth(corners, np.array([[0, 1, 2]]), camera)
    origins, directions = (part.astype(np.float64) for part in camera.rays())
    normal = np.cross(corners[1] - corners[0], corners[2] - corners[0])
    distance = ((corners[0] - origins) @ normal) / (directions @ normal)
    points = origins + distance[..., None] * directions
    sides = [np.cross(corners[(i + 1) % 3] - corners[i], points - corners[i]) @ normal >= 0 for i in range(3)]
    expected = np.where(np.logical_and.reduce(sides), 3.0 - points[..., 2], 0.0)
    assert 100 < (expected > 0).sum() < 1000
    np.testing.assert_allclose(depth, expected, atol=1e-5)


def test_the_nearer_surface_wins_whatever_the_order() -> None:
    quad = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], dtype=np.float64)
    small = quad * 0.3 + [0, 0, 1.5]
    vertices = np.concatenate([quad, small])
    faces = np.array([[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]])
    depth = rasterise_depth(vertices, faces, camera_above())
    np.testing.assert_array_equal(depth, rasterise_depth(vertices, faces[::-1], camera_above()))
    assert depth[15, 20] == pytest.approx(1.5)
    assert depth[15, 11] == pytest.approx(3.0)
    assert depth[0, 0] == 0.0


def test_a_fine_mesh_has_no_holes_and_big_and_small_triangles_agree() -> None:
    side = np.linspace(-1.0, 1.0, 60)
    grid = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
    vertices = np.concatenate([grid, 0.3 * grid[:, :1]], axis=1)
    index = np.arange(3600).reshape(60, 60)
    a, b, c, d = (part.ravel() for part in (index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]))
    fine = rasterise_depth(vertices, np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)]), camera_above())
    ends = vertices[[0, 59, 3599, 3540]]
    coarse = rasterise_depth(ends, np.array([[0, 1, 2], [0, 2, 3]]), camera_above())
    np.testing.assert_allclose(fine, coarse, atol=1e-4)


def test_nothing_behind_or_beside_the_camera_is_drawn() -> None:
    behind = np.array([[-1.0, -1.0, 4.0], [1.0, -1.0, 4.0], [0.0, 1.0, 4.0]])
    beside = behind + [50.0, 0.0, -4.0]
    for corners in (behind, beside):
        assert not rasterise_depth(corners, np.array([[0, 1, 2]]), camera_above()).any()


def test_a_floor_that_reaches_behind_the_camera_is_cut_off_there() -> None:
    """The analytic reference is the plane itself."""
    matrix = np.eye(4)
    matrix[:3, :3] = [[1, 0, 0], [0, 0, -1], [0, 1, 0]]
    matrix[:3, 3] = [0.3, -0.2, 1.5]
    camera = Camera(matrix, 60.0, 55.0, 31.0, 20.0, 64, 48)
    corners = np.array([[-40.0, -30.0, 0.0], [40.0, -30.0, 0.0], [40.0, 50.0, 0.0], [-40.0, 50.0, 0.0]])
    depth = rasterise_depth(corners, np.array([[0, 1, 2], [0, 2, 3]]), camera)
    below = np.arange(48) + 0.5 - camera.cy
    with np.errstate(divide="ignore"):
        expected = np.where(below > 0, 1.5 * camera.fy / below, 0.0)
    rows = np.flatnonzero((expected > 0) & (expected < 40))
    assert len(rows) > 20
    np.testing.assert_allclose(depth[rows], np.repeat(expected[rows, None], 64, 1), rtol=1e-5)
    assert not depth[below < 0].any()


def test_edges_through_pixel_centres_leave_no_crack() -> None:
    """Every triangle of a fan around a pixel's centre, with edges along rows, columns and diagonals of centres."""
    camera = camera_above(64, 64)
    steps = np.array([[1, 0], [1, 1], [0, 1], [-1, 1], [-1, 0], [-1, -1], [0, -1], [1, -1]])
    ring = np.concatenate([steps * 20 + 32.5, steps * 7 + 32.5])
    middle = np.array([[32.5, 32.5]])
    vertices = camera.unproject(np.concatenate([middle, ring]), np.full(17, 2.0))
    following = (np.arange(8) + 1) % 8
    inner = np.stack([np.zeros(8, int), 9 + np.arange(8), 9 + following], axis=1)
    outer = np.concatenate(
        [
            np.stack([1 + np.arange(8), 1 + following, 9 + np.arange(8)], axis=1),
            np.stack([9 + np.arange(8), 1 + following, 9 + following], axis=1),
        ]
    )
    depth = rasterise_depth(vertices, np.concatenate([inner, outer]), camera)
    np.testing.assert_allclose(depth[13:52, 13:52], 2.0, rtol=1e-6)


def test_a_picture_larger_than_a_chunk_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    quad = np.array([[-9, -9, 0], [9, -9, 0], [9, 9, 0], [-9, 9, 0]], dtype=np.float64)
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    monkeypatch.setattr("qnerf_core.scene.spans._CHUNK", 100)
    np.testing.assert_allclose(rasterise_depth(quad, faces, camera_above()), 3.0, rtol=1e-6)


def test_values_are_those_of_the_surface_that_is_seen() -> None:
    camera = camera_above()
    slanted = np.array([[-1.0, -0.8, 0.0], [1.1, -0.6, 1.0], [0.1, 1.0, 0.5]])
    # One below it, and one that begins behind the camera.
    vertices = np.concatenate(
        [slanted, slanted - [0.0, 0.0, 0.7], [[0.2, -0.3, 4.0], [0.4, -0.3, 1.0], [0.3, 0.5, 1.0]]]
    )
    faces = np.arange(9).reshape(3, 3)
    places = rasterise_values(vertices, faces, vertices, camera)
    depth = rasterise_depth(vertices, faces, camera)
    assert np.array_equal(np.isnan(places).any(axis=2), depth == 0)
    rows, columns = np.nonzero(depth)
    seen = camera.unproject(np.stack([columns, rows], axis=-1) + 0.5, depth[rows, columns])
    assert len(rows) > 300
    assert len(np.unique(places[rows, columns, 2] > 1.01)) == 2, "the cut one is seen, too"
    np.testing.assert_allclose(places[rows, columns], seen, atol=1e-5)
