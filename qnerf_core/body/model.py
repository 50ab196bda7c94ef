"""The SMPL body model: a file in SMPL's schema in, posed vertices, joints and OpenPose keypoints out."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass

import numpy as np
import smplx
import torch
from smplx.lbs import batch_rigid_transform, batch_rodrigues
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
            vertices, joints = self._posed(pose) if (pose.proportions == 1.0).all() else self._stretched(pose)
        return BodyOutput(vertices, joints, self._keypoints(joints, vertices[self._face_rows]))

    def _posed(self, pose: BodyPose) -> tuple[np.ndarray, np.ndarray]:
        result = self._smpl(
            betas=_tensor(pose.betas[None]),
            body_pose=_tensor(pose.body_pose.reshape(1, -1)),
            global_orient=_tensor(pose.global_orient[None]),
            transl=_tensor(pose.translation[None]),
        )
        return result.vertices[0].numpy(), result.joints[0, :24].numpy()

    def _stretched(self, pose: BodyPose) -> tuple[np.ndarray, np.ndarray]:
        """As smplx's `lbs`, whose own joints would be those of a body with a person's proportions."""
        rest = _tensor(self.rest_vertices(pose.betas, pose.proportions)[None])
        joints = _tensor(self.rest_joints(pose.betas, pose.proportions)[None])
        rotations = batch_rodrigues(_tensor(np.concatenate([pose.global_orient[None], pose.body_pose])))[None]
        feature = (rotations[:, 1:] - torch.eye(3)).reshape(1, -1)
        rest = rest + float(pose.proportions[0]) * (feature @ self._smpl.posedirs).reshape(1, -1, 3)
        posed_joints, transforms = batch_rigid_transform(rotations, joints, self._smpl.parents)
        blended = (self._smpl.lbs_weights @ transforms.reshape(1, 24, 16)).reshape(1, -1, 4, 4)
        vertices = (blended[..., :3, :3] @ rest[..., None])[..., 0] + blended[..., :3, 3]
        shift = _tensor(pose.translation)
        return (vertices[0] + shift).numpy(), (posed_joints[0] + shift).numpy()

    def vertices(self, pose: BodyPose) -> np.ndarray:
        """(V, 3) float32 vertices of the posed body in the world, metres."""
        return self(pose).vertices


def _tensor(values: np.ndarray) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32)
