"""Triangle meshes with a colour at every vertex, and how they are made finer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix, eye_array, vstack


@dataclass(frozen=True, eq=False)
class SurfaceMesh:
    """A surface to be lit and rendered.

    Attributes:
        vertices: (V, 3) metres.
        faces: (F, 3) indices, counter-clockwise seen from outside.
        albedo: (V, 3) colours as displayed, 0 to 1.
        gloss: (V,) how much it shines, 0 to 1.
        glow: (V,) how much light comes through it from inside, 0 to 1.
    """

    vertices: np.ndarray
    faces: np.ndarray
    albedo: np.ndarray
    gloss: np.ndarray
    glow: np.ndarray

    @classmethod
    def of(cls, vertices: np.ndarray, faces: np.ndarray, albedo: np.ndarray, gloss: float = 0.0) -> SurfaceMesh:
        """A mesh of one gloss that does not glow; `albedo` (V, 3) or (3,)."""
        count = len(vertices)
        return cls(vertices, faces, np.broadcast_to(albedo, (count, 3)), np.full(count, gloss), np.zeros(count))

    def moved(self, rotation: np.ndarray, translation: np.ndarray) -> SurfaceMesh:
        """The mesh after `rotation` (3, 3), then `translation` (3,)."""
        return SurfaceMesh(self.vertices @ rotation.T + translation, self.faces, self.albedo, self.gloss, self.glow)


def joined(meshes: Sequence[SurfaceMesh]) -> SurfaceMesh:
    """Several meshes as one."""
    starts = np.cumsum([0, *[len(mesh.vertices) for mesh in meshes[:-1]]])
    return SurfaceMesh(
        np.concatenate([mesh.vertices for mesh in meshes]),
        np.concatenate([mesh.faces + start for mesh, start in zip(meshes, starts, strict=True)]),
        np.concatenate([mesh.albedo for mesh in meshes]),
        np.concatenate([mesh.gloss for mesh in meshes]),
        np.concatenate([mesh.glow for mesh in meshes]),
    )


def vertex_sums(values: np.ndarray, faces: np.ndarray, count: int) -> np.ndarray:
    """(count, C) sums over the faces at every vertex of values (F, C)."""
    corners = faces.ravel()
    return np.stack([np.bincount(corners, np.repeat(column, 3), minlength=count) for column in values.T], axis=1)


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(V, 3) area-weighted unit normals of a triangle mesh."""
    corners = vertices[faces]
    face_normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = vertex_sums(face_normals, faces, len(vertices))
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


def smoothed(values: np.ndarray, faces: np.ndarray, passes: int) -> np.ndarray:
    """(V, C) values at vertices, averaged with their neighbours `passes` times."""
    valence = np.maximum(np.bincount(faces.ravel(), minlength=len(values)), 1)[:, None]
    for _ in range(passes):
        values = vertex_sums(values[faces].mean(1), faces, len(values)) / valence
    return values


def split_long_edges(vertices: np.ndarray, faces: np.ndarray, longest: float) -> tuple[csr_matrix, np.ndarray]:
    """Halves edges longer than `longest` until none is left; without cracks.

    Returns:
        Matrix (V', V) that makes the finer mesh's vertices, or anything else given at vertices, and its faces (F', 3).
    """
    matrix = eye_array(len(vertices), format="csr")
    while True:
        edges = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
        _, first, inverse = np.unique(edges[:, 0] * len(vertices) + edges[:, 1], return_index=True, return_inverse=True)
        pairs = edges[first]
        is_long = np.linalg.norm(vertices[pairs[:, 0]] - vertices[pairs[:, 1]], axis=1) > longest
        if not is_long.any():
            return csr_matrix(matrix), faces
        middle = np.where(is_long, len(vertices) + np.cumsum(is_long) - 1, -1)[inverse.ravel()].reshape(-1, 3)
        halves = pairs[is_long]
        rows = np.repeat(np.arange(len(halves)), 2)
        mean = csr_matrix((np.full(2 * len(halves), 0.5), (rows, halves.ravel())), (len(halves), len(vertices)))
        matrix = vstack([matrix, mean @ matrix], format="csr")
        vertices = np.concatenate([vertices, mean @ vertices])
        faces = _split_faces(faces, middle)


def _split_faces(faces: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """Faces with a new vertex on edges 01, 12, 20 where `middle` (F, 3) is not negative."""
    marked = middle >= 0
    count = marked.sum(1)
    # One mark goes to edge 01, and of two marks the free edge to 20.
    turn = np.where(count == 1, marked.argmax(1), np.where(count == 2, (~marked).argmax(1) + 1, 0))
    order = (turn[:, None] + np.arange(3)) % 3
    a, b, c = np.take_along_axis(faces, order, 1).T
    ab, bc, ca = np.take_along_axis(middle, order, 1).T
    parts = {
        0: [(a, b, c)],
        1: [(a, ab, c), (ab, b, c)],
        2: [(ab, b, bc), (a, ab, bc), (a, bc, c)],
        3: [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)],
    }
    return np.concatenate(
        [np.stack(corners, 1)[count == number] for number, group in parts.items() for corners in group]
    )
