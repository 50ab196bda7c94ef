"""What the viewport knows about the joints of the body: where they are, how they are called, what hangs on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qnerf_core.body.pose import SMPL_JOINTS, SMPL_PARENTS, BodyPose, forward_kinematics

BONES = tuple((parent, joint) for joint, parent in enumerate(SMPL_PARENTS) if parent >= 0)
_MINOR = frozenset({"spine1", "spine2", "spine3", "left_collar", "right_collar", "left_foot", "right_foot"})
MINOR = tuple(name in _MINOR for name in SMPL_JOINTS)
# Where several bones leave a joint, the one along which it is turned.
_TIPS = {"pelvis": "spine1", "spine3": "neck"}
_LEAF_LENGTH = 0.6


@dataclass(frozen=True, eq=False)
class PosedJoints:
    """Places (24, 3) in the world, metres, and global rotations (24, 3, 3)."""

    positions: np.ndarray
    rotations: np.ndarray

    @classmethod
    def of(cls, rest_joints: np.ndarray, pose: BodyPose) -> PosedJoints:
        return cls(*forward_kinematics(rest_joints, pose))

    def tip(self, joint: int) -> np.ndarray:
        """(3,) the far end of the bone that a joint turns; a leaf goes on as its own bone does."""
        name = SMPL_JOINTS[joint]
        child = SMPL_JOINTS.index(_TIPS[name]) if name in _TIPS else _only_child(joint)
        if child is not None:
            return self.positions[child]
        place = self.positions[joint]
        return place + _LEAF_LENGTH * (place - self.positions[SMPL_PARENTS[joint]])


def _only_child(joint: int) -> int | None:
    return SMPL_PARENTS.index(joint) if joint in SMPL_PARENTS else None


def side_of(joint: int) -> str:
    name = SMPL_JOINTS[joint]
    return next((side for side in ("left", "right") if name.startswith(side)), "middle")


def title_of(name: str) -> str:
    return name.replace("_", " ").replace("spine", "spine ").capitalize()
