from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qnerf_core.body.body_vector import BodyVectors
from qnerf_core.body.fitting import BodyFit, FitSettings, fit_body, refine_body
from qnerf_core.body.fitting_start import PARTNER
from qnerf_core.body.keypoints import KEYPOINTS, Keypoints
from qnerf_core.body.limits import LOWER, UPPER, clamp_to_limits, from_swing_twist, limit_violation
from qnerf_core.body.pose import PROPORTIONS, BodyPose
from qnerf_core.body.pose_prior import MEAN, WIDTH
from qnerf_core.body.silhouettes import Silhouettes
from qnerf_core.body.surface import BodySurface
from qnerf_core.control.raster import rasterise_depth
from qnerf_core.errors import Cancelled, KeypointsError
from qnerf_core.scene.scene import Scene
from tests.body.seen_body import only, places, ring, seen


@pytest.fixture(scope="module")
def body() -> BodySurface:
    return BodySurface.load()


@pytest.fixture(scope="module")
def pose(body: BodySurface) -> BodyPose:
    angles = from_swing_twist(MEAN + WIDTH * np.random.default_rng(5).normal(0, 0.6, (23, 3)))
    bent = clamp_to_limits(BodyPose.rest().replaced(body_pose=angles, betas=np.array([0.8, -0.5] + [0.0] * 8)))
    return body.on_floor(bent.replaced(global_orient=np.array([1.2, 1.2, 1.4])))


@pytest.fixture(scope="module")
def scene(body: BodySurface, pose: BodyPose) -> Scene:
    return ring(8, places(body, pose).mean(axis=0))


def _off(body: BodySurface, fit: BodyFit, pose: BodyPose) -> np.ndarray:
    """(24,) centimetres."""
    return 100 * np.linalg.norm(body.joints(fit.pose) - body.joints(pose), axis=1)


def test_noise_and_wrong_looks_leave_the_joints_within_two_centimetres(
    body: BodySurface, pose: BodyPose, scene: Scene
) -> None:
    keypoints = seen(scene, places(body, pose), noise=2.0, wrong=0.2, seed=3)
    fit = fit_body(keypoints, scene, body)
    assert _off(body, fit, pose).mean() < 2.0
    assert fit.in_metres
    assert not fit.mirrored
    assert np.array_equal(fit.pose.proportions, np.ones(12))
    assert limit_violation(fit.pose).max() < 1e-9
    truly_off = [
        np.linalg.norm(scene.view(one.view).camera.project(places(body, pose)[KEYPOINTS.index(one.keypoint)])[0] - xy)
        for one, xy in ((one, (one.x, one.y)) for one in keypoints)
    ]
    told = np.array([one.outlier for one in fit.residuals])
    assert told[np.array(truly_off) > 15].mean() > 0.95
    assert told[np.array(truly_off) < 3].mean() < 0.05
    # It knows how well it knows: about two joints of three are within one deviation, nearly none beyond four.
    assert 0.3 < fit.joint_deviations.mean() / (0.01 * _off(body, fit, pose).mean()) < 3
    assert fit.error == pytest.approx(2 * np.sqrt(2), rel=0.25)


def test_exact_looks_give_the_exact_joints(body: BodySurface, pose: BodyPose, scene: Scene) -> None:
    fit = fit_body(seen(scene, places(body, pose)), scene, body, FitSettings(noise=1e-4))
    joints = [7, 8, 4, 5, 18, 19, 20, 21]
    assert _off(body, fit, pose)[joints].max() < 0.2


def test_exchanged_sides_are_put_right(body: BodySurface, pose: BodyPose, scene: Scene) -> None:
    keypoints = seen(scene, places(body, pose), noise=1.0)
    legs = [index for index, name in enumerate(KEYPOINTS) if name.split("_")[-1] in ("hip", "knee", "ankle", "foot")]
    names = dict(zip(KEYPOINTS, (KEYPOINTS[index] for index in PARTNER), strict=True))
    wrong = {("003", KEYPOINTS[index]) for index in legs}
    exchanged = Keypoints(
        tuple(
            replace(one, keypoint=names[one.keypoint]) if (one.view, one.keypoint) in wrong else one
            for one in keypoints
        )
    )
    fit = fit_body(exchanged, scene, body)
    assert _off(body, fit, pose).mean() < 2.0
    assert {(one.view, one.keypoint) for one in fit.residuals if one.exchanged} == wrong
    everywhere = Keypoints(tuple(replace(one, keypoint=names[one.keypoint]) for one in keypoints))
    fit = fit_body(everywhere, scene, body)
    assert fit.mirrored
    assert all(one.exchanged for one in fit.residuals)
    assert _off(body, fit, pose).mean() < 2.0


