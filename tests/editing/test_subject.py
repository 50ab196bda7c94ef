from __future__ import annotations

import numpy as np
import pytest
import trimesh

from qnerf_core import assets
from qnerf_core.body.model import BodyModel
from qnerf_core.body.pose import BodyPose
from qnerf_core.body.pose_file import read_pose
from qnerf_core.control.loose_depth import depth_control_image, over_boundary
from qnerf_core.control.openpose import skeleton_image
from qnerf_core.control.raster import rasterise_depth
from qnerf_core.editing.spec import ControlSettings
from qnerf_core.editing.subject import Subject, surface_points
from tests.synthetic_capture import AFTER, BEFORE, proxy_of, ray_trace, ring_of_cameras


def standing() -> BodyPose:
    return read_pose(assets.poses_folder() / "stand.json")


def test_points_spread_evenly_over_the_surface_whatever_its_triangles() -> None:
    coarse = trimesh.creation.box((2.0, 1.0, 1.0))
    right = np.flatnonzero(coarse.triangles_center[:, 0] > 0)
    fine = coarse.subdivide(face_index=right).subdivide(face_index=right)
    for mesh in (coarse, fine):
        points = surface_points((np.asarray(mesh.vertices), np.asarray(mesh.faces)), 2000)
        _, distance, _ = trimesh.proximity.closest_point_naive(mesh, points[::20])
        assert distance.max() < 1e-9
        np.testing.assert_allclose(
            points.mean(axis=0), mesh.triangles_center.T @ mesh.area_faces / mesh.area, atol=0.03
        )
        corner = (points[:, 0] > mesh.bounds[1, 0] - 1e-9).mean()
        assert corner == pytest.approx(1.0 / mesh.area, rel=0.1), "the share of one end"
    assert surface_points((np.zeros((0, 3)), np.zeros((0, 3), int)), 10).shape == (0, 3)


def test_a_proxy_is_shown_as_depth_and_a_body_as_a_skeleton() -> None:
    (camera,) = ring_of_cameras(1, 64)
    settings = ControlSettings(depth_style="midas")
    boundary = ray_trace(camera, BEFORE, figure=False).depth
    loose = Subject.of(proxy_of(BEFORE), proxy_of(AFTER), None)
    target = rasterise_depth(*loose.target, camera)
    np.testing.assert_allclose(target[target > 0], ray_trace(camera, AFTER).depth[target > 0], atol=0.02)
    expected = depth_control_image(over_boundary(target, boundary), "midas")
    np.testing.assert_array_equal(loose.control_image(camera, target, boundary, settings), expected)
    body = BodyModel.load()
    pose = standing()
    posed = Subject.of(pose, pose, body)
    drawn = posed.control_image(camera, target, boundary, settings)
    np.testing.assert_array_equal(drawn, skeleton_image(body(pose).keypoints, camera, settings.style))


def test_what_the_pictures_show_is_drawn_like_the_target() -> None:
    (camera,) = ring_of_cameras(1, 64)
    settings, nothing = ControlSettings(), np.zeros((64, 64))
    body, pose = BodyModel.load(), standing()
    moved = pose.replaced(translation=pose.translation + np.array([0.3, 0.0, 0.0]))
    posed = Subject.of(pose, moved, body)
    for before, state in ((True, pose), (False, moved)):
        drawn = posed.control_image(camera, nothing, nothing, settings, before=before)
        np.testing.assert_array_equal(drawn, skeleton_image(body(state).keypoints, camera, settings.style))


def test_poses_and_proxies_do_not_mix() -> None:
    with pytest.raises(TypeError, match="both"):
        Subject.of(standing(), proxy_of(AFTER), BodyModel.load())
    with pytest.raises(TypeError, match="both"):
        Subject.of(standing(), standing(), None)
