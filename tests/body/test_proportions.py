from __future__ import annotations

import numpy as np
import pytest

from qnerf_core.body.model import BodyModel
from qnerf_core.body.pose import PROPORTIONS, SMPL_JOINTS, BodyPose
from qnerf_core.body.surface import BodySurface

_BONES = {
    "thighs": ("left_hip", "left_knee"),
    "shins": ("right_knee", "right_ankle"),
    "upper_arms": ("left_shoulder", "left_elbow"),
    "forearms": ("right_elbow", "right_wrist"),
    "torso": ("spine1", "spine3"),
    "neck": ("neck", "head"),
}


@pytest.fixture(scope="module")
def body() -> BodySurface:
    return BodySurface.load()


def _toy(**factors: float) -> np.ndarray:
    return np.array([factors.get(name, 1.0) for name in PROPORTIONS])


def _length(joints: np.ndarray, bone: tuple[str, str]) -> float:
    first, second = (joints[SMPL_JOINTS.index(name)] for name in bone)
    return float(np.linalg.norm(second - first))


@pytest.mark.parametrize("part", list(_BONES))
def test_a_factor_lengthens_its_own_bone_only(body: BodySurface, part: str) -> None:
    usual, toy = (body.joints(BodyPose.rest().replaced(proportions=_toy(**{part: f}))) for f in (1.0, 1.5))
    for name, bone in _BONES.items():
        ratio = _length(toy, bone) / _length(usual, bone)
        assert ratio == pytest.approx(1.5 if name == part else 1.0, abs=0.06)


def test_size_scales_the_whole_body(body: BodySurface) -> None:
    pose = BodyPose.rest()
    small = pose.replaced(proportions=_toy(size=0.25))
    np.testing.assert_allclose(np.ptp(body.vertices(small), axis=0), 0.25 * np.ptp(body.vertices(pose), axis=0), 1e-4)
    np.testing.assert_allclose(np.ptp(body.joints(small), axis=0), 0.25 * np.ptp(body.joints(pose), axis=0), 1e-9)


def test_vertices_follow_the_joints_they_hang_on(body: BodySurface) -> None:
    proportions = _toy(thighs=0.5, head=2.0, hands=1.7, size=1.3)
    usual, toy = body.rest_vertices(np.zeros(10)), body.rest_vertices(np.zeros(10), proportions)
    joints, moved = body.rest_joints(np.zeros(10)), body.rest_joints(np.zeros(10), proportions)
    for joint, factors in (("head", (2.0, 2.0, 2.0)), ("left_hip", (1.0, 0.5, 1.0)), ("right_elbow", (1.0, 1.0, 1.0))):
        index = SMPL_JOINTS.index(joint)
        own = body.weights[:, index] > 0.99
        expected = (usual[own] - joints[index]) * np.array(factors) * 1.3
        np.testing.assert_allclose(toy[own] - moved[index], expected, atol=5e-3)


def test_the_reference_is_scaled_too() -> None:
    model = BodyModel.load()
    pose = BodyPose.rest().replaced(proportions=_toy(size=2.0))
    vertices = model(pose).vertices
    assert np.ptp(vertices[:, 2]) == pytest.approx(2 * np.ptp(model(BodyPose.rest()).vertices[:, 2]), rel=1e-4)


def test_proportions_are_above_zero() -> None:
    with pytest.raises(ValueError, match="above 0"):
        BodyPose.rest().replaced(proportions=_toy(neck=0.0))
