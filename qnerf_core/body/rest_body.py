"""What every evaluation of an SMPL body shares: the shaped body at rest, its mesh, and where keypoints are read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Self

import numpy as np

from qnerf_core import assets
from qnerf_core.body.model_file import SmplData, read_body_file
from qnerf_core.body.openpose import KEYPOINT_SOURCES
from qnerf_core.body.pose import BodyPose
from qnerf_core.body.proportions import stretched_joints, stretched_vertices


class RestBody(ABC):
    """An SMPL body at rest; subclasses pose it.

    Attributes:
        name: Where the body came from, for settings and messages.
        faces: (F, 3) triangles.
        weights: (V, 24) skinning weights.
        face_vertices: Row of the vertex of each of OpenPose's face keypoints.
    """

    def __init__(self, data: SmplData, name: str) -> None:
        self.name = name
        self.faces: np.ndarray = data.faces
        self.weights: np.ndarray = data.weights
        self.face_vertices = dict(data.face_vertices)
        self._template = data.template
        self._shape_directions = data.shape_directions
        # Joints are linear in the vertices and so in the shape: regressed once, not at every look.
        self._joint_template = data.joint_regressor @ data.template
        self._joint_directions = np.einsum("jv,vcb->jcb", data.joint_regressor, data.shape_directions)
        self._face_rows = [data.face_vertices[source] for source in KEYPOINT_SOURCES if isinstance(source, str)]
        self._face_slots = [slot for slot, source in enumerate(KEYPOINT_SOURCES) if isinstance(source, str)]
        self._joint_rows = [source for source in KEYPOINT_SOURCES if not isinstance(source, str)]
        self._joint_slots = [slot for slot, source in enumerate(KEYPOINT_SOURCES) if not isinstance(source, str)]

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """Loads a body in SMPL's schema.

        Args:
            path: `.npz` or `.pkl` (SMPL_NEUTRAL and the like); the built-in body if None.

        Raises:
            BodyModelError: The file is missing, unreadable or not in SMPL's schema.
        """
        source = Path(path) if path is not None else assets.body_file()
        return cls(read_body_file(source), source.name)

    def rest_joints(self, betas: np.ndarray, proportions: np.ndarray | None = None) -> np.ndarray:
        """Joints of the shaped body in rest pose.

        Args:
            betas: (10,) shape.
            proportions: (12,) factors of `PROPORTIONS`; None is a person's.

        Returns:
            (24, 3) in SMPL's y-up frame, metres.
        """
        joints = self._joint_template + self._joint_directions @ betas
        if proportions is None or _are_usual(proportions):
            return joints
        return stretched_joints(joints, proportions)

    def rest_vertices(self, betas: np.ndarray, proportions: np.ndarray | None = None) -> np.ndarray:
        """Vertices of the shaped body in rest pose.

        Args:
            betas: (10,) shape.
            proportions: (12,) factors of `PROPORTIONS`; None is a person's.

        Returns:
            (V, 3) in SMPL's y-up frame, metres.
        """
        vertices = self._template + self._shape_directions @ betas
        if proportions is None or _are_usual(proportions):
            return vertices
        return stretched_vertices(vertices, self.rest_joints(betas), self.weights, proportions)

    @abstractmethod
    def vertices(self, pose: BodyPose) -> np.ndarray:
        """(V, 3) vertices of the posed body in the world, metres."""

    def on_floor(self, pose: BodyPose, height: float = 0.0) -> BodyPose:
        """The same pose moved vertically so that its lowest vertex is at `height` metres."""
        lowest = float(self.vertices(pose)[:, 2].min())
        return pose.replaced(translation=pose.translation + np.array([0.0, 0.0, height - lowest]))

    def _keypoints(self, joints: np.ndarray, face_points: np.ndarray) -> np.ndarray:
        """OpenPose-18 of posed joints (24, 3) and the posed face vertices (5, 3), in the order of `_face_rows`."""
        keypoints = np.empty((len(KEYPOINT_SOURCES), 3), dtype=joints.dtype)
        keypoints[self._joint_slots] = joints[self._joint_rows]
        keypoints[self._face_slots] = face_points
        return keypoints


def _are_usual(proportions: np.ndarray) -> bool:
    return bool((proportions == 1.0).all())
