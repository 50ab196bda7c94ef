"""A new mesh around what meshes enclose: one closed surface of even triangles, ready for brushes."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from qnerf_core.errors import ProxyError
from qnerf_core.proxy.model import ProxyPart, mesh_part
from qnerf_core.proxy.solids import Mesh
from qnerf_core.proxy.topology import Topology
from qnerf_core.scene.spans import covered_pixels, enumerate_ranges

# Samples of the surface per cell and axis.
_DENSITY = 4.0
_RELAX_ROUNDS = 3
# Not a whole number, so that the cells of a mesh made here do not fall on its own vertices when it is made anew.
_PADDING = 2.3819660


def remesh(vertices: np.ndarray, faces: np.ndarray, resolution: int = 64) -> Mesh:
    """Wrap one surface around all that closed meshes enclose, where they run through each other, too.

    Args:
        vertices: (V, 3), metres.
        faces: (F, 3), counter-clockwise seen from outside.
        resolution: Cells along the longest side; about 4 * resolution^2 vertices come out of a ball.

    Returns:
        Vertices (V', 3) and faces (F', 3) of a closed surface, within about half a cell of the given one; edges are
        rounded by as much.

    Raises:
        ProxyError: The meshes enclose nothing that a cell could hold.
    """
    from skimage.measure import marching_cubes

    vertices = np.asarray(vertices, dtype=np.float64)
    extent = np.ptp(vertices, axis=0) if len(vertices) else np.zeros(3)
    cell = float(extent.max()) / resolution
    if cell <= 0:
        raise _nothing()
    lower = vertices.min(axis=0) - _PADDING * cell
    counts = np.ceil(extent / cell + 2 * _PADDING).astype(int) + 1
    inside = _inside((vertices - lower) / cell, faces, counts)
    if not inside.any():
        raise _nothing()
    # Far from the surface any distance will do.
    near = _beside_a_change(inside)
    distance = np.full(tuple(counts), 2 * cell)
    tree = cKDTree(_samples(vertices, faces, cell / _DENSITY))
    distance[near] = np.minimum(tree.query(np.argwhere(near) * cell + lower)[0], 2 * cell)
    made, triangles, _, _ = marching_cubes(np.where(inside, -distance, distance), 0.0, spacing=(cell,) * 3)
    triangles = triangles.astype(np.int64)
    return Topology.of(triangles, len(made)).relaxed(made + lower, _RELAX_ROUNDS), triangles


def remeshed(part: ProxyPart, resolution: int = 64) -> ProxyPart:
    """Return a part of any kind as a mesh of even triangles, for brushes.

    Args:
        part: The part.
        resolution: Cells along its longest side.

    Raises:
        ProxyError: It encloses nothing.
    """
    local = part.replaced(centre=np.zeros(3), rotation=np.zeros(3))
    made = mesh_part(part.name, *remesh(*local.mesh, resolution), part.group)
    # In its own axes, so that the symmetry of a brush is the part's.
    return made.replaced(centre=part.centre + part.axes @ made.centre, rotation=part.rotation)


def _inside(vertices: np.ndarray, faces: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Which nodes of a grid have a positive winding number, by counting the surfaces above each; in units of cells."""
    corners = vertices[faces]
    upward = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])[:, 2] > 0
    winding = np.zeros((counts[0] * counts[1], counts[2] + 1), dtype=np.int32)
    # Pixels are the columns of nodes: the centre at +0.5 is the node, columns of pixels are y.
    pixels = corners[..., [1, 0, 2]] + [0.5, 0.5, 0.0]
    for facing, sign in ((upward, 1), (~upward, -1)):
        for column, height in covered_pixels(pixels[facing], int(counts[1]), int(counts[0]), closed=False):
            below = np.clip(np.ceil(height), 0, counts[2]).astype(np.int64)
            np.add.at(winding, (column, below), sign)
    # A crossing at height h is above all nodes below it.
    above = np.cumsum(winding[:, ::-1], axis=1)[:, ::-1][:, 1:]
    # The lowest node lies below everything: where it seems inside, the mesh is open.
    above[above[:, 0] != 0] = 0
    return np.asarray(above > 0).reshape(tuple(counts))


def _beside_a_change(inside: np.ndarray) -> np.ndarray:
    grown = ndimage.binary_dilation(inside, iterations=2)
    return np.asarray(grown & ~ndimage.binary_erosion(inside, iterations=2))


def _samples(vertices: np.ndarray, faces: np.ndarray, spacing: float) -> np.ndarray:
    """Points on all triangles, about `spacing` apart, corners included."""
    corners = vertices[faces]
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    longest = np.max([np.linalg.norm(side, axis=1) for side in (first, second, first - second)], axis=0)
    rows = np.maximum(np.ceil(longest / spacing), 1).astype(np.int64)
    # A triangle of n rows has (n + 1) (n + 2) / 2 points: row by row, i + 1 of them.
    triangle, row = enumerate_ranges(rows + 1)
    owner, place = enumerate_ranges(row + 1)
    triangle, row = triangle[owner], row[owner]
    share, along = row / rows[triangle], place / rows[triangle]
    return np.asarray(
        corners[triangle, 0] + (share - along)[:, None] * first[triangle] + along[:, None] * second[triangle]
    )


def _nothing() -> ProxyError:
    return ProxyError("There is nothing to remesh", "the mesh encloses no space", "Choose a closed mesh.")