def test_a_toy_of_unknown_unit_gets_its_own_proportions(body: BodySurface, pose: BodyPose) -> None:
    factors = {"size": 0.3, "thighs": 0.6, "shins": 0.65, "head": 1.7, "upper_arms": 1.3}
    toy = pose.replaced(proportions=np.array([factors.get(name, 1.0) for name in PROPORTIONS]))
    points = places(body, toy)
    scene = ring(6, points.mean(axis=0), distance=1.0)
    fit = fit_body(seen(scene, points, noise=1.0), scene, body, FitSettings(own_proportions=True))
    plain = fit_body(seen(scene, points, noise=1.0), scene, body)
    assert not fit.in_metres
    # A third of a person: a third of the error.
    assert _off(body, fit, toy).mean() < 0.6
    assert _off(body, fit, toy).mean() < 0.7 * _off(body, plain, toy).mean()
    found = dict(zip(PROPORTIONS, fit.pose.proportions, strict=True))
    assert found["thighs"] / found["upper_arms"] == pytest.approx(0.6 / 1.3, rel=0.2)
    assert found["head"] > 1.3


def test_masks_bring_unseen_limbs_to_their_place(body: BodySurface, pose: BodyPose, scene: Scene) -> None:
    some = only(
        seen(scene.subset(["000", "003"]), places(body, pose), noise=1.0),
        ("left_shoulder", "right_shoulder", "left_hip", "right_hip", "neck", "nose"),
    )
    first = fit_body(some, scene, body)
    vertices = body.vertices(pose)
    cameras = [view.camera for view in scene.views[::2]]
    masks = [rasterise_depth(vertices, body.faces, camera) > 0 for camera in cameras]
    fit = refine_body(first, some, scene, body, Silhouettes(cameras, masks, body))
    assert _off(body, fit, pose).mean() < 0.6 * _off(body, first, pose).mean()


def test_too_little_is_told(body: BodySurface, pose: BodyPose, scene: Scene) -> None:
    keypoints = seen(scene, places(body, pose))
    for few in (Keypoints(), only(keypoints, ("nose", "neck")), Keypoints(keypoints.of_view("000"))):
        with pytest.raises(KeypointsError, match="shoulders") as caught:
            fit_body(few, scene, body)
        assert caught.value.cause


def test_a_fit_stops_when_asked(body: BodySurface, pose: BodyPose, scene: Scene) -> None:
    with pytest.raises(Cancelled):
        fit_body(seen(scene, places(body, pose)), scene, body, cancelled=lambda: True)


def test_the_vector_of_a_pose_is_the_pose(body: BodySurface, pose: BodyPose) -> None:
    toy = pose.replaced(proportions=np.linspace(0.5, 1.5, 12))
    vectors = BodyVectors(body, np.arange(0, 1000, 50))
    vector, base = vectors.vector(toy)
    posed = vectors.posed(vector[None], base)
    np.testing.assert_allclose(posed.joints[0], body.joints(toy), atol=1e-9)
    np.testing.assert_allclose(posed.keypoints[0], places(body, toy), atol=1e-5)
    np.testing.assert_allclose(posed.vertices[0], body.vertices(toy)[np.arange(0, 1000, 50)], atol=1e-5)
    np.testing.assert_allclose(body.joints(vectors.pose(vector, base)), body.joints(toy), atol=1e-9)


def test_the_likely_pose_is_within_the_limits_and_mirrored() -> None:
    assert ((MEAN > LOWER) & (MEAN < UPPER)).all()
    assert (WIDTH > 0).all()
