from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qnerf_core.body.library import PARTS, PoseLibrary, apply_part, blend_poses, user_poses_folder
from qnerf_core.body.pose import SMPL_JOINTS, BodyPose
from qnerf_core.errors import PoseFileError


@pytest.fixture
def library(tmp_path: Path) -> PoseLibrary:
    return PoseLibrary(PoseLibrary.standard().builtin, tmp_path / "poses")


def some_pose(seed: int) -> BodyPose:
    generator = np.random.default_rng(seed)
    vectors = generator.normal(0, 0.5, (24, 3))
    return BodyPose(vectors[0], vectors[1:], generator.normal(size=10), generator.normal(size=3))


def test_builtin_poses_are_there(library: PoseLibrary) -> None:
    assert {"t-pose", "a-pose", "stand", "arms-raised", "wide-stance", "kick", "wave", "sit"} <= set(library.names())
    for name in library.names():
        pose = library.load(name)
        assert np.array_equal(pose.translation, np.zeros(3))
        assert pose.global_orient == pytest.approx([np.pi / 2, 0, 0])


def test_saving_loading_replacing_deleting(library: PoseLibrary) -> None:
    library.save("my pose", some_pose(0))
    file = library.save("my pose", some_pose(1))
    assert library.names()[-1] == "my pose"
    assert np.array_equal(library.load("my pose").body_pose, some_pose(1).body_pose)
    library.delete("my pose")
    assert not file.exists()
    assert "my pose" not in library.names()
    with pytest.raises(PoseFileError, match="no such pose"):
        library.delete("my pose")


def test_builtin_poses_are_kept(library: PoseLibrary) -> None:
    before = library.load("stand").body_pose
    with pytest.raises(PoseFileError, match="built-in"):
        library.save("stand", some_pose(0))
    with pytest.raises(PoseFileError, match="built in"):
        library.delete("stand")
    assert np.array_equal(library.load("stand").body_pose, before)


@pytest.mark.parametrize("name", ["", " ", "../stand", "a/b", "a\\b", ".hidden", "-x", "x" * 65, "a\n", "a."])
def test_names_that_are_no_file_names_are_refused(library: PoseLibrary, name: str) -> None:
    with pytest.raises(PoseFileError, match="cannot be used"):
        library.save(name, some_pose(0))
    assert not library.user.exists()


def test_unknown_name_lists_the_known(library: PoseLibrary) -> None:
    with pytest.raises(PoseFileError, match="wide-stance"):
        library.load("handstand")


def test_user_folder_is_the_users() -> None:
    assert "qnerf-studio" in user_poses_folder().parts


def test_blend_runs_from_one_pose_to_the_other() -> None:
    first, second = some_pose(0), some_pose(1)
    start, half, end = (blend_poses(first, second, weight) for weight in (0.0, 0.5, 1.0))
    assert np.abs(start.rotations - first.rotations).max() < 1e-12
    assert np.abs(end.rotations - second.rotations).max() < 1e-12
    assert np.array_equal(end.translation, second.translation)
    assert np.array_equal(end.betas, first.betas)

    def angle(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        trace = np.einsum("nij,nij->n", a, b)
        return np.arccos(np.clip((trace - 1) / 2, -1, 1))

    whole = angle(first.rotations, second.rotations)
    assert angle(first.rotations, half.rotations) == pytest.approx(whole / 2, abs=1e-6)
    assert angle(half.rotations, second.rotations) == pytest.approx(whole / 2, abs=1e-6)


def test_blend_outside_is_refused() -> None:
    with pytest.raises(ValueError, match="weight"):
        blend_poses(some_pose(0), some_pose(1), 1.5)


@pytest.mark.parametrize("part", PARTS)
def test_a_part_takes_only_its_joints(part: str) -> None:
    pose, source = some_pose(0), some_pose(1)
    applied = apply_part(pose, source, part)
    for row in range(23):
        expected = source if row in PARTS[part] else pose
        assert np.array_equal(applied.body_pose[row], expected.body_pose[row])
    assert np.array_equal(applied.translation, pose.translation)
    assert np.array_equal(applied.global_orient, pose.global_orient)


def test_parts_make_up_the_body() -> None:
    pieces = [
        row for part in ("trunk", "head", "left arm", "right arm", "left leg", "right leg") for row in PARTS[part]
    ]
    assert sorted(pieces) == list(range(23))
    assert all(SMPL_JOINTS[row + 1].startswith("left_") for row in PARTS["left arm"] + PARTS["left leg"])
    with pytest.raises(ValueError, match="tail"):
        apply_part(some_pose(0), some_pose(1), "tail")
