"""Where on a proxy each vertex of an edited one was."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from qnerf_core.proxy.model import DepthProxy, ProxyPart


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
    if part.faces is not None and before_part.faces is not None and np.array_equal(part.faces, before_part.faces):
        return before_part.mesh[0]
    return before_part.to_world(part.to_unit(vertices))
