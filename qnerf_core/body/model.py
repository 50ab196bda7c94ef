"""The SMPL body model: a file in SMPL's schema in, posed vertices, joints and OpenPose keypoints out."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass

import numpy as np
import smplx
import torch
from smplx.utils import Struct

from qnerf_core.body.model_file import SmplData
from qnerf_core.body.pose import BodyPose
from qnerf_core.body.rest_body import RestBody


@dataclass(frozen=True, eq=False)
class BodyOutput:
    """A posed body in world coordinates, metres: vertices (V, 3), joints (24, 3), OpenPose-18 keypoints (18, 3)."""

    vertices: np.ndarray
    joints: np.ndarray
    keypoints: np.ndarray


class BodyModel(RestBody):
    """An SMPL body evaluated by `smplx`, the reference of `BodySurface`."""

    def __init__(self, data: SmplData, name: str) -> None:
        super().__init__(data, name)
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
        return BodyOutput(vertices, joints, self._keypoints(joints, vertices[self._face_rows]))

    def vertices(self, pose: BodyPose) -> np.ndarray:
        """(V, 3) float32 vertices of the posed body in the world, metres."""
        return self(pose).vertices
