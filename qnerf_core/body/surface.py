"""The posed surface of an SMPL body in numpy: what the window draws while a joint is dragged, without torch.

The rule is SMPL's (Loper et al., SIGGRAPH Asia 2015, equations 2 to 6): shape and pose correctives are added to the
template, then every vertex follows the blend of its joints' transforms. Few joints move a vertex (1.6 in the mean), so
the blend is one sparse product.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from qnerf_core.body.model_file import SmplData
from qnerf_core.body.pose import BodyPose, forward_kinematics
from qnerf_core.body.rest_body import RestBody


class BodySurface(RestBody):
    """An SMPL body evaluated by numpy; the twin of `BodyModel`, equal to it within single precision.

    It keeps the last shape, so that posing one body again and again costs a few milliseconds.
    """

    def __init__(self, data: SmplData, name: str) -> None:
        super().__init__(data, name)
        self._skin = _Skin(data, None)
        self._face_skin = _Skin(data, np.array(self._face_rows))
        self._shape = _Shape(np.empty(0), np.empty(0), np.empty(0), 1.0)

    def vertices(self, pose: BodyPose) -> np.ndarray:
        """Skins the body.

        Args:
            pose: The pose.

        Returns:
            (V, 3) float32 in the world, metres.
        """
        shape = self._shaped(pose)
        return self._skin.posed(shape, pose)

    def joints(self, pose: BodyPose) -> np.ndarray:
        """(24, 3) float64 joints of the posed body in the world, metres."""
        return forward_kinematics(self._shaped(pose).joints, pose)[0]

    def keypoints(self, pose: BodyPose) -> np.ndarray:
        """(18, 3) float64 OpenPose-18 keypoints of the posed body in the world, metres."""
        shape = self._shaped(pose)
        return self._keypoints(self.joints(pose), self._face_skin.posed(shape, pose))

    def _shaped(self, pose: BodyPose) -> _Shape:
        key = np.concatenate([pose.betas, pose.proportions])
        if not np.array_equal(self._shape.key, key):
            shape = (pose.betas, pose.proportions)
            self._shape = _Shape(key, self.rest_vertices(*shape), self.rest_joints(*shape), float(pose.proportions[0]))
        return self._shape


class _Shape:
    """The body of one shape at rest."""

    def __init__(self, key: np.ndarray, vertices: np.ndarray, joints: np.ndarray, size: float) -> None:
        self.key, self.vertices, self.joints, self.size = key, vertices, joints, size


class _Skin:
    """Linear blend skinning of some of the vertices (None: of all)."""

    def __init__(self, data: SmplData, rows: np.ndarray | None) -> None:
        chosen = slice(None) if rows is None else rows
        weights = sparse.csr_matrix(data.weights[chosen])
        self._weights = weights.data[:, None]
        self._owners = np.repeat(np.arange(weights.shape[0]), np.diff(weights.indptr))
        # Row v holds weight * (x, y, z, 1) of the vertex at the four columns of every joint that moves it.
        columns = (4 * weights.indices[:, None] + np.arange(4)).ravel()
        self._blend = sparse.csr_matrix(
            (np.empty(len(columns), dtype=np.float32), columns, 4 * weights.indptr), shape=(weights.shape[0], 4 * 24)
        )
        correctives = data.pose_directions[chosen]
        # The built-in body has none.
        self._correctives = (
            correctives.reshape(-1, correctives.shape[2]).astype(np.float32) if correctives.any() else None
        )
        self._chosen = chosen
        self._rest: np.ndarray | None = None

    def posed(self, shape: _Shape, pose: BodyPose) -> np.ndarray:
        rest, joints = shape.vertices, shape.joints
        if self._correctives is not None:
            feature = (pose.rotations[1:] - np.eye(3)).ravel().astype(np.float32)
            rest = rest.copy()
            rest[self._chosen] += shape.size * (self._correctives @ feature).reshape(-1, 3)
        if self._rest is not rest:
            chosen = rest[self._chosen]
            points = np.concatenate([chosen, np.ones((len(chosen), 1))], axis=1)
            self._blend.data = (self._weights * points[self._owners]).ravel().astype(np.float32)
            self._rest = rest
        positions, rotations = forward_kinematics(joints, pose)
        transforms = np.empty((24, 4, 3), dtype=np.float32)
        transforms[:, :3] = rotations.transpose(0, 2, 1)
        transforms[:, 3] = positions - np.einsum("jab,jb->ja", rotations, joints)
        return self._blend @ transforms.reshape(-1, 3)
