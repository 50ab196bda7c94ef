"""Subjects on the built-in body: a fine mesh of it, where its parts are, and posing by linear blend skinning."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qnerf_core.authoring.mesh import SurfaceMesh, split_long_edges
from qnerf_core.authoring.random_pose import random_pose
from qnerf_core.authoring.subject import PosedBody, Staged
from qnerf_core.body.model import BodyModel
from qnerf_core.body.pose import SMPL_JOINTS, BodyPose, forward_kinematics

_LONGEST_EDGE = 0.018
_ARM_JOINTS = ("shoulder", "elbow", "wrist", "hand")


class FineBody:
    """The built-in body with triangles fine enough for patterns.

    Attributes:
        faces: (F, 3).
        weights: (V, 24) skinning weights.
        model: The body itself.
    """

    def __init__(self, model: BodyModel) -> None:
        self.model = model
        self._finer, self.faces = split_long_edges(model.rest_vertices(np.zeros(10)), model.faces, _LONGEST_EDGE)
        self.weights: np.ndarray = self._finer @ model.weights

    def rest_vertices(self, betas: np.ndarray) -> np.ndarray:
        """(V, 3) vertices of the shaped body in rest pose, y up, metres."""
        return self._finer @ self.model.rest_vertices(betas)


@dataclass(frozen=True, eq=False)
class Regions:
    """Where the vertices of a body in rest pose are; arrays (V,), lengths in metres.

    Attributes:
        points: (V, 3).
        joints: Rest positions (3,) of the 24 joints by name.
        arm, head, neck: bool.
        along_arm: 0 at the shoulder, 1 at the wrist.
        along_leg: 0 at the hip, 1 at the ankle.
        face_depth: In front of the head joint.
        above_eyes: Height above the eyes.
    """

    points: np.ndarray
    joints: dict[str, np.ndarray]
    arm: np.ndarray
    head: np.ndarray
    neck: np.ndarray
    along_arm: np.ndarray
    along_leg: np.ndarray
    face_depth: np.ndarray
    above_eyes: np.ndarray

    @classmethod
    def of(cls, points: np.ndarray, rest_joints: np.ndarray, weights: np.ndarray) -> Regions:
        """Of a shaped body, (V, 3), (24, 3), (V, 24)."""
        at = dict(zip(SMPL_JOINTS, rest_joints, strict=True))
        dominant = np.array([name.split("_")[-1] for name in SMPL_JOINTS])[weights.argmax(1)]
        x, y, z = points.T
        shoulder, wrist = at["left_shoulder"][0], at["left_wrist"][0]
        hip, ankle = at["left_hip"][1], at["left_ankle"][1]
        return cls(
            points=points,
            joints=at,
            arm=np.isin(dominant, _ARM_JOINTS),
            head=dominant == "head",
            neck=(dominant == "neck") & (y > at["neck"][1] + 0.01),
            along_arm=(np.abs(x) - shoulder) / (wrist - shoulder),
            along_leg=(hip - y) / (hip - ankle),
            face_depth=z - at["head"][2],
            above_eyes=y - at["head"][1] - 0.045,
        )

    @property
    def arm_length(self) -> float:
        """From shoulder to wrist."""
        return float(self.joints["left_wrist"][0] - self.joints["left_shoulder"][0])

    @property
    def leg_length(self) -> float:
        """From hip to ankle."""
        return float(self.joints["left_hip"][1] - self.joints["left_ankle"][1])


class SkinnedSubject:
    """A coloured surface that follows the skeleton.

    Attributes:
        rest: Surface in rest pose, y up.
        betas: (10,) shape of the body underneath.
    """

    def __init__(self, model: BodyModel, betas: np.ndarray, rest: SurfaceMesh, weights: np.ndarray) -> None:
        self.model = model
        self.betas = betas
        self.rest = rest
        self._weights = weights
        self._rest_joints = model.rest_joints(betas)

    def vertices(self, pose: BodyPose) -> np.ndarray:
        """(V, 3) vertices in the world; the pose's betas are replaced by the subject's."""
        positions, rotations = forward_kinematics(self._rest_joints, pose)
        offsets = positions - np.einsum("jab,jb->ja", rotations, self._rest_joints)
        transforms = np.concatenate([rotations, offsets[:, :, None]], axis=2).reshape(24, 12)
        blended = (self._weights @ transforms).reshape(-1, 3, 4)
        return np.einsum("vab,vb->va", blended[:, :, :3], self.rest.vertices) + blended[:, :, 3]

    def dressed_pose(self, pose: BodyPose, height: float = 0.0) -> BodyPose:
        """The pose with the subject's own shape, standing at a height in metres (shoes included)."""
        shaped = pose.replaced(betas=self.betas)
        lowest = float(self.vertices(shaped)[:, 2].min())
        return shaped.replaced(translation=shaped.translation + np.array([0.0, 0.0, height - lowest]))

    def staged(self, pose: BodyPose) -> Staged:
        """The subject in a pose of its shape."""
        rest = self.rest
        mesh = SurfaceMesh(self.vertices(pose), rest.faces, rest.albedo, rest.gloss, rest.glow)
        body = self.model(pose)
        posed = PosedBody(
            body.keypoints,
            (body.vertices, self.model.faces),
            self.model.rest_vertices(pose.betas),
            self.model.weights.argmax(axis=1),
        )
        return Staged(mesh, posed)

    def random_pair(self, generator: np.random.Generator) -> tuple[Staged, Staged]:
        """The subject in two random poses."""
        first, second = (self.staged(self.dressed_pose(random_pose(generator))) for _ in range(2))
        return first, second
