"""Where on a proxy each vertex of an edited one was, and where the edit takes what is in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from qnerf_core.proxy.model import SMALLEST, DepthProxy, ProxyPart

# Difference of depths, as a share of the way from the middle to the surface, over which parts share what they hold.
_SHARED = 0.1
# Vertices of a sculpted mesh that move a point together.
_NEIGHBOURS = 4


def places_before(source: DepthProxy, target: DepthProxy) -> np.ndarray:
    """Find the places on a proxy of the vertices of what it was made into.

    Parts know each other by their names. A mesh of the same faces is followed vertex by vertex, every other part by
    its unit frame; of a part that is new, vertices have the place of the nearest vertex that there was, because that
    is what it will most likely look like. A blob's vertices belong to the blob whose unit frame holds them deepest.

    Args:
        source: Before.
        target: After.

    Returns:
        (V, 3) world positions on the source, metres, for the vertices of `target.mesh()`.
    """
    solids = [part for part in target.parts if part.kind != "blob"]
    blobs = [part for part in target.parts if part.kind == "blob"]
    vertices = target.mesh()[0]
    ends = np.cumsum([0, *(len(part.mesh[0]) for part in solids)])
    result = np.empty_like(vertices)
    for part, start, stop in zip(solids, ends[:-1], ends[1:], strict=True):
        result[start:stop] = _of_part(part, vertices[start:stop], source)
    if blobs:
        flowing = vertices[ends[-1] :]
        depths = [np.linalg.norm(blob.to_unit(flowing), axis=1) for blob in blobs]
        owner = np.argmin(depths, axis=0)
        for index, blob in enumerate(blobs):
            result[ends[-1] :][owner == index] = _of_part(blob, flowing[owner == index], source)
    return result


def _of_part(part: ProxyPart, vertices: np.ndarray, source: DepthProxy) -> np.ndarray:
    if part.name not in source.names:
        before = source.mesh()[0]
        return before[cKDTree(before).query(vertices)[1]] if len(before) else vertices
    before_part = source.part(part.name)
    if _same_faces(before_part, part):
        return before_part.mesh[0]
    return before_part.to_world(part.to_unit(vertices))


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
        depths = np.stack([_depth(part, points) for part in self.source.parts])
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

    def likeness(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Tell what the target looks like where nothing that was in the source is moved to.

        Returns:
            Vertices (V, 3) of the target, metres, and (V, 3) their places on the source; faces (F, 3) of its new
            parts, and (G, 3) of all the others, in which there may be less than they hold.
        """
        vertices, faces = self.target.mesh()
        solids = [part for part in self.target.parts if part.kind != "blob"]
        new = [np.full(len(part.mesh[1]), part.name not in self.source.names) for part in solids]
        added = np.concatenate([*new, np.zeros(len(faces), dtype=bool)])[: len(faces)]
        return vertices, places_before(self.source, self.target), faces[added], faces[~added]


def _depth(part: ProxyPart, points: np.ndarray) -> np.ndarray:
    """How far from a part's middle to its surface points (N, 3) are, 1 on it."""
    unit = part.to_unit(points)
    if part.vertices is not None:
        low, high = part.vertices.min(axis=0), part.vertices.max(axis=0)
        return np.asarray(np.abs((unit - (low + high) / 2) / np.maximum(high - low, SMALLEST)).max(axis=1) * 2)
    if part.kind == "box":
        return np.asarray(np.abs(unit).max(axis=1) * 2)
    if part.kind == "cylinder":
        return np.asarray(np.maximum(np.linalg.norm(unit[:, :2], axis=1), np.abs(unit[:, 2])) * 2)
    return np.asarray(np.linalg.norm(unit, axis=1) * 2)


def _with_part(before: ProxyPart, after: ProxyPart, points: np.ndarray) -> np.ndarray:
    unit = before.to_unit(points)
    if before.vertices is not None and after.vertices is not None and _same_faces(before, after):
        away, found = cKDTree(before.vertices).query(unit, k=min(_NEIGHBOURS, len(before.vertices)))
        shifts = (after.vertices - before.vertices)[found].reshape(len(unit), -1, 3)
        weights = 1.0 / (away.reshape(len(unit), -1) ** 2 + SMALLEST)
        unit = unit + (shifts * weights[..., None]).sum(axis=1) / weights.sum(axis=1)[:, None]
    return after.to_world(unit)


def _same_faces(before: ProxyPart, after: ProxyPart) -> bool:
    return before.faces is not None and after.faces is not None and np.array_equal(before.faces, after.faces)
