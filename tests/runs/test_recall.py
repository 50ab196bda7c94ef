from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from qnerf_core import files
from qnerf_core.body.pose import BodyPose
from qnerf_core.body.pose_file import pose_record, read_pose, write_pose
from qnerf_core.editing.spec import EditSpec
from qnerf_core.errors import FileFormatError
from qnerf_core.proxy.files import proxy_record, read_proxy
from qnerf_core.runs.folder import SETTINGS_KEY
from qnerf_core.runs.labels import RunLabel, read_label, write_label
from qnerf_core.runs.recall import recall_from_png, recall_run
from qnerf_core.scene.capture import TARGET_FILES, load_capture

POSE_FILE = TARGET_FILES["skeleton"]
BLACK = np.zeros((4, 4, 3), np.uint8)


def _pose() -> BodyPose:
    pose = BodyPose.rest()
    angles = pose.body_pose.copy()
    angles[3] = (0.1, -0.2, 0.3)
    return BodyPose(pose.global_orient, angles, pose.betas, pose.translation)


def test_a_picture_brings_back_settings_and_the_pose_of_the_capture(tmp_path: Path) -> None:
    spec = EditSpec(edit="kick", seed=7, tau=3)
    text = {SETTINGS_KEY: json.dumps({"spec": spec.model_dump(mode="json")})}
    files.write_image(tmp_path / "a.png", BLACK, text=text)
    recalled = recall_from_png(tmp_path / "a.png")
    assert recalled.spec == spec
    expected = read_pose(load_capture("person").edit("kick").pose_path)
    assert recalled.pose is not None
    assert np.array_equal(recalled.pose.body_pose, expected.body_pose)


def test_a_picture_of_an_own_pose_needs_nothing_else(tmp_path: Path) -> None:
    spec = EditSpec(edit=str(tmp_path / "gone" / POSE_FILE))
    settings = {"spec": spec.model_dump(mode="json"), "target_pose": pose_record(_pose())}
    files.write_image(tmp_path / "a.png", BLACK, text={SETTINGS_KEY: json.dumps(settings)})
    pose = recall_from_png(tmp_path / "a.png").pose
    assert pose is not None
    assert np.array_equal(pose.body_pose, _pose().body_pose)


def test_a_run_brings_back_its_own_pose(tmp_path: Path) -> None:
    spec = EditSpec(edit=str(tmp_path / "moved" / POSE_FILE), seed=2)
    files.write_json(tmp_path / "run.json", {"version": 1, "status": "new", "spec": spec.model_dump(mode="json")})
    write_pose(tmp_path / POSE_FILE, _pose())
    recalled = recall_run(tmp_path)
    assert recalled.spec.seed == 2
    assert recalled.pose is not None
    assert np.array_equal(recalled.pose.body_pose, _pose().body_pose)


def test_proxies_are_brought_back_too(tmp_path: Path) -> None:
    text = {SETTINGS_KEY: json.dumps({"spec": EditSpec(scene="sofa", edit="wider").model_dump(mode="json")})}
    files.write_image(tmp_path / "a.png", BLACK, text=text)
    wider = read_proxy(load_capture("sofa").edit("wider").proxy_path)
    recalled = recall_from_png(tmp_path / "a.png")
    assert recalled.pose is None
    assert recalled.proxy is not None
    assert np.array_equal(recalled.proxy.part("seat").size, wider.part("seat").size)
    spec = EditSpec(scene="sofa", edit=str(tmp_path / "gone" / TARGET_FILES["depth"]))
    settings = {"spec": spec.model_dump(mode="json"), "target_proxy": proxy_record(wider)}
    files.write_image(tmp_path / "b.png", BLACK, text={SETTINGS_KEY: json.dumps(settings)})
    own = recall_from_png(tmp_path / "b.png").proxy
    assert own is not None
    assert own.names == wider.names


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ({}, "carries none"),
        ({SETTINGS_KEY: "{"}, "damaged"),
        ({SETTINGS_KEY: "[1]"}, "damaged"),
        ({SETTINGS_KEY: '{"spec": {"colour": "red"}}'}, "not understood"),
    ],
)
def test_a_picture_without_its_settings_says_so(tmp_path: Path, text: dict[str, str], cause: str) -> None:
    files.write_image(tmp_path / "a.png", BLACK, text=text)
    with pytest.raises(FileFormatError, match=cause):
        recall_from_png(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"no picture")
    with pytest.raises(FileFormatError, match="not an image"):
        recall_from_png(tmp_path / "b.png")


def test_labels_are_kept_and_damaged_ones_are_empty(tmp_path: Path) -> None:
    assert read_label(tmp_path) == RunLabel()
    label = RunLabel(title="Arms up", starred=True, note="The best so far")
    write_label(tmp_path, label)
    assert read_label(tmp_path) == label
    (tmp_path / "label.json").write_text('{"starred": "perhaps"}')
    assert read_label(tmp_path) == RunLabel()
