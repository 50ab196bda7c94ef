"""A pose of the SMPL body and its forward kinematics, in numpy (no torch: posing tools and files stand on this)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from scipy.spatial.transform import Rotation

SMPL_JOINTS: tuple[str, ...] = (
    "pelvis",
    "left_hip",
    "right_hip",
    "spine1",
    "left_knee",
    "right_knee",
    "spine2",
    "left_ankle",
    "right_ankle",
    "spine3",
    "left_foot",
    "right_foot",
    "neck",
    "left_collar",
    "right_collar",
    "head",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hand",
    "right_hand",
)
"""The 24 joints of SMPL, in SMPL's order (Loper et al., SMPL, SIGGRAPH Asia 2015)."""

SMPL_PARENTS: tuple[int, ...] = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21)
"""Index of every joint's parent; -1 for the root."""

BETA_COUNT = 10
PROPORTIONS: tuple[str, ...] = (
    "size",
    "torso",
    "neck",
    "head",
    "shoulders",
    "hips",
    "upper_arms",
    "forearms",
    "hands",
    "thighs",
    "shins",
    "feet",
)
"""Factors by which a body may differ from SMPL's, in the order of `BodyPose.proportions` (see `body.proportions`)."""
UPRIGHT_FACING_CAMERA = (np.pi / 2, 0.0, 0.0)
"""`global_orient` of a person who stands upright in the z-up world and faces -y."""


@dataclass(frozen=True, eq=False)
class BodyPose:
    """Pose, shape and placement of an SMPL body.

    Rotations are axis-angle vectors in radians, each relative to the parent joint, about SMPL's own rest axes (y up,
    facing +z, left is +x). `global_orient` turns the body into the z-up world, about the root joint's rest position;
    `translation` is added afterwards, in metres.

    Attributes:
        global_orient: (3,) rotation of the root.
        body_pose: (23, 3) rotations of joints 1 to 23.
        betas: (10,) shape coefficients, in standard deviations.
        translation: (3,) metres.
        proportions: (12,) factors above 0 of `PROPORTIONS`; ones are a person's, in metres.
    """

    global_orient: np.ndarray
    body_pose: np.ndarray
    betas: np.ndarray
    translation: np.ndarray
    proportions: np.ndarray = field(default_factory=lambda: np.ones(len(PROPORTIONS)))

    def __post_init__(self) -> None:
        shapes = {
            "global_orient": (3,),
            "body_pose": (23, 3),
            "betas": (BETA_COUNT,),
            "translation": (3,),
            "proportions": (len(PROPORTIONS),),
        }
        for name, shape in shapes.items():
            value = np.array(getattr(self, name), dtype=np.float64)
            if value.shape != shape:
                raise ValueError(f"BodyPose.{name} has shape {value.shape}, needs {shape}")
            if name == "proportions" and not (value > 0).all():
                raise ValueError("BodyPose.proportions are factors above 0")
            value.setflags(write=False)
            object.__setattr__(self, name, value)

    @classmethod
    def rest(cls) -> BodyPose:
        """SMPL's T-pose of the mean shape, standing upright in the z-up world and facing -y, root at its rest place."""
        return cls(np.array(UPRIGHT_FACING_CAMERA), np.zeros((23, 3)), np.zeros(BETA_COUNT), np.zeros(3))

    @property
    def rotations(self) -> np.ndarray:
        """(24, 3, 3) local rotation matrices, the root's first."""
        vectors = np.concatenate([self.global_orient[None], self.body_pose])
        return Rotation.from_rotvec(vectors).as_matrix()

    def with_rotations(self, rotations: np.ndarray) -> BodyPose:
        """The same shape and place with other local rotations, (24, 3, 3)."""
        vectors = Rotation.from_matrix(rotations).as_rotvec()
        return replace(self, global_orient=vectors[0], body_pose=vectors[1:])

    def replaced(self, **changes: np.ndarray) -> BodyPose:
        """A copy with some of the arrays replaced."""
        return replace(self, **changes)


def forward_kinematics(rest_joints: np.ndarray, pose: BodyPose) -> tuple[np.ndarray, np.ndarray]:
    """Joint positions and global rotations of a posed skeleton, by SMPL's rule.

    The root turns about its own rest position, every other joint about its place on its parent, and the translation is
    added last.

    Args:
        rest_joints: (24, 3) joints of the shaped body in rest pose, SMPL's y-up frame, metres.
        pose: The pose; its betas and proportions are not used.

    Returns:
        Positions (24, 3) in the world, metres, and global rotations (24, 3, 3).
    """
    local = pose.rotations
    positions = np.empty((24, 3))
    rotations = np.empty((24, 3, 3))
    positions[0], rotations[0] = rest_joints[0], local[0]
    for joint in range(1, 24):
        parent = SMPL_PARENTS[joint]
        positions[joint] = positions[parent] + rotations[parent] @ (rest_joints[joint] - rest_joints[parent])
        rotations[joint] = rotations[parent] @ local[joint]
    return positions + pose.translation, rotations
