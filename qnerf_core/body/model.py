"""The SMPL body model: a file in SMPL's schema in, posed vertices, joints and OpenPose keypoints out."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import smplx
import torch
from smplx.utils import Struct

from qnerf_core import assets
from qnerf_core.body.model_file import SmplData, read_body_file
from qnerf_core.body.openpose import KEYPOINT_SOURCES
from qnerf_core.body.pose import BodyPose


@dataclass(frozen=True, eq=False)
class BodyOutput:
    """A posed body in world coordinates, metres: vertices (V, 3), joints (24, 3), OpenPose-18 keypoints (18, 3)."""

    vertices: np.ndarray
    joints: np.ndarray
    keypoints: np.ndarray


class BodyModel:
    """An SMPL body evaluated by `smplx`.

    Attributes:
        faces: (F, 3) triangles.
        weights: (V, 24) skinning weights.
        name: Where the body came from, for settings and messages.
    """

    def __init__(self, data: SmplData, name: str) -> None:
        self.name = name
        self.faces: np.ndarray = data.faces
        self.weights: np.ndarray = data.weights
        self._face_vertices = dict(data.face_vertices)
        self._template = data.template
        self._shape_directions = data.shape_directions
        self._joint_regressor = data.joint_regressor
        struct = Struct(
            v_template=data.template,
            shapedirs=data.shape_directions,
            posedirs=data.pose_directions,
            J_regressor=data.joint_regressor,
            weights=data.weights,
            kintree_table=data.kinematic_tree,
            f=data.faces,
        )
        # smplx prints a warning for every body with ten shape components, which is the schema's usual number.
        with contextlib.redirect_stdout(io.StringIO()):
            self._smpl = smplx.SMPL(
                model_path="",
                data_struct=struct,
                vertex_ids={"nose": 0, "reye": 0, "leye": 0, "rear": 0, "lear": 0},
                use_hands=False,
                use_feet_keypoints=False,
                dtype=torch.float32,
            )

    @classmethod
    def load(cls, path: Path | None = None) -> BodyModel:
        """Loads a body in SMPL's schema.

        Args:
            path: `.npz` or `.pkl` (SMPL_NEUTRAL and the like); the built-in body if None.

        Raises:
            BodyModelError: The file is missing, unreadable or not in SMPL's schema.
        """
        source = Path(path) if path is not None else assets.body_file()
        return cls(read_body_file(source), source.name)

    def rest_joints(self, betas: np.ndarray) -> np.ndarray:
        """(24, 3) joints of the shaped body in rest pose, SMPL's y-up frame, metres, for betas (10,)."""
        return self._joint_regressor @ self.rest_vertices(betas)

    def rest_vertices(self, betas: np.ndarray) -> np.ndarray:
        """(V, 3) vertices of the shaped body in rest pose, SMPL's y-up frame, metres, for betas (10,)."""
        return self._template + self._shape_directions @ betas

    def __call__(self, pose: BodyPose) -> BodyOutput:
        """Poses the body."""
        with torch.no_grad():
            result = self._smpl(
                betas=torch.tensor(pose.betas[None], dtype=torch.float32),
                body_pose=torch.tensor(pose.body_pose.reshape(1, -1), dtype=torch.float32),
                global_orient=torch.tensor(pose.global_orient[None], dtype=torch.float32),
                transl=torch.tensor(pose.translation[None], dtype=torch.float32),
            )
        vertices = result.vertices[0].numpy()
        joints = result.joints[0, :24].numpy()
        keypoints = np.stack(
            [
                vertices[self._face_vertices[source]] if isinstance(source, str) else joints[source]
                for source in KEYPOINT_SOURCES
            ]
        )
        return BodyOutput(vertices=vertices, joints=joints, keypoints=keypoints)

    def on_floor(self, pose: BodyPose, height: float = 0.0) -> BodyPose:
        """The same pose moved vertically so that its lowest vertex is at `height` metres."""
        lowest = float(self(pose).vertices[:, 2].min())
        return pose.replaced(translation=pose.translation + np.array([0.0, 0.0, height - lowest]))
