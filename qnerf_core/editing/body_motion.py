"""How an edit moves a body, with its clothes, its hair and its tail."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from qnerf_core.editing.appendages import between_limbs, grown_from
from qnerf_core.editing.motion import Likeness

# Shares of the body's size. What is nearer to the mesh than the first goes with the nearest vertices; what stands
# farther off, such as a tail or long hair, with what it grows out of: points closer together than the second hang
# together. What is farther off than the third belongs to the body as a whole rather than to one limb.
_NEAR, _TOGETHER, _APART = 0.03, 0.02, 0.08
# Share of the body's size: what stands off it and would come to lie lower than this above the ground yields to it.
_YIELDING = 0.04
# Fewest vertices that tell how they turn.
_TURNED = 8
# Vertices that move a point together.
_NEIGHBOURS = 4
# Points that are moved at once: the pictures of a whole capture are millions, and each needs four rotations.
_BLOCK = 65536


@dataclass(frozen=True, eq=False)
class BodyMotion:
    """Of a posed body.

    Attributes:
        before, after: (V, 3) vertices, metres.
        faces: (F, 3).
        joints: (V,) the SMPL joint that each vertex goes with most.
    """

    before: np.ndarray
    after: np.ndarray
    faces: np.ndarray
    joints: np.ndarray

    def carried(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Move points, see `Motion`."""
        if not len(points):
            return np.zeros((0, 3)), np.zeros(0)
        size = float(np.linalg.norm(np.ptp(self.before, axis=0)))
        away, found, weights = self._holders(points, size)
        moved = self._carried_by(points, found, weights)
        joints = self.joints[found[:, 0]]
        for part in between_limbs(points, away, joints, _TOGETHER * size, _NEAR * size, _APART * size):
            held_by = self.joints == part.joint
            # A body of the user's may have joints with which no skin goes most.
            if np.count_nonzero(held_by) >= _TURNED:
                turned = self._with_skin(held_by, points[part.points])
                moved[part.points] += part.shares[:, None] * (turned - moved[part.points])
        off = away > _NEAR * size
        moved[off, 2] = self._above_ground(moved[off, 2], points[off, 2], _YIELDING * size)
        return moved, np.full(len(points), self._growth())

    def likeness(self) -> Likeness:
        """Return all of the body as certain, see `Motion`."""
        nothing = self.faces[:0]
        return Likeness(self.after, self.before, self.faces, nothing, nothing)

    def _holders(self, points: np.ndarray, size: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """How far points (N, 3) are off the body, (N,); vertices (N, K) that they go with; and their weights (N, K)."""
        away, found = cKDTree(self.before).query(points, k=_NEIGHBOURS)
        near = away[:, 0] <= _NEAR * size
        weights = 1.0 / (away**2 + (0.2 * _NEAR * size) ** 2)
        if near.any() and not near.all():
            holders = grown_from(points, near, _TOGETHER * size)
            held = ~near & (holders >= 0)
            found[held], weights[held] = found[holders[held]], weights[holders[held]]
        return away[:, 0], found, weights / weights.sum(axis=1, keepdims=True)

    def _carried_by(self, points: np.ndarray, found: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Points (N, 3) moved and turned as vertices (N, K) are, by their weights (N, K)."""
        used, found = np.unique(found, return_inverse=True)
        found = found.reshape(weights.shape)
        turns, before, after = self._turns()[used], self.before[used], self.after[used]
        moved = np.empty(points.shape)
        for start in range(0, len(points), _BLOCK):
            some = slice(start, start + _BLOCK)
            offsets = points[some, None] - before[found[some]]
            carried = after[found[some]] + np.einsum("nkij,nkj->nki", turns[found[some]], offsets)
            moved[some] = (carried * weights[some, :, None]).sum(axis=1)
        return moved

    def _with_skin(self, own: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Points (N, 3) moved as one with some of the vertices, (V,) bool."""
        before, after = self.before[own], self.after[own]
        turn, _ = Rotation.align_vectors(after - after.mean(axis=0), before - before.mean(axis=0))
        return np.asarray(turn.apply(points - before.mean(axis=0)) + after.mean(axis=0))

    def _above_ground(self, heights: np.ndarray, before: np.ndarray, yielding: float) -> np.ndarray:
        """Heights (N,) after the edit of what was at heights `before` (N,), on the ground instead of below it."""
        ground = min(float(vertices[:, 2].min()) for vertices in (self.before, self.after))
        over = np.minimum((heights - ground) / yielding - 1, 0)
        pressed = np.where(over < 0, ground + yielding * np.exp(over), heights)
        # What lay there already is not raised.
        return np.maximum(heights, np.minimum(pressed, before))

    def _growth(self) -> float:
        """How many times as large the body becomes; where a joint bends, skin stretches, and no more is carried."""
        before, after = (
            np.linalg.norm(vertices[self.faces[:, 0]] - vertices[self.faces[:, 1]], axis=1)
            for vertices in (self.before, self.after)
        )
        return float(np.median(after[before > 0] / before[before > 0]))

    def _turns(self) -> np.ndarray:
        """(V, 3, 3) rotations of the surface at the vertices."""
        frames = [_frames(vertices[self.faces]) for vertices in (self.before, self.after)]
        turned = np.einsum("fij,fkj->fik", frames[1], frames[0])
        sums = np.zeros((len(self.before), 3, 3))
        for corner in range(3):
            np.add.at(sums, self.faces[:, corner], turned)
        left, _, right = np.linalg.svd(sums)
        left[..., -1] *= np.sign(np.linalg.det(left @ right))[:, None]
        return left @ right


def _frames(corners: np.ndarray) -> np.ndarray:
    """(F, 3, 3) of triangles (F, 3, 3): columns along the first edge, across it, and normal."""
    along = _unit(corners[:, 1] - corners[:, 0])
    normal = _unit(np.cross(along, corners[:, 2] - corners[:, 0]))
    return np.stack([along, np.cross(normal, along), normal], axis=-1)


def _unit(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
