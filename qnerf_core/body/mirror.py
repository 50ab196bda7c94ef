"""Left and right of a pose."""

from __future__ import annotations

from typing import Literal

import numpy as np

from qnerf_core.body.placement import root_angles, root_orientation
from qnerf_core.body.pose import SMPL_JOINTS, BodyPose

# A mirror across the plane x = 0 turns the rotation vector (x, y, z) into (x, -y, -z).
_FLIP = np.array([1.0, -1.0, -1.0])
_OTHER_LEAN = np.array([1.0, -1.0, 1.0])


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
    angles = root_angles(pose.global_orient) * _OTHER_LEAN
    return pose.replaced(body_pose=pose.body_pose[_PARTNER] * _FLIP, global_orient=root_orientation(angles))


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
