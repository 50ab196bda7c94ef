"""A posed body as one vector of numbers, evaluated many at a time: what a fit changes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from qnerf_core.body.keypoints import KEYPOINTS
from qnerf_core.body.limits import LOWER, TWIST_AXIS, UPPER, from_swing_twist, swing_twist
from qnerf_core.body.openpose import FACE_VERTEX_NAMES
from qnerf_core.body.pose import BETA_COUNT, PROPORTIONS, SMPL_JOINTS, SMPL_PARENTS, BodyPose
from qnerf_core.body.proportions import stretched_joints, stretched_vertices
from qnerf_core.body.rest_body import RestBody
from qnerf_core.body.rotations import exponential

# Turn of the root from a base orientation; swing and twist of the joints; place of the pelvis; logarithms of the
# proportions, the size first; betas.
TURN, JOINTS, PLACE = slice(0, 3), slice(3, 72), slice(72, 75)
SIZE, PARTS, SHAPE = slice(75, 76), slice(76, 75 + len(PROPORTIONS)), slice(87, 87 + BETA_COUNT)
LENGTH = 97
NUDGE = 1e-5

_JOINT_OF = {name: SMPL_JOINTS.index(name) for name in KEYPOINTS if name in SMPL_JOINTS}


def _limits() -> tuple[np.ndarray, np.ndarray]:
    low, high = np.full(LENGTH, -np.inf), np.full(LENGTH, np.inf)
    low[JOINTS], high[JOINTS] = LOWER.ravel(), UPPER.ravel()
    low[PARTS], high[PARTS] = np.log(0.2), np.log(5.0)
    low[SHAPE], high[SHAPE] = -4.0, 4.0
    return low, high


LOWEST, HIGHEST = _limits()
"""(97,) what a vector must lie within."""


@dataclass(frozen=True, eq=False)
class Posed:
    """Joints (..., 24, 3), keypoints (..., 22, 3) and chosen vertices (..., N, 3) of bodies, world."""

    joints: np.ndarray
    keypoints: np.ndarray
    vertices: np.ndarray


class BodyVectors:
    """A body whose poses are vectors, with some of its vertices.

    Pose correctives of the skin are left out: they hardly move the face, and silhouettes less than clothes do.
    """

    def __init__(self, body: RestBody, rows: np.ndarray | None = None) -> None:
        """Take the body apart.

        Args:
            body: Any.
            rows: Which vertices are wanted, besides those of the face.
        """
        chosen = np.empty(0, dtype=int) if rows is None else np.asarray(rows)
        face = [body.face_vertices[name] for name in FACE_VERTEX_NAMES]
        rows = np.concatenate([np.array(face, dtype=int), chosen])
        units = np.eye(BETA_COUNT)
        nothing = np.zeros(BETA_COUNT)
        self._joints = body.rest_joints(nothing)
        self._joint_slopes = np.stack([body.rest_joints(unit) - self._joints for unit in units])
        self._points = body.rest_vertices(nothing)[rows]
        self._point_slopes = np.stack([body.rest_vertices(unit)[rows] - self._points for unit in units])
        self._weights = body.weights[rows]

    def pose(self, vector: np.ndarray, base: np.ndarray) -> BodyPose:
        """The pose of a vector.

        Args:
            vector: (97,).
            base: (3, 3) orientation of the root that the vector turns.
        """
        proportions, betas = np.exp(vector[75:87]), vector[SHAPE]
        pelvis = stretched_joints(self._joints + np.tensordot(betas, self._joint_slopes, 1), proportions)[0]
        orient = Rotation.from_matrix(exponential(vector[None, TURN])[0][0] @ base).as_rotvec()
        angles = from_swing_twist(vector[JOINTS].reshape(23, 3))
        return BodyPose(orient, angles, betas, vector[PLACE] - pelvis, proportions)

    def vector(self, pose: BodyPose) -> tuple[np.ndarray, np.ndarray]:
        """The vector (97,) of a pose, and the base (3, 3) from which it does not turn."""
        vector = np.zeros(LENGTH)
        vector[JOINTS] = swing_twist(pose.body_pose).ravel()
        vector[75:87], vector[SHAPE] = np.log(pose.proportions), pose.betas
        joints = stretched_joints(self._joints + np.tensordot(pose.betas, self._joint_slopes, 1), pose.proportions)
        vector[PLACE] = pose.translation + joints[0]
        return vector, pose.rotations[0]

    def posed(self, vectors: np.ndarray, base: np.ndarray) -> Posed:
        """Evaluate many.

        Args:
            vectors: (B, 97).
            base: (3, 3).
        """
        proportions, betas = np.exp(vectors[:, 75:87]), vectors[:, SHAPE]
        usual = self._joints + np.tensordot(betas, self._joint_slopes, 1)
        points = self._points + np.tensordot(betas, self._point_slopes, 1)
        points = stretched_vertices(points, usual, self._weights, proportions)
        rest = stretched_joints(usual, proportions)
        local = self._rotations(vectors, base)
        positions, rotations = np.empty_like(rest), np.empty_like(local)
        positions[:, 0], rotations[:, 0] = vectors[:, PLACE], local[:, 0]
        for joint in range(1, 24):
            parent = SMPL_PARENTS[joint]
            offset = rest[:, joint] - rest[:, parent]
            positions[:, joint] = positions[:, parent] + (rotations[:, parent] @ offset[..., None])[..., 0]
            rotations[:, joint] = rotations[:, parent] @ local[:, joint]
        shifts = positions - (rotations @ rest[..., None])[..., 0]
        transforms = np.concatenate([rotations.reshape(len(vectors), 24, 9), shifts], axis=2)
        blended = self._weights @ transforms
        turned = blended[..., :9].reshape(*blended.shape[:2], 3, 3) @ points[..., None]
        vertices = turned[..., 0] + blended[..., 9:]
        return Posed(positions, self._keypoints(positions, vertices), vertices[:, len(FACE_VERTEX_NAMES) :])

    def _rotations(self, vectors: np.ndarray, base: np.ndarray) -> np.ndarray:
        count = len(vectors)
        coordinates = vectors[:, JOINTS].reshape(count * 23, 3)
        twist = np.where(np.arange(3) == np.tile(TWIST_AXIS, count)[:, None], coordinates, 0.0)
        both = exponential(np.concatenate([coordinates - twist, twist]))[0]
        local = (both[: count * 23] @ both[count * 23 :]).reshape(count, 23, 3, 3)
        root = exponential(vectors[:, TURN])[0] @ base
        return np.concatenate([root[:, None], local], axis=1)

    def _keypoints(self, joints: np.ndarray, vertices: np.ndarray) -> np.ndarray:
        columns = [
            joints[:, _JOINT_OF[name]] if name in _JOINT_OF else vertices[:, FACE_VERTEX_NAMES.index(name)]
            for name in KEYPOINTS
        ]
        return np.stack(columns, axis=1)

    def nudged(self, vector: np.ndarray, base: np.ndarray, free: np.ndarray) -> Posed:
        """A body, and how it is when some of its numbers are larger by `NUDGE`, for differences.

        Args:
            vector: (97,).
            base: (3, 3).
            free: (F,) indices.

        Returns:
            Of shapes (F + 1, ...), the body itself first.
        """
        moved = np.tile(vector, (len(free) + 1, 1))
        moved[np.arange(len(free)) + 1, free] += NUDGE
        return self.posed(moved, base)
