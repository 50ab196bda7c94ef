"""Where a fit starts: keypoints triangulated, sides put right, the body placed by its trunk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from qnerf_core.body.body_vector import JOINTS, LENGTH, PLACE, SIZE, BodyVectors
from qnerf_core.body.keypoints import KEYPOINTS, Keypoints
from qnerf_core.body.pose_prior import MEAN
from qnerf_core.body.triangulation import OUTLIER, Looks, Triangulated, triangulate
from qnerf_core.errors import KeypointsError
from qnerf_core.scene.scene import Scene


def _other_side(name: str) -> str:
    if name.startswith("left"):
        return name.replace("left", "right", 1)
    return name.replace("right", "left", 1)


PARTNER = np.array([KEYPOINTS.index(_other_side(name)) for name in KEYPOINTS])
"""(22,) of every keypoint the one of the other side."""

_LIMBS: Mapping[str, tuple[str, ...]] = {
    "arms": ("shoulder", "elbow", "wrist", "hand"),
    "legs": ("hip", "knee", "ankle", "foot"),
    "face": ("eye", "ear"),
}
_TRUNK = ("left_shoulder", "right_shoulder", "left_hip", "right_hip", "neck")
_LEAST_POINTS = 4
# Of points beside the line through them.
_LEAST_SPREAD = 1e-3
# Metres, on a body of a person's size.
_QUITE_WRONG = 0.15
# Sides are exchanged where that explains this much more.
_SWAP_GAIN = 0.35


@dataclass(frozen=True, eq=False)
class Seen:
    """All looks at a subject: N looks, the keypoint (N,) and the view (N,) of each."""

    looks: Looks
    keypoints: np.ndarray
    views: tuple[str, ...]

    @classmethod
    def of(cls, keypoints: Keypoints, scene: Scene, noise: float) -> Seen:
        """Collect what was seen.

        Args:
            keypoints: In the scene's views.
            scene: The capture.
            noise: How far looks may be off, as a share of the picture's longer side.

        Raises:
            CaptureError: A view is not in the scene.
        """
        cameras = [scene.view(one.view).camera for one in keypoints]
        pixels = np.array([(one.x, one.y) for one in keypoints]).reshape(-1, 2)
        weights = np.array([one.confidence for one in keypoints])
        names = np.array([KEYPOINTS.index(one.keypoint) for one in keypoints], dtype=int)
        return cls(Looks.of(cameras, pixels, weights, noise), names, tuple(one.view for one in keypoints))

    def triangulated(self) -> dict[int, Triangulated]:
        """The points that two or more looks agree on, by the keypoint's index."""
        found = {}
        for keypoint in np.unique(self.keypoints):
            point = triangulate(self.looks.chosen(self.keypoints == keypoint))
            if point is not None:
                found[int(keypoint)] = point
        return found

    def mirrored(self) -> Seen:
        """The same with left and right exchanged everywhere."""
        return Seen(self.looks, PARTNER[self.keypoints], self.views)


def put_right(seen: Seen) -> tuple[Seen, np.ndarray]:
    """Exchange left and right of limbs in views where that agrees much better with the other views.

    Args:
        seen: All looks.

    Returns:
        The looks with their sides put right, and which (N,) were exchanged.
    """
    points = seen.triangulated()
    exchanged = np.zeros(len(seen.keypoints), dtype=bool)
    for view in dict.fromkeys(seen.views):
        in_view = np.array([name == view for name in seen.views])
        for kinds in _LIMBS.values():
            known = np.array([k in points and int(PARTNER[k]) in points for k in seen.keypoints])
            sided = np.array([KEYPOINTS[k].split("_")[-1] in kinds for k in seen.keypoints])
            rows = np.nonzero(in_view & known & sided)[0]
            if len(rows) < 3:
                continue
            costs = []
            for labels in (seen.keypoints[rows], PARTNER[seen.keypoints[rows]]):
                places = np.stack([points[int(label)].position for label in labels])
                costs.append(float((np.minimum(seen.looks.chosen(rows).off(places), 2 * OUTLIER) ** 2).sum()))
            if costs[1] < _SWAP_GAIN * costs[0] and costs[0] - costs[1] > len(rows) * OUTLIER**2 / 2:
                exchanged[rows] = True
    labels = np.where(exchanged, PARTNER[seen.keypoints], seen.keypoints)
    return Seen(seen.looks, labels, seen.views), exchanged


def placed(
    vectors: BodyVectors, points: Mapping[int, Triangulated], size: float | None
) -> tuple[np.ndarray, np.ndarray]:
    """Place a relaxed body by the points of its trunk, or by all if too few of these are known.

    Args:
        vectors: The body.
        points: What was triangulated.
        size: Of the body; None finds it.

    Returns:
        The vector (97,) and the base (3, 3) of its root.

    Raises:
        KeypointsError: Under four points are known, or they lie on a line.
    """
    if len(points) < _LEAST_POINTS:
        names = ", ".join(KEYPOINTS[index].replace("_", " ") for index in points)
        raise KeypointsError(
            "A body cannot be fitted yet",
            f"only {len(points)} keypoints are seen in two pictures from different sides ({names or 'none'})",
            "Click both shoulders and both hips in at least two pictures.",
        )
    vector = np.zeros(LENGTH)
    vector[JOINTS] = MEAN.ravel()
    rest = vectors.posed(vector[None], np.eye(3)).keypoints[0]
    trunk = [KEYPOINTS.index(name) for name in _TRUNK if KEYPOINTS.index(name) in points]
    chosen = trunk if len(trunk) >= _LEAST_POINTS - 1 else sorted(points)
    turn, found, shift = _agreeing(rest[chosen], np.stack([points[index].position for index in chosen]), size)
    vector[SIZE], vector[PLACE] = np.log(found), shift
    return vector, turn


def _agreeing(model: np.ndarray, places: np.ndarray, size: float | None) -> tuple[np.ndarray, float, np.ndarray]:
    """The similarity of those of the points that most others agree with: one of the trunk's may be quite wrong."""
    best, best_cost = None, np.inf
    everything = range(len(model))
    counts = range(3, len(model) + 1) if len(model) <= len(_TRUNK) else (len(model),)
    for count in counts:
        for subset in combinations(everything, count):
            rows = list(subset)
            found = _similarity(model[rows], places[rows])
            if found is None:
                continue
            turn, scale, shift = found
            if size is not None:
                scale, shift = size, places[rows].mean(axis=0) - size * turn @ model[rows].mean(axis=0)
            off = np.linalg.norm(scale * model @ turn.T + shift - places, axis=1) / scale
            cost = float((np.minimum(off, _QUITE_WRONG) ** 2).sum())
            if cost < best_cost:
                best, best_cost = (turn, scale, shift), cost
    if best is None:
        raise KeypointsError(
            "A body cannot be fitted yet",
            "the keypoints seen in two pictures lie on one line",
            "Click both shoulders and both hips.",
        )
    return best


def _similarity(model: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, float, np.ndarray] | None:
    """Umeyama's (1991) rotation, scale and shift from model points to places, (N, 3) each; None if on a line."""
    centred, around = model - model.mean(axis=0), places - places.mean(axis=0)
    left, spread, right = np.linalg.svd(around.T @ centred)
    if spread[1] < _LEAST_SPREAD * max(spread[0], 1e-12):
        return None
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    turn = left @ np.diag(sign) @ right
    scale = float((spread * sign).sum() / (centred**2).sum())
    return turn, scale, places.mean(axis=0) - scale * turn @ model.mean(axis=0)
