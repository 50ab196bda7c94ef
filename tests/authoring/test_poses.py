from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qnerf_core.assets import poses_folder
from qnerf_core.authoring.poses import POSES, build_pose, write_poses
from qnerf_core.body.limits import limit_violation
from qnerf_core.body.mirror import mirror_pose
from qnerf_core.body.pose import SMPL_JOINTS, forward_kinematics


def test_bundled_files_are_what_the_script_writes(tmp_path: Path) -> None:
    written = write_poses(tmp_path)
    assert {file.name for file in written} == {file.name for file in poses_folder().glob("*.json")}
    for file in written:
        assert file.read_bytes() == (poses_folder() / file.name).read_bytes()


@pytest.mark.parametrize("name", POSES)
def test_poses_are_within_the_limits(name: str) -> None:
    assert limit_violation(build_pose(POSES[name])).max() < 1e-9


@pytest.mark.parametrize(
    "name", ["t-pose", "a-pose", "stand", "arms-raised", "wide-stance", "sit", "squat", "hands-on-hips"]
)
def test_symmetric_poses_are_symmetric(name: str) -> None:
    pose = build_pose(POSES[name])
    assert np.abs(mirror_pose(pose).body_pose - pose.body_pose).max() < 1e-12


def test_poses_look_like_their_names() -> None:
    rest = np.zeros((24, 3))
    for joint, offset in {
        "left_hip": (0.1, -0.08, 0), "left_knee": (0, -0.4, 0), "left_ankle": (0, -0.4, 0), "spine1": (0, 0.1, 0),
        "spine2": (0, 0.15, 0), "spine3": (0, 0.05, 0), "neck": (0, 0.2, 0), "head": (0, 0.1, 0),
        "left_collar": (0.08, 0.12, 0), "left_shoulder": (0.1, 0, 0), "left_elbow": (0.27, 0, 0),
        "left_wrist": (0.25, 0, 0),
    }.items():  # fmt: skip
        parents = {"left_hip": 0, "spine1": 0, "spine2": 3, "spine3": 6, "neck": 9, "head": 12, "left_collar": 9}
        index = SMPL_JOINTS.index(joint)
        above = parents.get(joint, index - 3 if index < 13 else {16: 13, 18: 16, 20: 18}.get(index, 0))
        rest[index] = rest[above] + offset
        if joint.startswith("left_"):
            rest[SMPL_JOINTS.index(joint.replace("left", "right"))] = rest[index] * (-1, 1, 1)

    def places(name: str) -> dict[str, np.ndarray]:
        return dict(zip(SMPL_JOINTS, forward_kinematics(rest, build_pose(POSES[name]))[0], strict=True))

    raised, stand, wide, kick, sit = (places(n) for n in ("arms-raised", "stand", "wide-stance", "kick", "sit"))
    assert raised["left_wrist"][2] > raised["head"][2] + 0.2
    assert stand["left_wrist"][2] < stand["spine1"][2]
    assert wide["left_ankle"][0] - wide["right_ankle"][0] > 0.7
    assert stand["left_ankle"][0] - stand["right_ankle"][0] < 0.4
    # Facing -y: a foot kicked forward is at negative y.
    assert kick["left_ankle"][1] < -0.6
    assert kick["left_ankle"][2] - kick["right_ankle"][2] > 0.5
    assert sit["left_knee"][1] < -0.3
    assert abs(sit["left_knee"][2] - sit["left_hip"][2]) < 0.1
    wave = places("wave")
    assert wave["right_wrist"][2] > wave["right_elbow"][2] + 0.15
    assert wave["left_wrist"][2] < wave["left_shoulder"][2] - 0.3


def test_angle_beyond_a_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="limits"):
        build_pose({"left_knee": (-60, 0, 0)})
