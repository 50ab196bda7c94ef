"""Which vertices of a mesh are neighbours, and what follows from it: normals, means, relaxation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qnerf_core.scene.spans import enumerate_ranges


@dataclass(frozen=True, eq=False)
class Topology:
    """Neighbours of every vertex, in compressed rows.

    Attributes:
        faces: (F, 3).
        neighbour_starts: (V + 1,), where each vertex's neighbours begin.
        neighbours: (N,) vertices.
        face_starts: (V + 1,), where each vertex's faces begin.
        vertex_faces: (3 F,) faces.
    """

    faces: np.ndarray
    neighbour_starts: np.ndarray
    neighbours: np.ndarray
    face_starts: np.ndarray
    vertex_faces: np.ndarray

    @classmethod
    def of(cls, faces: np.ndarray, count: int) -> Topology:
        """Find all neighbours.

        Args:
            faces: (F, 3).
            count: Number of vertices.
        """
        edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
        both = np.concatenate([edges, edges[:, ::-1]])
        # One number per pair: sorting them sorts by the first vertex.
        pairs = np.unique(both[:, 0] * count + both[:, 1])
        first, neighbours = np.divmod(pairs, max(count, 1))
        corners = faces.ravel()
        order = np.argsort(corners, kind="stable")
        return cls(faces, _starts(first, count), neighbours, _starts(corners, count), order // 3)

    def normals(self, vertices: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        """Return the unit normals of some vertices, weighted by the areas of their faces.

        Args:
            vertices: (V, 3) all positions.
            chosen: (N,) indices.

        Returns:
            (N, 3); zero where all faces are degenerate.
        """
        owner, places = _rows(self.face_starts, chosen)
        first, second, third = (vertices[corner] for corner in self.faces[self.vertex_faces[places]].T)
        (a, b, c), (d, e, f) = (second - first).T, (third - first).T
        # Written out, three times as fast as numpy's cross product.
        areas = (b * f - c * e, c * d - a * f, a * e - b * d)
        total = np.stack([np.bincount(owner, area, minlength=len(chosen)) for area in areas], axis=1)
        return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-20)

    def means(self, vertices: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        """Return the means of the neighbours of some vertices, (N, 3); a vertex without neighbours is its own.

        Args:
            vertices: (V, 3) all positions.
            chosen: (N,) indices.
        """
        owner, places = _rows(self.neighbour_starts, chosen)
        counts = np.diff(self.neighbour_starts)[chosen][:, None]
        total = _sums(owner, vertices[self.neighbours[places]], len(chosen))
        return np.where(counts > 0, total / np.maximum(counts, 1), vertices[chosen])

    def relaxed(self, vertices: np.ndarray, rounds: int) -> np.ndarray:
        """Move vertices within their surface towards the means of their neighbours: slivers become better triangles.

        Args:
            vertices: (V, 3).
            rounds: How often.

        Returns:
            (V, 3).
        """
        everything = np.arange(len(vertices))
        for _ in range(rounds):
            offset = 0.5 * (self.means(vertices, everything) - vertices)
            normals = self.normals(vertices, everything)
            vertices = vertices + offset - normals * (offset * normals).sum(axis=1, keepdims=True)
        return vertices


def _starts(sorted_or_not: np.ndarray, count: int) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(np.bincount(sorted_or_not, minlength=count))]).astype(np.int64)


def _rows(starts: np.ndarray, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    owner, offset = enumerate_ranges(starts[chosen + 1] - starts[chosen])
    return owner, starts[chosen][owner] + offset


def _sums(owner: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    return np.stack([np.bincount(owner, values[:, axis], minlength=count) for axis in range(3)], axis=1)
