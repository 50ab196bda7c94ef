"""OpenPose body-18 keypoints of an SMPL body."""

from __future__ import annotations

from collections.abc import Mapping

OPENPOSE_18: tuple[str, ...] = (
    "nose",
    "neck",
    "right_shoulder",
    "right_elbow",
    "right_wrist",
    "left_shoulder",
    "left_elbow",
    "left_wrist",
    "right_hip",
    "right_knee",
    "right_ankle",
    "left_hip",
    "left_knee",
    "left_ankle",
    "right_eye",
    "left_eye",
    "right_ear",
    "left_ear",
)
"""Keypoint names in OpenPose's body-18 order, as the OpenPose ControlNet was trained on."""

FACE_VERTEX_NAMES: tuple[str, ...] = ("nose", "right_eye", "left_eye", "right_ear", "left_ear")

SMPL_FACE_VERTICES: Mapping[str, int] = {
    "nose": 332,
    "right_eye": 6260,
    "left_eye": 2800,
    "right_ear": 4071,
    "left_ear": 583,
}
"""Vertices of SMPL's 6,890-vertex mesh that stand for the face keypoints (as in smplify-x)."""

_SMPL_JOINT_OF: Mapping[str, int] = {
    "neck": 12,
    "right_shoulder": 17,
    "right_elbow": 19,
    "right_wrist": 21,
    "left_shoulder": 16,
    "left_elbow": 18,
    "left_wrist": 20,
    "right_hip": 2,
    "right_knee": 5,
    "right_ankle": 8,
    "left_hip": 1,
    "left_knee": 4,
    "left_ankle": 7,
}

KEYPOINT_SOURCES: tuple[int | str, ...] = tuple(_SMPL_JOINT_OF.get(name, name) for name in OPENPOSE_18)
"""For each keypoint the SMPL joint's index, or the name of the face vertex it is read from."""
