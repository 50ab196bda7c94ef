"""What of a subject stands off its body: tails, hair, hems. Found among the points that the photos show of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph
from scipy.spatial import cKDTree

from qnerf_core.body.pose import SMPL_PARENTS

# Share of an appendage's points that a joint must hold to have a say in where it goes.
_SAY = 0.1


@dataclass(frozen=True, eq=False)
class Appendage:
    """What hangs together and goes with one joint.

    Attributes:
        joint: The joint.
        points: Which points.
        shares: Of each, 1 where it is all of the appendage, less where it grows out of the body.
    """

    joint: int
    points: np.ndarray
    shares: np.ndarray


def grown_from(points: np.ndarray, near: np.ndarray, reach: float) -> np.ndarray:
    """Find what points grow out of.

    Args:
        points: (N, 3), metres.
        near: (N,) bool, at the body.
        reach: Metres; what is closer together hangs together.

    Returns:
        (N,) the near point whose way to each through the points is shortest, -1 if there is none.
    """
    graph, cell_of = _cells(points, reach)
    holder = np.full(graph.shape[0], -1)
    holder[cell_of[near]] = np.flatnonzero(near)
    starts = np.flatnonzero(holder >= 0)
    _, _, sources = csgraph.dijkstra(graph, directed=False, indices=starts, return_predecessors=True, min_only=True)
    reached = np.where(sources >= 0, holder[np.maximum(sources, 0)], -1)
    return np.asarray(reached[cell_of])


def between_limbs(
    points: np.ndarray, away: np.ndarray, joints: np.ndarray, reach: float, least: float, most: float
) -> Iterator[Appendage]:
    """Find what grows out between limbs that move apart, such as a tail: it goes with what both limbs hang on.

    Args:
        points: (N, 3), metres.
        away: (N,) how far off the body they are, metres.
        joints: (N,) the SMPL joints that hold them.
        reach: As of `grown_from`.
        least, most: Metres off the body from where on a point begins to be of an appendage, and is all of it.

    Yields:
        Each such appendage.
    """
    far = np.flatnonzero(away > most)
    if not len(far):
        return
    graph, cell_of = _cells(points[far], reach)
    labels = csgraph.connected_components(graph, directed=False)[1][cell_of]
    beside = np.flatnonzero((away > least) & (away <= most))
    distance, nearest = cKDTree(points[far]).query(points[beside], distance_upper_bound=most)
    grown = np.isfinite(distance)
    beside, label_beside = beside[grown], labels[nearest[grown]]
    slope = (away[beside] - least) / (most - least)
    for label in np.unique(labels):
        members = far[labels == label]
        joint = _common(np.flatnonzero(np.bincount(joints[members]) >= _SAY * len(members)))
        if joint is not None:
            root = label_beside == label
            chosen = np.concatenate([members, beside[root]])
            share = slope[root] ** 2 * (3 - 2 * slope[root])
            yield Appendage(joint, chosen, np.concatenate([np.ones(len(members)), share]))


def _cells(points: np.ndarray, reach: float) -> tuple[sparse.coo_matrix, np.ndarray]:
    """Graph of the cells that points (N, 3) lie in, edges as long as they are, and (N,) the cell of each."""
    cells, cell_of = np.unique(np.floor(points / reach).astype(np.int64), axis=0, return_inverse=True)
    cell_of = cell_of.ravel()
    counts = np.bincount(cell_of)
    middles = np.stack([np.bincount(cell_of, points[:, axis]) / counts for axis in range(3)], axis=1)
    first, second = cKDTree(middles).query_pairs(2.0 * reach, output_type="ndarray").T
    lengths = np.linalg.norm(middles[first] - middles[second], axis=1)
    return sparse.coo_matrix((lengths, (first, second)), shape=(len(cells), len(cells))), cell_of


def _common(joints: np.ndarray) -> int | None:
    """The joint that all of some hang on, None if one of them hangs on the next."""
    chains = [_chain(int(joint)) for joint in joints]
    if all(a[0] in b or b[0] in a for a in chains for b in chains):
        return None
    return next(joint for joint in chains[0] if all(joint in chain for chain in chains))


def _chain(joint: int) -> list[int]:
    result = [joint]
    while SMPL_PARENTS[result[-1]] >= 0:
        result.append(SMPL_PARENTS[result[-1]])
    return result
