"""What can be done with a pose, as functions from pose to pose; `Document` makes commands of them."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from scipy.spatial.transform import Rotation

from qnerf_core.body.ik import pins_at, solve_ik
from qnerf_core.body.library import PARTS, apply_part
from qnerf_core.body.limits import LOWER, TWIST_AXIS, UPPER
from qnerf_core.body.placement import leaning_as, root_angles, root_orientation
from qnerf_core.body.pose import SMPL_JOINTS, SMPL_PARENTS, BodyPose, forward_kinematics
from qnerf_core.body.rotations import swing_twist_to_vectors, vectors_to_swing_twist
from qnerf_core.body.surface import BodySurface

WHOLE_BODY = "whole body"
LIMBS = ("trunk", "head", "left arm", "right arm", "left leg", "right leg")
ROOT_LIMITS = np.radians([[-179.0, -179.0, -180.0], [179.0, 179.0, 180.0]])

# Joints that only move with the whole body: dragging one of them moves the body over its feet.
_RIGID_WITH_ROOT = frozenset({"pelvis", "left_hip", "right_hip", "spine1"})
_ANKLES = ("left_ankle", "right_ankle")
_PLANTED_BELOW = 0.15


def label(joint: str) -> str:
    return joint.replace("_", " ").replace("spine", "spine ")


def limb_of(joint: str) -> str:
    row = SMPL_JOINTS.index(joint) - 1
    return next((name for name in LIMBS if row in PARTS[name]), "trunk")


def joint_limits(joint: str) -> np.ndarray:
    """(2, 3) degrees."""
    row = SMPL_JOINTS.index(joint) - 1
    limits = ROOT_LIMITS if row < 0 else np.stack([LOWER[row], UPPER[row]])
    return np.degrees(limits)


def joint_angles(pose: BodyPose, joint: str) -> np.ndarray:
    """(3,) degrees in the convention of `qnerf_core.body.limits`; of the pelvis its two leans and its turn."""
    row = SMPL_JOINTS.index(joint) - 1
    if row < 0:
        return np.degrees(root_angles(pose.global_orient))
    return np.degrees(vectors_to_swing_twist(pose.body_pose[row : row + 1], TWIST_AXIS[row : row + 1])[0])


def with_joint_angles(pose: BodyPose, joint: str, degrees: np.ndarray) -> BodyPose:
    """The pose with one joint's angles, held inside its limits."""
    angles = np.clip(np.radians(degrees), *np.radians(joint_limits(joint)))
    row = SMPL_JOINTS.index(joint) - 1
    if row < 0:
        return pose.replaced(global_orient=root_orientation(angles))
    return with_joint_rotation(pose, joint, swing_twist_to_vectors(angles[None], TWIST_AXIS[row : row + 1])[0])


def with_joint_rotation(pose: BodyPose, joint: str, vector: np.ndarray) -> BodyPose:
    row = SMPL_JOINTS.index(joint) - 1
    if row < 0:
        return pose.replaced(global_orient=vector)
    body_pose = pose.body_pose.copy()
    body_pose[row] = vector
    return pose.replaced(body_pose=body_pose)


def within_limits(vector: np.ndarray, joint: str, before: np.ndarray) -> np.ndarray:
    """A local rotation held inside its limits; a joint that was beyond them before may stay where it was."""
    row = SMPL_JOINTS.index(joint) - 1
    axis = TWIST_AXIS[row : row + 1]
    start = vectors_to_swing_twist(before[None], axis)[0]
    wanted = vectors_to_swing_twist(vector[None], axis)[0]
    inside = np.clip(wanted, np.minimum(LOWER[row], start), np.maximum(UPPER[row], start))
    return vector if np.array_equal(inside, wanted) else swing_twist_to_vectors(inside[None], axis)[0]


class Drag:
    """One drag: where everything was when it began, and what has become of the pose."""

    def __init__(
        self, body: BodySurface, text: str, pose: BodyPose, pinned: Collection[str], floor: float | None
    ) -> None:
        """`floor` in metres plants the feet that stand on it; None leaves them free."""
        self.text = text
        self.start = self.pose = pose
        self._rest_joints = body.rest_joints(pose.betas, pose.proportions)
        self._positions, self._rotations = forward_kinematics(self._rest_joints, pose)
        self._pins = pins_at(self._rest_joints, pose, pinned)
        self._planted = set() if floor is None else {a for a in _ANKLES if self._height(a) - floor < _PLANTED_BELOW}

    def move(self, joint: str, target: np.ndarray) -> BodyPose:
        pins = {name: place for name, place in self._pins.items() if name != joint}
        free = joint in _RIGID_WITH_ROOT
        if free:
            pins |= pins_at(self._rest_joints, self.start, self._planted)
        self.pose = solve_ik(self._rest_joints, self.pose, joint, target, pins=pins, free_root=free).pose
        return self.pose

    def rotate(self, joint: str, rotation: np.ndarray) -> BodyPose:
        """Turns a joint by a world rotation vector (radians) from where it was when the drag began."""
        index = SMPL_JOINTS.index(joint)
        wanted = Rotation.from_rotvec(rotation).as_matrix() @ self._rotations[index]
        if index == 0:
            self.pose = self.pose.replaced(global_orient=Rotation.from_matrix(wanted).as_rotvec())
            return self.pose
        local = self._rotations[SMPL_PARENTS[index]].T @ wanted
        vector = within_limits(Rotation.from_matrix(local).as_rotvec(), joint, self.start.body_pose[index - 1])
        self.pose = with_joint_rotation(self.pose, joint, vector)
        return self.pose

    def swing(self, joint: str, target: np.ndarray) -> BodyPose:
        """Turns only the joint above, so that this one points at the target."""
        index = SMPL_JOINTS.index(joint)
        parent = SMPL_PARENTS[index]
        if parent < 0:
            return self.pose
        along, wanted = self._positions[index] - self._positions[parent], target - self._positions[parent]
        return self.rotate(SMPL_JOINTS[parent], _between(along, wanted))

    def _height(self, joint: str) -> float:
        return float(self._positions[SMPL_JOINTS.index(joint), 2])


def _between(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(3,) the shortest rotation vector from one direction to another."""
    sizes = float(np.linalg.norm(first) * np.linalg.norm(second))
    if sizes < 1e-9:
        return np.zeros(3)
    axis = np.cross(first, second)
    sine, cosine = float(np.linalg.norm(axis)) / sizes, float(first @ second) / sizes
    if sine < 1e-9:
        return np.zeros(3)
    vector: np.ndarray = axis / np.linalg.norm(axis) * np.arctan2(sine, cosine)
    return vector


def applied(body: BodySurface, pose: BodyPose, source: BodyPose, part: str) -> BodyPose:
    """A library pose, whole or in part. Applied whole it also leans, and is as high above the floor as before."""
    changed = apply_part(pose, source, part)
    if part != WHOLE_BODY:
        return changed
    return body.on_floor(leaning_as(changed, source), lowest(body, pose))


def lowest(body: BodySurface, pose: BodyPose) -> float:
    return float(body.vertices(pose)[:, 2].min())


def with_shape(body: BodySurface, pose: BodyPose, **shape: np.ndarray) -> BodyPose:
    """Other betas or proportions; the pelvis stays over its place and the lowest point keeps its height."""
    changed = pose.replaced(**shape)
    shift = body.joints(pose)[0] - body.joints(changed)[0]
    return body.on_floor(changed.replaced(translation=changed.translation + shift), lowest(body, pose))
