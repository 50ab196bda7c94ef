from __future__ import annotations

import numpy as np
import pytest

from qnerf_core.control.body_depth import edited_depth, rasterise_depth
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


def test_what_the_figure_hid_and_the_band_around_the_target_are_not_known() -> None:
    scene = np.full((20, 30), 5.0, dtype=np.float32)
    scene[0] = 0.0
    figure = np.zeros((20, 30), dtype=bool)
    figure[5:15, 3:8] = True
    target = np.zeros((20, 30), dtype=np.float32)
    target[5:15, 15:25] = 2.0
    depth, valid = edited_depth(target, scene, figure, uncertain_band=2.0)
    assert depth[10, 20] == 2.0
    assert depth[10, 1] == 5.0
    assert valid[10, 20]
    assert valid[10, 1]
    assert not valid[0].any(), "the source does not know"
    assert not valid[figure].any(), "what it hid was never seen"
    assert not valid[5:15, [13, 14, 25, 26]].any(), "two pixels around the silhouette"
    assert valid[10, [12, 15, 24, 27]].all()


def test_without_a_body_in_sight_the_scene_remains() -> None:
    scene = np.full((4, 5), 3.0, dtype=np.float32)
    depth, valid = edited_depth(np.zeros_like(scene), scene, np.zeros((4, 5), dtype=bool), 4.0)
    np.testing.assert_array_equal(depth, scene)
    assert valid.all()
