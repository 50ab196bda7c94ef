"""Simple solids as fine meshes with positions on their surface: boxes with round edges, lofts, lathes, tubes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from qnerf_core.authoring.mesh import SurfaceMesh

SPACING = 0.021
"""Distance of vertices, metres: one to two pixels of a picture."""


@dataclass(frozen=True, eq=False)
class Solid:
    """A mesh without colours.

    Attributes:
        vertices: (V, 3) metres.
        faces: (F, 3).
        uv: (V, 2) position along the surface, metres.
    """

    vertices: np.ndarray
    faces: np.ndarray
    uv: np.ndarray

    def moved(self, translation: np.ndarray | tuple[float, float, float], rotation: np.ndarray | None = None) -> Solid:
        """Turned by `rotation` (3, 3), then shifted."""
        turned = self.vertices if rotation is None else self.vertices @ rotation.T
        return Solid(turned + np.asarray(translation), self.faces, self.uv)

    def painted(
        self, albedo: np.ndarray | tuple[float, float, float], gloss: float = 0.0, glow: float = 0.0
    ) -> SurfaceMesh:
        """With colours (V, 3) or (3,)."""
        count = len(self.vertices)
        colours = np.broadcast_to(np.asarray(albedo, dtype=np.float64), (count, 3))
        return SurfaceMesh(self.vertices, self.faces, colours, np.full(count, gloss), np.full(count, glow))


def turn(axis: int, angle: float) -> np.ndarray:
    """(3, 3) rotation about a coordinate axis, radians."""
    matrix = np.eye(3)
    first, second = (axis + 1) % 3, (axis + 2) % 3
    matrix[first, first] = matrix[second, second] = np.cos(angle)
    matrix[second, first] = np.sin(angle)
    matrix[first, second] = -np.sin(angle)
    return matrix


def _lines(half: float, radius: float, spacing: float) -> np.ndarray:
    inner = max(half - radius, 1e-3)
    count = max(2, round(2 * inner / spacing) + 1)
    rim = half - radius * np.array([0.0, 0.3, 0.65])
    return np.concatenate([-rim, np.linspace(-inner, inner, count), rim[::-1]])


def rounded_box(size: tuple[float, float, float], radius: float, puff: float = 0.0, spacing: float = SPACING) -> Solid:
    """A box with round edges about the origin.

    Args:
        size: Full extents, metres.
        radius: Of the edges.
        puff: How far the large faces bulge, as a cushion's do.
        spacing: Of the vertices.
    """
    half = np.array(size) / 2
    radius = min(radius, 0.95 * float(half.min()))
    lines = [_lines(float(extent), radius, spacing) for extent in half]
    points, faces, uvs, count = [], [], [], 0
    for axis in range(3):
        first, second = (axis + 1) % 3, (axis + 2) % 3
        u, v = np.meshgrid(lines[first], lines[second], indexing="ij")
        triangles = _grid_faces(*u.shape)
        for sign in (-1.0, 1.0):
            side = np.empty((u.size, 3))
            side[:, axis], side[:, first], side[:, second] = sign * half[axis], u.ravel(), v.ravel()
            points.append(side)
            # Upright faces have the height as their second coordinate.
            uvs.append(side[:, [second, first]] if axis == 1 else side[:, [first, second]])
            faces.append((triangles if sign > 0 else triangles[:, ::-1]) + count)
            count += u.size
    surface, uv, triangles = np.concatenate(points), np.concatenate(uvs), np.concatenate(faces)
    core = np.clip(surface, radius - half, half - radius)
    offset = surface - core
    surface = core + offset * (radius / np.maximum(np.linalg.norm(offset, axis=1, keepdims=True), 1e-9))
    if puff:
        thin = int(np.argmin(half))
        others = [axis for axis in range(3) if axis != thin]
        dome = np.prod([np.clip(1 - (surface[:, axis] / half[axis]) ** 2, 0, 1) ** 0.7 for axis in others], axis=0)
        surface[:, thin] *= 1 + puff / half[thin] * dome
    return _welded(surface, triangles, uv)


def _welded(vertices: np.ndarray, faces: np.ndarray, uv: np.ndarray) -> Solid:
    cells = (vertices * 1e5).round().astype(np.int64) + (1 << 20)
    _, first, inverse = np.unique(
        (cells[:, 0] << 42) + (cells[:, 1] << 21) + cells[:, 2], return_index=True, return_inverse=True
    )
    return Solid(vertices[first], inverse.ravel()[faces], uv[first])


def _grid_faces(rows: int, columns: int) -> np.ndarray:
    index = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]
    return np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])


def loft(rings: np.ndarray, closed_ends: tuple[bool, bool] = (True, True)) -> Solid:
    """A surface through closed rings (R, S, 3), counter-clockwise seen from the last one, its ends closed or open."""
    count, around = rings.shape[:2]
    index = np.arange(count * around).reshape(count, around)
    following = np.roll(index, -1, axis=1)
    a, b, c, d = index[:-1], following[:-1], following[1:], index[1:]
    faces = [np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)]
    circumference = np.linalg.norm(rings - np.roll(rings, -1, axis=1), axis=2).sum(1)
    steps = np.linalg.norm(np.diff(rings, axis=0), axis=2).mean(1)
    u = np.linspace(0, 1, around, endpoint=False) * circumference.mean()
    v = np.concatenate([[0.0], np.cumsum(steps)])
    uv = np.stack(np.meshgrid(v, u, indexing="ij")[::-1], axis=-1).reshape(-1, 2)
    vertices = rings.reshape(-1, 3)
    for end, closed in zip((0, -1), closed_ends, strict=True):
        if closed:
            ring = index[end] if end == -1 else index[0][::-1]
            centre = np.full(around, len(vertices))
            faces.append(np.stack([centre, ring, np.roll(ring, -1)], axis=-1))
            vertices = np.concatenate([vertices, rings[end].mean(0, keepdims=True)])
            uv = np.concatenate([uv, uv[[index[end][0]]]])
    return Solid(vertices, np.concatenate(faces), uv)


def resampled(path: np.ndarray, spacing: float = SPACING) -> np.ndarray:
    """Points (N, D) along a polyline at even distances, its corners kept."""
    pieces = []
    for start, end in pairwise(path):
        count = max(1, round(float(np.linalg.norm(end - start)) / spacing))
        pieces.append(start + (end - start) * (np.arange(count) / count)[:, None])
    return np.concatenate([*pieces, path[-1:]])


def _around(radius: float, spacing: float) -> int:
    return int(np.clip(round(2 * np.pi * radius / spacing), 10, 140))


def lathe(profile: np.ndarray, spacing: float = SPACING) -> Solid:
    """A profile (N, 2) of radius and height, upwards, turned about the z axis; its ends closed."""
    fine = resampled(np.asarray(profile, dtype=np.float64), spacing)
    segments = _around(float(fine[:, 0].max()), spacing)
    angle = 2 * np.pi * np.arange(segments) / segments
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    rings = np.concatenate(
        [fine[:, None, :1] * circle, np.broadcast_to(fine[:, None, 1:], (len(fine), segments, 1))], axis=2
    )
    return loft(rings)


def tube(path: np.ndarray, radius: np.ndarray | float, spacing: float = SPACING) -> Solid:
    """A round tube along a path (N, 3), radius one or (N,)."""
    radii = np.broadcast_to(np.asarray(radius, dtype=np.float64), len(path))
    fine = resampled(np.column_stack([path, radii]), spacing)
    tangents = np.gradient(fine[:, :3], axis=0)
    tangents /= np.linalg.norm(tangents, axis=1, keepdims=True)
    segments = _around(float(radii.max()), spacing)
    angle = 2 * np.pi * np.arange(segments) / segments
    across = np.cross(tangents[0], [0.6, 0.8, 0.0] if abs(tangents[0][2]) > 0.9 else [0.0, 0.0, 1.0])
    rings = []
    for point, tangent in zip(fine, tangents, strict=True):
        across = across - tangent * (across @ tangent)
        across /= np.linalg.norm(across)
        other = np.cross(tangent, across)
        rings.append(point[:3] + point[3] * (np.cos(angle)[:, None] * across + np.sin(angle)[:, None] * other))
    return loft(np.stack(rings))
