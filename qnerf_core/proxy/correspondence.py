"""Where on a proxy each vertex of an edited one was."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from qnerf_core.proxy.model import DepthProxy


def places_before(source: DepthProxy, target: DepthProxy) -> np.ndarray:
    """Find the places on a proxy of the vertices of what it was made into.

    Parts know each other by their names. A mesh of the same faces is followed vertex by vertex, every other part by
    its unit frame. A blob's vertices belong to the blob whose unit frame holds them deepest. Of a part that is new,
    vertices have the place of the vertex nearest to them of those that are not, because it will most likely look like
    what it grows out of.

    Args:
        source: Before.
        target: After.

    Returns:
        (V, 3) world positions on the source, metres, for the vertices of `target.mesh()`.
    """
    solids = [part for part in target.parts if part.kind != "blob"]
    blobs = [part for part in target.parts if part.kind == "blob"]
    vertices = target.mesh()[0]
    owners = np.repeat(np.arange(len(solids)), [len(part.mesh[0]) for part in solids])
    if blobs:
        depths = [np.linalg.norm(blob.to_unit(vertices[len(owners) :]), axis=1) for blob in blobs]
        owners = np.concatenate([owners, len(solids) + np.argmin(depths, axis=0)])
    result, new = np.empty_like(vertices), np.zeros(len(vertices), dtype=bool)
    for number, part in enumerate(solids + blobs):
        own = owners == number
        if part.name not in source.names:
            new |= own
            continue
        before = source.part(part.name)
        result[own] = before.mesh[0] if part.has_faces_of(before) else before.to_world(part.to_unit(vertices[own]))
    if new.all():
        there = source.mesh()[0]
        return there[cKDTree(there).query(vertices)[1]] if len(there) else vertices
    if new.any():
        result[new] = result[~new][cKDTree(vertices[~new]).query(vertices[new])[1]]
    return result
