from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from qnerf_core.body.mirror import copy_side, mirror_pose
from qnerf_core.body.pose import SMPL_JOINTS, UPRIGHT_FACING_CAMERA, BodyPose, forward_kinematics


def random_pose(seed: int) -> BodyPose:
    generator = np.random.default_rng(seed)
    heading = Rotation.from_rotvec([0, 0, generator.uniform(-3, 3)])
    lean = Rotation.from_rotvec(generator.normal(0, 0.7, 3))
    orient = (heading * lean * Rotation.from_rotvec(UPRIGHT_FACING_CAMERA)).as_rotvec()
    return BodyPose(orient, generator.normal(0, 0.8, (23, 3)), generator.normal(size=10), generator.normal(size=3))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_mirroring_twice_changes_nothing(seed: int) -> None:
    pose = random_pose(seed)
    twice = mirror_pose(mirror_pose(pose))
    assert np.array_equal(twice.body_pose, pose.body_pose)
    assert np.abs(twice.rotations[0] - pose.rotations[0]).max() < 1e-12
    assert np.array_equal(twice.translation, pose.translation)
    assert np.array_equal(twice.betas, pose.betas)


def test_positions_are_those_in_a_mirror() -> None:
    generator = np.random.default_rng(0)
    partner = [SMPL_JOINTS.index(_swap(name)) for name in SMPL_JOINTS]
    rest = generator.normal(size=(24, 3))
    rest = 0.5 * (rest + rest[partner] * (-1, 1, 1))
    pose = random_pose(4)
    lean = Rotation.from_rotvec([0.3, 0.4, 0.0])
    pose = pose.replaced(
        global_orient=(lean * Rotation.from_rotvec(UPRIGHT_FACING_CAMERA)).as_rotvec(), translation=np.zeros(3)
    )
    mirrored = forward_kinematics(rest, mirror_pose(pose))[0]
    assert np.abs(mirrored - forward_kinematics(rest, pose)[0][partner] * (-1, 1, 1)).max() < 1e-12


def test_heading_is_kept() -> None:
    heading = Rotation.from_rotvec([0, 0, 1.2])
    orient = (heading * Rotation.from_rotvec(UPRIGHT_FACING_CAMERA)).as_rotvec()
    pose = random_pose(1).replaced(global_orient=orient)
    assert np.abs(mirror_pose(pose).rotations[0] - pose.rotations[0]).max() < 1e-12


@pytest.mark.parametrize(("source", "other"), [("left", "right"), ("right", "left")])
def test_copying_a_side(source: str, other: str) -> None:
    pose = random_pose(2)
    copied = copy_side(pose, source)  # type: ignore[arg-type] # parametrised
    mirrored = mirror_pose(pose)
    for row, name in enumerate(SMPL_JOINTS[1:]):
        expected = mirrored.body_pose[row] if name.startswith(other) else pose.body_pose[row]
        assert np.array_equal(copied.body_pose[row], expected)
    assert np.array_equal(copy_side(copied, source).body_pose, copied.body_pose)  # type: ignore[arg-type] # parametrised


def test_unknown_side_is_refused() -> None:
    with pytest.raises(ValueError, match="side"):
        copy_side(BodyPose.rest(), "top")  # type: ignore[arg-type] # meant to fail


def _swap(name: str) -> str:
    return name.replace("left_", "?").replace("right_", "left_").replace("?", "right_")
