from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from qnerf_core.body.limits import (
    LOWER,
    TWIST_AXIS,
    UPPER,
    clamp_to_limits,
    from_swing_twist,
    limit_violation,
    swing_twist,
)
from qnerf_core.body.mirror import mirror_pose
from qnerf_core.body.pose import SMPL_JOINTS, BodyPose


def random_pose(seed: int, scale: float) -> BodyPose:
    return BodyPose.rest().replaced(body_pose=np.random.default_rng(seed).normal(0, scale, (23, 3)))


def posed(**degrees: tuple[float, float, float]) -> BodyPose:
    coordinates = np.zeros((23, 3))
    for name, angles in degrees.items():
        coordinates[SMPL_JOINTS.index(name) - 1] = np.radians(angles)
    return BodyPose.rest().replaced(body_pose=from_swing_twist(coordinates))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.floats(0.01, 3.0))
def test_clamping_is_idempotent_and_reaches_the_limits(seed: int, scale: float) -> None:
    once = clamp_to_limits(random_pose(seed, scale))
    assert limit_violation(once).max() < 1e-9
    assert np.abs(clamp_to_limits(once).body_pose - once.body_pose).max() < 1e-9


def test_a_pose_inside_is_untouched() -> None:
    pose = posed(left_elbow=(0, -90, 0), right_knee=(100, 0, 0), left_shoulder=(20, -60, -40))
    assert np.array_equal(clamp_to_limits(pose).body_pose, pose.body_pose)
    assert limit_violation(pose).max() == 0.0


def test_joints_bend_the_way_people_do() -> None:
    natural = posed(left_elbow=(0, -120, 0), right_elbow=(0, 120, 0), left_knee=(120, 0, 0), left_hip=(-100, 0, 0))
    broken = posed(left_elbow=(0, 40, 0), right_elbow=(0, -40, 0), left_knee=(-40, 0, 0), left_hip=(70, 0, 0))
    assert limit_violation(natural).max() == 0.0
    violated = {SMPL_JOINTS[row + 1] for row in np.flatnonzero(limit_violation(broken) > 0)}
    assert violated == {"left_elbow", "right_elbow", "left_knee", "left_hip"}


def test_right_limits_mirror_the_left() -> None:
    pose = random_pose(3, 1.0)
    mirrored_first = clamp_to_limits(mirror_pose(pose))
    mirrored_last = mirror_pose(clamp_to_limits(pose))
    assert np.abs(mirrored_first.body_pose - mirrored_last.body_pose).max() < 1e-9


def test_table_is_sound() -> None:
    assert (LOWER < 0).all()
    assert (UPPER > 0).all()
    # A swing of half a turn has no twist: the box must stay clear of it, or clamping would not be idempotent.
    corner = np.maximum(-LOWER, UPPER)
    corner[np.arange(23), TWIST_AXIS] = 0.0
    assert np.degrees(np.linalg.norm(corner, axis=1)).max() < 175
    assert np.abs(swing_twist(from_swing_twist(UPPER)) - UPPER).max() < 1e-9
    assert np.abs(swing_twist(from_swing_twist(LOWER)) - LOWER).max() < 1e-9
