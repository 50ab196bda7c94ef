from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qnerf_core.body.pose import PROPORTIONS, SMPL_JOINTS, BodyPose
from qnerf_core.body.pose_file import read_pose, write_pose
from qnerf_core.errors import PoseFileError


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32))
def test_round_trip_is_exact(tmp_path: Path, seed: int) -> None:
    generator = np.random.default_rng(seed)
    vectors = generator.normal(0, 1, (24, 3))
    factors = generator.uniform(0.1, 3, 12)
    pose = BodyPose(vectors[0], vectors[1:], generator.normal(size=10), generator.normal(0, 100, 3), factors)
    write_pose(tmp_path / "p.json", pose)
    back = read_pose(tmp_path / "p.json")
    for name in ("global_orient", "body_pose", "betas", "translation", "proportions"):
        assert np.array_equal(getattr(back, name), getattr(pose, name))


def test_the_file_explains_itself(tmp_path: Path) -> None:
    write_pose(tmp_path / "p.json", BodyPose.rest())
    content = json.loads((tmp_path / "p.json").read_text())
    assert content["format"] == "qnerf-studio-pose"
    assert content["version"] == 2
    assert "radians" in content["convention"]
    assert list(content["joints"]) == list(SMPL_JOINTS[1:])


def test_the_first_version_is_a_person(tmp_path: Path) -> None:
    write_pose(tmp_path / "p.json", BodyPose.rest().replaced(betas=np.arange(10.0)))
    content = json.loads((tmp_path / "p.json").read_text())
    del content["proportions"]
    (tmp_path / "p.json").write_text(json.dumps({**content, "version": 1}))
    pose = read_pose(tmp_path / "p.json")
    assert np.array_equal(pose.proportions, np.ones(12))
    assert np.array_equal(pose.betas, np.arange(10.0))


def changed(tmp_path: Path, change: dict[str, Any], *, joints: dict[str, Any] | None = None, drop: str = "") -> Path:
    write_pose(tmp_path / "p.json", BodyPose.rest())
    content = json.loads((tmp_path / "p.json").read_text())
    content.update(change)
    if joints is not None:
        content["joints"].update(joints)
    content.pop(drop, None)
    content["joints"].pop(drop, None) if isinstance(content.get("joints"), dict) else None
    (tmp_path / "p.json").write_text(json.dumps(content))
    return tmp_path / "p.json"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"change": {"format": "bvh"}}, "bvh"),
        ({"change": {"version": 3}}, "version 3"),
        ({"change": {"version": "1"}}, "version"),
        ({"change": {"version": True}}, "version"),
        ({"change": {"joints": []}}, "joints"),
        ({"change": {"translation": [0, 0]}}, "translation"),
        ({"change": {"betas": [0] * 9}}, "betas"),
        ({"change": {"betas": [0] * 9 + [float("nan")]}}, "betas"),
        ({"change": {"global_orient": None}}, "global_orient"),
        ({"change": {"proportions": {"head": 2}}}, "proportions"),
        ({"change": {"proportions": dict.fromkeys(PROPORTIONS, 0)}}, "above 0"),
        ({"change": {}, "joints": {"left_knee": [0, "1", 0]}}, "left_knee"),
        ({"change": {}, "joints": {"left_knee": [90, 0, 0]}}, "radians"),
        ({"change": {}, "joints": {"left_tail": [0, 0, 0]}}, "left_tail"),
        ({"change": {}, "drop": "right_hip"}, "right_hip"),
        ({"change": {}, "drop": "translation"}, "translation"),
    ],
)
def test_bad_content_is_named(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    path = changed(tmp_path, **change)
    with pytest.raises(PoseFileError) as caught:
        read_pose(path)
    assert said in str(caught.value)
    assert str(path) in caught.value.title
    assert caught.value.cause
    assert caught.value.next_step


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[1, 2]", b"\xff\xfe\x00", b"null", b'{"format": "qnerf-studio-pose"}']
)
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "p.json").write_bytes(content)
    with pytest.raises(PoseFileError) as caught:
        read_pose(tmp_path / "p.json")
    assert caught.value.next_step


def test_missing_file_and_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(PoseFileError, match="Cannot read"):
            read_pose(path)


def test_a_pose_that_is_not_finite_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(PoseFileError, match="finite"):
        write_pose(tmp_path / "p.json", BodyPose.rest().replaced(translation=np.array([0, np.inf, 0])))
    assert not (tmp_path / "p.json").exists()
