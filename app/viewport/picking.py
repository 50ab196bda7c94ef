"""What is under the pointer, from projected points: pixels of the widget, x right, y down."""

from __future__ import annotations

import numpy as np

from qnerf_core.scene.camera import Camera

_EPSILON = 1e-12


def nearest_point(pixels: np.ndarray, at: np.ndarray, reach: float) -> int | None:
    distances = np.nan_to_num(np.linalg.norm(pixels - at, axis=-1), nan=np.inf)
    nearest = int(distances.argmin())
    return nearest if distances[nearest] <= reach else None


def distance_to_line(pixels: np.ndarray, at: np.ndarray) -> float:
    """Pixels between a point and a line (n, 2) of straight pieces; pieces behind the camera (NaN) do not count."""
    start, along = pixels[:-1], np.diff(pixels, axis=0)
    share = ((at - start) * along).sum(axis=1) / np.maximum((along * along).sum(axis=1), _EPSILON)
    nearest = start + np.clip(share, 0.0, 1.0)[:, None] * along
    return float(np.nan_to_num(np.linalg.norm(nearest - at, axis=1), nan=np.inf).min())


def triangles_at(pixels: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Which triangles (..., 3, 2) hold the point; those with a corner behind the camera do not: (...) bool."""
    edges = np.roll(pixels, -1, axis=-2) - pixels
    to_point = at - pixels
    sides = edges[..., 0] * to_point[..., 1] - edges[..., 1] * to_point[..., 0]
    return (sides >= 0).all(axis=-1) | (sides <= 0).all(axis=-1)


def ray(camera: Camera, at: np.ndarray) -> np.ndarray:
    """World direction (3,) of unit length from the camera through a pixel."""
    direction = camera.unproject(np.asarray(at, dtype=np.float64), np.ones(())) - camera.position
    return direction / np.linalg.norm(direction)


def mesh_distance(origin: np.ndarray, direction: np.ndarray, vertices: np.ndarray, faces: np.ndarray) -> float:
    """Metres along a ray to the first triangle it meets (Möller and Trumbore 1997); infinite if it meets none."""
    corners = vertices[faces]
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    across = np.cross(direction, second)
    scale = (first * across).sum(axis=1)
    scale = np.where(np.abs(scale) < _EPSILON, np.nan, scale)
    from_corner = origin - corners[:, 0]
    u = (from_corner * across).sum(axis=1) / scale
    turned = np.cross(from_corner, first)
    v = (turned @ direction) / scale
    distance = (turned * second).sum(axis=1) / scale
    met = (u >= 0) & (v >= 0) & (u + v <= 1) & (distance > 0)
    return float(distance[met].min()) if met.any() else np.inf


def surface_distance(camera: Camera, at: np.ndarray, vertices: np.ndarray, faces: np.ndarray) -> float:
    """Metres along the ray through a pixel to a surface; infinite if it meets none."""
    candidates = _around(camera, at, vertices, faces)
    if not len(candidates):
        return np.inf
    return mesh_distance(camera.position, ray(camera, at), vertices, faces[candidates])


def surface_hit(
    camera: Camera, at: np.ndarray, vertices: np.ndarray, faces: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """Where the ray through a pixel meets a surface first, and the normal there: world, (3,) each."""
    direction = ray(camera, at)
    met = [
        (mesh_distance(camera.position, direction, vertices, faces[index : index + 1]), index)
        for index in _around(camera, at, vertices, faces).tolist()
    ]
    distance, index = min(met, default=(np.inf, 0))
    if not np.isfinite(distance):
        return None
    first, second, third = vertices[faces[index]]
    across = np.cross(second - first, third - first)
    return camera.position + distance * direction, across / max(float(np.linalg.norm(across)), _EPSILON)


def _around(camera: Camera, at: np.ndarray, vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Indices of the triangles whose boxes on the screen hold a pixel."""
    pixels, _ = camera.project(vertices)
    candidates = np.ones(len(faces), dtype=bool)
    corners = np.ascontiguousarray(faces.T)
    for coordinate, wanted in zip(np.ascontiguousarray(pixels.T), at, strict=True):
        first, second, third = (coordinate[corner] for corner in corners)
        candidates &= np.minimum(np.minimum(first, second), third) <= wanted
        candidates &= np.maximum(np.maximum(first, second), third) >= wanted
    return np.flatnonzero(candidates)
