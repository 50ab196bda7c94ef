"""The named poses that come with the program: `python -m qnerf_core.authoring.poses` writes `assets/poses/*.json`.

Angles are degrees in the swing and twist coordinates of `qnerf_core.body.limits`, given for the left side; `_right` and
`_both` mirror them. Upright poses keep their feet level: the x angles of hip, knee and ankle add up to nothing.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from qnerf_core.assets import assets_root
from qnerf_core.body.limits import clamp_to_limits, from_swing_twist
from qnerf_core.body.pose import SMPL_JOINTS, BodyPose
from qnerf_core.body.pose_file import write_pose

_Angles = tuple[float, float, float]


def _right(**left: _Angles) -> dict[str, _Angles]:
    return {f"right_{joint}": (x, -y, -z) for joint, (x, y, z) in left.items()}


def _left(**left: _Angles) -> dict[str, _Angles]:
    return {f"left_{joint}": angles for joint, angles in left.items()}


def _both(**left: _Angles) -> dict[str, _Angles]:
    return _left(**left) | _right(**left)


_HANGING = {"collar": (0.0, 0.0, -4.0), "shoulder": (0.0, -4.0, -70.0), "elbow": (0.0, -14.0, 0.0)}
_RELAXED_LEGS = {"hip": (-2.0, 4.0, 2.0), "knee": (4.0, 0.0, 0.0), "ankle": (-2.0, 0.0, -2.0)}

POSES: dict[str, dict[str, _Angles]] = {
    "t-pose": {},
    "a-pose": _both(shoulder=(0, 0, -45), elbow=(0, -6, 0)),
    "stand": _both(**_HANGING) | _both(**_RELAXED_LEGS) | {"spine1": (2, 0, 0), "neck": (4, 0, 0), "head": (-4, 0, 0)},
    "arms-raised": _both(collar=(0, 0, 22), shoulder=(0, -6, 48), elbow=(0, -12, 0)) | _both(**_RELAXED_LEGS),
    "wide-stance": _both(hip=(-3, 10, 24), knee=(5, 0, 0), ankle=(-2, 0, -20))
    | _both(collar=(0, 0, -2), shoulder=(0, -4, -52), elbow=(0, -12, 0)),
    "kick": _left(hip=(-82, 4, 4), knee=(8, 0, 0), ankle=(22, 0, 0))
    | _right(hip=(4, 8, 4), knee=(8, 0, 0), ankle=(-12, 0, -4))
    | _left(shoulder=(0, 22, -40), elbow=(0, -30, 0))
    | _right(shoulder=(0, -45, -30), elbow=(0, -45, 0))
    | {"spine1": (-6, 0, 0), "spine2": (6, -8, 0), "spine3": (8, -8, 0), "neck": (6, 8, 0)},
    "wave": _left(**_HANGING)
    | _both(**_RELAXED_LEGS)
    | _right(collar=(0, 0, 8), shoulder=(-82, -14, 6), elbow=(0, -82, 0), wrist=(0, 0, 6))
    | {"spine2": (0, 0, 3), "head": (0, -6, -3)},
    "walk": _left(hip=(-26, 2, 1), knee=(10, 0, 0), ankle=(2, 0, 0))
    | _right(hip=(20, 2, 1), knee=(24, 0, 0), ankle=(-6, 0, 0), foot=(-22, 0, 0))
    | _left(shoulder=(0, 26, -66), elbow=(0, -16, 0))
    | _right(shoulder=(0, -28, -66), elbow=(0, -34, 0))
    | {"spine1": (3, -3, 0), "spine2": (2, 4, 0), "spine3": (0, 6, 0), "neck": (0, -4, 0)},
    "sit": _both(hip=(-88, 4, 7), knee=(88, 0, 0), ankle=(0, 0, -4))
    | _both(collar=(0, 0, -3), shoulder=(0, -30, -64), elbow=(0, -44, 0))
    | {"spine1": (6, 0, 0), "spine2": (4, 0, 0), "neck": (4, 0, 0), "head": (-6, 0, 0)},
    "hands-on-hips": _both(collar=(0, 0, 2), shoulder=(64, 30, -42), elbow=(0, -106, 0), wrist=(0, 0, 30))
    | _both(hip=(-1, 6, 9), knee=(3, 0, 0), ankle=(-2, 0, -8)),
    "squat": _both(hip=(-104, 14, 16), knee=(122, 0, 0), ankle=(-18, 0, -6))
    | _both(collar=(0, -10, 0), shoulder=(0, -76, -8), elbow=(0, -12, 0))
    | {"spine1": (16, 0, 0), "spine2": (12, 0, 0), "spine3": (6, 0, 0), "neck": (-14, 0, 0), "head": (-10, 0, 0)},
    "lunge": _left(hip=(-68, 4, 4), knee=(74, 0, 0), ankle=(-6, 0, -4))
    | _right(hip=(22, 4, 4), knee=(54, 0, 0), ankle=(-20, 0, -2), foot=(-38, 0, 0))
    | _both(shoulder=(40, 24, -50), elbow=(0, -82, 0))
    | {"spine1": (4, 0, 0)},
    "reach-up": _left(collar=(0, 0, 28), shoulder=(0, -10, 46), elbow=(0, -6, 0))
    | _right(**_HANGING)
    | _both(**_RELAXED_LEGS)
    | {"spine1": (0, 0, 3), "spine2": (0, 0, 4), "spine3": (0, 0, 3), "neck": (-12, 10, 0), "head": (-12, 8, 0)},
}


def build_pose(angles: dict[str, _Angles]) -> BodyPose:
    """Turns a table of angles into a pose of the mean shape, upright at the origin.

    Args:
        angles: Degrees by joint name, see `POSES`; joints that are left out rest.

    Raises:
        ValueError: An angle is beyond the joint's limits, or a name is not a joint's.
    """
    coordinates = np.zeros((23, 3))
    for name, degrees in angles.items():
        coordinates[SMPL_JOINTS.index(name) - 1] = np.radians(degrees)
    pose = BodyPose.rest().replaced(body_pose=from_swing_twist(coordinates))
    if not np.array_equal(clamp_to_limits(pose).body_pose, pose.body_pose):
        raise ValueError("an angle is beyond the joint's limits")
    return pose


def write_poses(folder: Path) -> list[Path]:
    """Writes all poses; the same bytes every time.

    Args:
        folder: Where to.

    Returns:
        The files.
    """
    files = [folder / f"{name}.json" for name in POSES]
    for file, angles in zip(files, POSES.values(), strict=True):
        write_pose(file, build_pose(angles))
    return files


if __name__ == "__main__":
    write_poses(assets_root() / "poses")
