from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qnerf_core.body.ik import IKSolution, pins_at, solve_ik
from qnerf_core.body.limits import LOWER, UPPER, from_swing_twist, limit_violation
from qnerf_core.body.mirror import mirror_pose
from qnerf_core.body.pose import SMPL_JOINTS, BodyPose, forward_kinematics

# A plain T-pose skeleton of an adult in SMPL's frame: posing needs no body file.
REST_JOINTS = np.array([
    (0, 0.95, 0), (0.09, 0.87, 0), (-0.09, 0.87, 0), (0, 1.06, -0.02), (0.10, 0.48, 0), (-0.10, 0.48, 0),
    (0, 1.20, -0.01), (0.10, 0.09, -0.03), (-0.10, 0.09, -0.03), (0, 1.26, 0.0), (0.12, 0.02, 0.10),
    (-0.12, 0.02, 0.10), (0, 1.48, -0.03), (0.08, 1.39, -0.02), (-0.08, 1.39, -0.02), (0, 1.56, 0.02),
    (0.19, 1.41, -0.03), (-0.19, 1.41, -0.03), (0.45, 1.40, -0.05), (-0.45, 1.40, -0.05), (0.70, 1.41, -0.05),
    (-0.70, 1.41, -0.05), (0.79, 1.40, -0.06), (-0.79, 1.40, -0.06),
])  # fmt: skip
FEET = ("left_ankle", "right_ankle")


def place(pose: BodyPose, joint: str) -> np.ndarray:
    return forward_kinematics(REST_JOINTS, pose)[0][SMPL_JOINTS.index(joint)]


def pose_within_limits(seed: int, share: float) -> BodyPose:
    """Joints anywhere in the middle part of their ranges."""
    uniform = np.random.default_rng(seed).random((23, 3)) - 0.5
    return BodyPose.rest().replaced(
        body_pose=from_swing_twist(0.5 * (LOWER + UPPER) + share * (UPPER - LOWER) * uniform)
    )


def drag(
    pose: BodyPose, joint: str, shift: tuple[float, float, float], steps: int, **options: object
) -> list[IKSolution]:
    start = place(pose, joint)
    solutions = []
    for step in np.linspace(0, 1, steps):
        solutions.append(solve_ik(REST_JOINTS, pose, joint, start + step * np.array(shift), **options))  # type: ignore[arg-type] # options are checked by the callee
        pose = solutions[-1].pose
    return solutions


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32),
    st.sampled_from(["left_wrist", "right_hand", "left_ankle", "right_foot", "head", "left_elbow"]),
)
def test_reachable_targets_are_reached(seed: int, joint: str) -> None:
    start, goal = pose_within_limits(seed, 0.6), pose_within_limits(seed + 1, 0.6)
    target = place(goal, joint)
    solution = solve_ik(REST_JOINTS, start, joint, target)
    assert solution.residual < 0.01
    assert np.linalg.norm(place(solution.pose, joint) - target) == pytest.approx(solution.residual, abs=1e-9)
    assert limit_violation(solution.pose).max() < 1e-9
    assert np.array_equal(solution.pose.translation, start.translation)
    assert np.array_equal(solution.pose.global_orient, start.global_orient)
    # A second call from there, as the next event of a drag, closes what is left.
    assert solve_ik(REST_JOINTS, solution.pose, joint, target).residual < 0.001


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 2**32),
    st.sampled_from(["pelvis", "left_wrist", "head"]),
    st.lists(st.floats(-3, 3), min_size=3, max_size=3),
)
def test_pins_hold_whatever_the_target(seed: int, joint: str, target: list[float]) -> None:
    start = pose_within_limits(seed, 0.4)
    pins = pins_at(REST_JOINTS, start, FEET)
    solution = solve_ik(REST_JOINTS, start, joint, np.array(target), pins=pins, free_root=True)
    assert solution.pin_residual < 0.005
    for name, wanted in pins.items():
        assert np.linalg.norm(place(solution.pose, name) - wanted) < 0.005
    assert np.isfinite(solution.pose.body_pose).all()
    assert limit_violation(solution.pose).max() < 1e-9


def test_nothing_moves_without_need() -> None:
    pose = pose_within_limits(1, 0.8)
    solution = solve_ik(
        REST_JOINTS, pose, "left_wrist", place(pose, "left_wrist"), pins=pins_at(REST_JOINTS, pose, FEET)
    )
    assert np.array_equal(solution.pose.body_pose, pose.body_pose)
    moved = solve_ik(REST_JOINTS, pose, "left_wrist", place(pose, "left_wrist") + 0.05).pose
    changed = {SMPL_JOINTS[row + 1] for row in np.flatnonzero(np.abs(moved.body_pose - pose.body_pose).max(axis=1))}
    assert changed == {"spine1", "spine2", "spine3", "left_collar", "left_shoulder", "left_elbow"}


def test_limbs_do_more_than_the_trunk() -> None:
    pose = BodyPose.rest()
    moved = drag(pose, "left_wrist", (-0.2, -0.3, 0.1), 10)[-1].pose
    turned = np.linalg.norm(moved.body_pose - pose.body_pose, axis=1)
    row = {name: index - 1 for index, name in enumerate(SMPL_JOINTS)}
    assert turned[row["left_shoulder"]] + turned[row["left_elbow"]] > 5 * turned[row["spine1"]]
    assert moved.body_pose[row["left_elbow"], 1] < -0.2


