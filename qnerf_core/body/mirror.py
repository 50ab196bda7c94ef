"""Left and right of a pose."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy.spatial.transform import Rotation

from qnerf_core.body.pose import SMPL_JOINTS, UPRIGHT_FACING_CAMERA, BodyPose
from qnerf_core.body.rotations import swing_twist_to_vectors, vectors_to_swing_twist

# A mirror across the plane x = 0 turns the rotation vector (x, y, z) into (x, -y, -z).
_FLIP = np.array([1.0, -1.0, -1.0])
_WORLD_UP = np.array([2])


def _other_side(name: str) -> str:
    if name.startswith("left_"):
        return "right_" + name.removeprefix("left_")
    return "left_" + name.removeprefix("right_") if name.startswith("right_") else name


_PARTNER = np.array([SMPL_JOINTS.index(_other_side(name)) - 1 for name in SMPL_JOINTS[1:]])


def mirror_pose(pose: BodyPose) -> BodyPose:
    """The pose with left and right exchanged, as in a mirror that stands beside the body.

    The body keeps its place, shape and heading; a sideways lean of the root changes sides. Mirroring twice gives the
    first pose again.

    Args:
        pose: Any pose.
    """
    return pose.replaced(
        body_pose=pose.body_pose[_PARTNER] * _FLIP, global_orient=_mirrored_orientation(pose.global_orient)
    )


def copy_side(pose: BodyPose, source: Literal["left", "right"]) -> BodyPose:
    """The pose with one side's arm and leg copied to the other side, mirrored; the middle of the body stays.

    Args:
        pose: Any pose.
        source: The side to copy from.

    Raises:
        ValueError: `source` is neither side.
    """
    if source not in ("left", "right"):
        raise ValueError(f"a side is 'left' or 'right', not {source!r}")
    body_pose = pose.body_pose.copy()
    for row, name in enumerate(SMPL_JOINTS[1:]):
        if name.startswith(source):
            body_pose[_PARTNER[row]] = pose.body_pose[row] * _FLIP
    return pose.replaced(body_pose=body_pose)


def _mirrored_orientation(global_orient: np.ndarray) -> np.ndarray:
    # Orientation = heading about the world's z * lean about a level axis * standing upright; only the lean is mirrored.
    upright = Rotation.from_rotvec(np.array(UPRIGHT_FACING_CAMERA))
    turned = Rotation.from_rotvec(global_orient.copy()) * upright.inv()
    lean_and_heading = vectors_to_swing_twist(turned.inv().as_rotvec()[None], _WORLD_UP)
    lean_and_heading[0, 1] *= -1.0
    mirrored = Rotation.from_rotvec(swing_twist_to_vectors(lean_and_heading, _WORLD_UP)[0]).inv()
    return (mirrored * upright).as_rotvec()
