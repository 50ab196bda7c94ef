"""How an edit moves what a loose proxy holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from qnerf_core.editing.motion import Likeness
from qnerf_core.proxy.correspondence import places_before
from qnerf_core.proxy.model import SMALLEST, DepthProxy, ProxyPart

# Share of the subject's size off a part's surface that counts as much as the way from its middle to it.
_REACH = 0.06
# Difference of depths, as a share of the way from the middle to the surface, over which parts share what they hold.
_SHARED = 0.1
# Axes about which parts are round; others have three pairs of faces.
_ROUND = {"cylinder": ([0, 1], [2]), "ellipsoid": ([0, 1, 2],), "capsule": ([0, 1, 2],), "blob": ([0, 1, 2],)}
# Vertices of a sculpted mesh that move a point together.
_NEIGHBOURS = 4


@dataclass(frozen=True, eq=False)
class ProxyMotion:
    """How a proxy takes what is in it along.

    A point goes with the part that holds it deepest, and where several hold it about as deep, with all of them, so
    that nothing tears between them.

    Attributes:
        source: Before.
        target: After.
    """

    source: DepthProxy
    target: DepthProxy

    def carried(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Move points.

        Args:
            points: (N, 3) world, metres.

        Returns:
            (N, 3), not a number where the part that holds a point is no more, and (N,) how many times as long the
            parts that hold it become, along the axis that grows most.
        """
        if not self.source.parts or not len(points):
            return np.full(points.shape, np.nan), np.ones(len(points))
        reach = _REACH * float(np.linalg.norm(np.ptp(self.source.mesh()[0], axis=0)))
        depths = np.stack([_depth(part, points, reach) for part in self.source.parts])
        gone = np.array([part.name not in self.target.names for part in self.source.parts])
        shares = np.exp((depths.min(axis=0) - depths) / _SHARED)
        shares[gone] = 0.0
        result, growth = np.zeros(points.shape), np.zeros(len(points))
        for part, share in zip(self.source.parts, shares, strict=True):
            if share.any():
                after = self.target.part(part.name)
                result += share[:, None] * _with_part(part, after, points)
                growth += share * (after.size / part.size).max()
        lost = gone[np.argmin(depths, axis=0)]
        total = np.where(lost, np.nan, shares.sum(axis=0))
        return result / total[:, None], growth / total

    def likeness(self) -> Likeness:
        """Return new parts as such, and all others as possible: there may be less than they hold. See `Motion`."""
        vertices, faces = self.target.mesh()
        solids = [part for part in self.target.parts if part.kind != "blob"]
        new = [np.full(len(part.mesh[1]), part.name not in self.source.names) for part in solids]
        added = np.concatenate([*new, np.zeros(len(faces), dtype=bool)])[: len(faces)]
        return Likeness(vertices, places_before(self.source, self.target), faces[:0], faces[added], faces[~added])


def _depth(part: ProxyPart, points: np.ndarray, reach: float) -> np.ndarray:
    """How deep points (N, 3) are in a part: 0 in its middle, 1 on its surface, one more for every `reach` metres off.

    Off their surfaces parts compare by distance: by their own size, small ones would lose what is beside them.
    """
    unit, size = part.to_unit(points), part.size
    if part.vertices is not None:
        low, high = part.vertices.min(axis=0), part.vertices.max(axis=0)
        extent = np.maximum(high - low, SMALLEST)
        unit, size = (unit - (low + high) / 2) / extent, size * extent
    elif part.kind == "capsule":
        # As far from the nearest place on its axis as from the middle of a ball.
        round_end = min(size[:2].mean(), size[2])
        along = unit[:, 2] * size[2]
        straight = (size[2] - round_end) / 2
        along = along - np.clip(along, -straight, straight)
        size = np.array([size[0], size[1], round_end])
        unit = np.column_stack([unit[:, :2], along / round_end])
    within, off = [], []
    for axes in _ROUND.get(part.kind, ([0], [1], [2])):
        length = np.linalg.norm(unit[:, axes], axis=1)
        within.append(2 * length)
        # Distance of first order: how much too long, by how fast that grows (Taubin, PAMI 1991).
        steepness = 2 * np.linalg.norm(unit[:, axes] / size[axes], axis=1)
        beyond = np.maximum(2 * length - 1, 0)
        off.append(np.divide(beyond * length, steepness, out=np.zeros_like(length), where=beyond > 0))
    return np.asarray(np.minimum(np.max(within, axis=0), 1.0) + np.linalg.norm(off, axis=0) / reach)


def _with_part(before: ProxyPart, after: ProxyPart, points: np.ndarray) -> np.ndarray:
    unit = before.to_unit(points)
    if before.vertices is not None and after.vertices is not None and before.has_faces_of(after):
        away, found = cKDTree(before.vertices).query(unit, k=min(_NEIGHBOURS, len(before.vertices)))
        shifts = (after.vertices - before.vertices)[found].reshape(len(unit), -1, 3)
        weights = 1.0 / (away.reshape(len(unit), -1) ** 2 + SMALLEST)
        unit = unit + (shifts * weights[..., None]).sum(axis=1) / weights.sum(axis=1)[:, None]
    return after.to_world(unit)
