from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from qnerf_core import assets
from qnerf_core.body.model import BodyModel
from qnerf_core.body.model_file import read_body_file
from qnerf_core.body.openpose import OPENPOSE_18
from qnerf_core.body.pose import SMPL_JOINTS, SMPL_PARENTS, BodyPose, forward_kinematics
from qnerf_core.errors import BodyModelError


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return BodyModel.load()


def _random_pose(seed: int) -> BodyPose:
    generator = np.random.default_rng(seed)
    return BodyPose(
        generator.normal(size=3),
        generator.normal(0, 0.4, (23, 3)),
        generator.normal(0, 0.7, 10),
        generator.normal(size=3),
    )


def test_forward_kinematics_gives_the_joints_of_smplx(body: BodyModel) -> None:
    for seed in range(3):
        pose = _random_pose(seed)
        positions, _ = forward_kinematics(body.rest_joints(pose.betas), pose)
        np.testing.assert_allclose(positions, body(pose).joints, atol=2e-5)


def test_the_resting_body_stands_upright_and_faces_the_first_camera(body: BodyModel) -> None:
    output = body(body.on_floor(BodyPose.rest()))
    joints = dict(zip(SMPL_JOINTS, output.joints, strict=True))
    keypoints = dict(zip(OPENPOSE_18, output.keypoints, strict=True))
    assert output.vertices[:, 2].min() == pytest.approx(0.0, abs=1e-6)
    assert 1.5 < np.ptp(output.vertices[:, 2]) < 2.0
    assert joints["left_wrist"][0] > 0.5
    assert joints["left_wrist"][2] == pytest.approx(joints["left_shoulder"][2], abs=0.02)
    assert keypoints["nose"][1] < joints["head"][1] - 0.05
    assert keypoints["left_eye"][0] > 0 > keypoints["right_eye"][0]
    assert keypoints["left_ear"][0] > keypoints["left_eye"][0]


def test_weights_and_regressor_are_averages(body: BodyModel) -> None:
    data = read_body_file(assets.body_file())
    np.testing.assert_allclose(data.weights.sum(1), 1, atol=1e-5)
    np.testing.assert_allclose(data.joint_regressor.sum(1), 1, atol=1e-5)
    assert (data.weights >= 0).all()
    assert (data.joint_regressor >= 0).all()


def test_every_joint_moves_its_own_part_of_the_skin(body: BodyModel) -> None:
    rest = BodyPose.rest()
    before = body(rest).vertices
    for joint in range(1, 24):
        turned = rest.body_pose.copy()
        turned[joint - 1] = [0.3, 0.2, 0.1]
        moved = np.linalg.norm(body(rest.replaced(body_pose=turned)).vertices - before, axis=1) > 1e-3
        assert 50 < moved.sum() < len(before) * 0.8, SMPL_JOINTS[joint]


def test_the_shape_space_is_ordered_and_changes_the_height(body: BodyModel) -> None:
    directions = read_body_file(assets.body_file()).shape_directions
    energy = np.square(directions).sum((0, 1))
    assert (np.diff(energy) <= 0).all()
    tall = body.rest_vertices(np.array([2.0] + [0.0] * 9))
    small = body.rest_vertices(np.array([-2.0] + [0.0] * 9))
    assert np.ptp(tall[:, 1]) - np.ptp(small[:, 1]) > 0.1


def _smpl_arrays() -> dict[str, object]:
    data = read_body_file(assets.body_file())
    return {
        "v_template": data.template,
        "shapedirs": data.shape_directions,
        "posedirs": np.zeros((len(data.template), 3, 207)),
        "J_regressor": sparse.csc_matrix(data.joint_regressor),
        "weights": data.weights,
        "kintree_table": np.array([[2**32 - 1, *SMPL_PARENTS[1:]], range(24)], dtype=np.int64),
        "f": data.faces.astype(np.uint32),
        "face_vertices": np.array([data.face_vertices[name] for name in data.face_vertices]),
    }


def test_a_pickle_of_smpl_drops_in(tmp_path: Path, body: BodyModel) -> None:
    path = tmp_path / "SMPL_NEUTRAL.pkl"
    path.write_bytes(pickle.dumps(_smpl_arrays(), protocol=2))
    pose = _random_pose(5)
    np.testing.assert_allclose(BodyModel.load(path)(pose).vertices, body(pose).vertices, atol=1e-5)


class _Malicious:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (eval, ("__import__('pathlib').Path('executed').touch()",))


def test_a_pickle_is_never_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "SMPL_NEUTRAL.pkl"
    path.write_bytes(pickle.dumps({**_smpl_arrays(), "extra": _Malicious()}))
    with pytest.raises(BodyModelError, match="eval"):
        BodyModel.load(path)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("missing.npz", None, "There is no file"),
        ("body.npz", b"not an archive", "cannot be read"),
        ("body.pkl", b"\x80\x04", "cannot be read"),
        ("body.obj", b"v 0 0 0", "neither .npz nor .pkl"),
    ],
)
def test_unusable_files_are_explained(tmp_path: Path, name: str, content: bytes | None, expected: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BodyModelError, match=expected) as caught:
        BodyModel.load(path)
    assert "built-in body" in str(caught.value) or "Choose" in str(caught.value)


def test_missing_and_misshapen_arrays_are_named(tmp_path: Path) -> None:
    arrays = _smpl_arrays()
    arrays["J_regressor"] = np.zeros((24, 7))
    path = tmp_path / "body.npz"
    np.savez(path, **{key: np.asarray(value) for key, value in arrays.items()})
    with pytest.raises(BodyModelError, match=r"J_regressor has shape \(24, 7\)"):
        BodyModel.load(path)
    del arrays["weights"]
    np.savez(path, **{key: np.asarray(value) for key, value in arrays.items()})
    with pytest.raises(BodyModelError, match="weights"):
        BodyModel.load(path)
    assert zipfile.is_zipfile(path)