def test_sinking_pelvis_bends_the_knees_over_planted_feet() -> None:
    pose = BodyPose.rest()
    solutions = drag(pose, "pelvis", (0, 0, -0.25), 12, pins=pins_at(REST_JOINTS, pose, FEET))
    assert max(s.residual for s in solutions) < 0.001
    assert max(s.pin_residual for s in solutions) < 0.001
    final = solutions[-1].pose
    for side in ("left", "right"):
        assert final.body_pose[SMPL_JOINTS.index(f"{side}_knee") - 1, 0] > 0.8
    # The feet stay flat as far as the ankles allow: here they do.
    before, after = (forward_kinematics(REST_JOINTS, p)[1][7] for p in (pose, final))
    shallow = forward_kinematics(REST_JOINTS, solutions[4].pose)[1][7]
    assert np.abs(shallow - before).max() < 1e-3
    assert np.degrees(np.arccos(np.clip((np.trace(after.T @ before) - 1) / 2, -1, 1))) < 30


def test_unreachable_target_stretches_the_arm_smoothly() -> None:
    pose = BodyPose.rest()
    solutions = drag(pose, "left_wrist", (0.9, -0.9, 0.6), 40)
    wrists = np.array([place(s.pose, "left_wrist") for s in solutions])
    assert solutions[-1].residual > 0.3
    steps = np.linalg.norm(np.diff(wrists, axis=0), axis=1)
    # The target moves 3.6 cm a step; the wrist never jumps.
    assert steps.max() < 0.06
    assert steps[-5:].max() < 0.03
    stretched = solutions[-1].pose
    for _ in range(10):
        stretched = solve_ik(REST_JOINTS, stretched, "left_wrist", place(pose, "left_wrist") + (0.9, -0.9, 0.6)).pose
    assert np.linalg.norm(place(stretched, "left_wrist") - wrists[-1]) < 0.03


def test_free_root_brings_the_body_along() -> None:
    pose = BodyPose.rest()
    far = place(pose, "left_wrist") + (1.0, -1.0, 0.2)
    assert solve_ik(REST_JOINTS, pose, "left_wrist", far).residual > 0.3
    solution = drag(pose, "left_wrist", (1.0, -1.0, 0.2), 10, free_root=True)[-1]
    assert solution.residual < 0.001
    assert np.linalg.norm(solution.pose.translation) > 0.3


def test_mirrored_task_has_the_mirrored_answer() -> None:
    pose = pose_within_limits(5, 0.5)
    middle = REST_JOINTS[0, 0]
    target = place(pose, "left_wrist") + (0.05, -0.1, 0.15)
    mirrored = solve_ik(REST_JOINTS, mirror_pose(pose), "right_wrist", (target - [middle, 0, 0]) * (-1, 1, 1))
    expected = mirror_pose(solve_ik(REST_JOINTS, pose, "left_wrist", target).pose)
    assert np.abs(mirrored.pose.body_pose - expected.body_pose).max() < 1e-6


@pytest.mark.parametrize("target", [(0.0, 0.0, 0.0), (0.0, 0.95, 0.0), (1e7, -1e7, 1e7), (0.19, 0.03, 1.41)])
def test_awkward_targets_stay_finite(target: tuple[float, float, float]) -> None:
    pose = BodyPose.rest()
    for _ in range(5):
        solution = solve_ik(REST_JOINTS, pose, "left_wrist", np.array(target))
        pose = solution.pose
        assert np.isfinite(pose.body_pose).all()
        assert np.isfinite(solution.residual)


def test_a_joint_outside_its_limits_does_not_jump() -> None:
    broken = BodyPose.rest().body_pose.copy()
    broken[SMPL_JOINTS.index("left_elbow") - 1] = (0, 0.6, 0)
    pose = BodyPose.rest().replaced(body_pose=broken)
    solution = solve_ik(REST_JOINTS, pose, "left_wrist", place(pose, "left_wrist") + (0, 0, 0.002))
    assert np.abs(solution.pose.body_pose - broken).max() < 0.1


def test_wrong_use_is_refused() -> None:
    pose = BodyPose.rest()
    with pytest.raises(ValueError, match="not a joint"):
        solve_ik(REST_JOINTS, pose, "left_thumb", np.zeros(3))
    with pytest.raises(ValueError, match="pinned"):
        solve_ik(REST_JOINTS, pose, "head", np.zeros(3), pins={"head": np.zeros(3)})
    with pytest.raises(ValueError, match="finite"):
        solve_ik(REST_JOINTS, pose, "head", np.array([0, np.nan, 0]))


def test_a_drag_is_fast() -> None:
    pose = BodyPose.rest()
    pins = pins_at(REST_JOINTS, pose, FEET)
    drag(pose, "left_wrist", (-0.1, -0.1, 0.1), 3, pins=pins, free_root=True)
    # Processor time, so that other work on the machine does not count; typically 2 to 4 ms on two slow cores.
    began = time.process_time()
    drag(pose, "left_wrist", (-0.3, -0.4, 0.4), 40, pins=pins, free_root=True)
    assert (time.process_time() - began) / 40 < 0.015
