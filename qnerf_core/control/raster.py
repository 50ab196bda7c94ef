"""Depth of triangle meshes, and what else they carry, by a z-buffer, vectorised over all triangles of a mesh."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from qnerf_core.scene.camera import Camera
from qnerf_core.scene.spans import covered_pixels

# Metres; what is nearer to the camera's plane is cut off.
_NEAR = 1e-3


def rasterise_depth(vertices: np.ndarray, faces: np.ndarray, camera: Camera) -> np.ndarray:
    """Render a mesh's depth. A pixel is covered if its centre is; triangles are seen from both sides.

    Args:
        vertices: (N, 3) world positions, metres.
        faces: (F, 3) indices.
        camera: The view; gives the size.

    Returns:
        (H, W) float32, distance along the viewing axis in metres, 0 where nothing is.
    """
    corners = _triangles_in_picture(np.asarray(vertices, dtype=np.float64), np.asarray(faces), camera)
    nearest = _nearest(corners, camera)
    depth = np.divide(1.0, nearest, out=np.zeros_like(nearest), where=nearest > 0)
    return depth.reshape(camera.height, camera.width).astype(np.float32)


def rasterise_values(vertices: np.ndarray, faces: np.ndarray, values: np.ndarray, camera: Camera) -> np.ndarray:
    """Render values that a mesh carries, where `rasterise_depth` shows the mesh.

    Args:
        vertices, faces, camera: As of `rasterise_depth`.
        values: (N, C), one row a vertex; linear on the triangles.

    Returns:
        (H, W, C) float32, not a number where nothing is.
    """
    carrying = np.concatenate([vertices, values], axis=1, dtype=np.float64)
    corners = _triangles_in_picture(carrying, np.asarray(faces), camera)
    # Divided by depth, they are linear in the picture, too.
    layers = np.concatenate([corners[..., 2:3], corners[..., 3:] * corners[..., 2:3]], axis=-1)
    planes = _planes(corners[..., :2], layers)
    number = np.broadcast_to(np.arange(len(corners), dtype=np.float64)[:, None, None], (*corners.shape[:2], 1))
    numbered = np.concatenate([corners[..., :2], number], axis=-1)
    nearest = np.zeros(camera.height * camera.width)
    owner = np.full(nearest.shape, -1)
    for pixels, found in covered_pixels(numbered, camera.width, camera.height):
        triangles = found.astype(np.int64)
        inverse = _on_planes(planes[triangles, :, 0], pixels, camera.width)
        np.maximum.at(nearest, pixels, inverse)
        seen = inverse >= nearest[pixels]
        owner[pixels[seen]] = triangles[seen]
    result = np.full((len(nearest), values.shape[1]), np.nan, dtype=np.float32)
    shown = np.flatnonzero(owner >= 0)
    on_them = _on_planes(planes[owner[shown]], shown[:, None], camera.width)
    result[shown] = on_them[:, 1:] / on_them[:, :1]
    return result.reshape(camera.height, camera.width, -1)


def _planes(corners: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(T, 3, C) value at the picture's origin and slopes across and down, of what triangles (T, 3, 2) carry."""
    (x0, y0), (x1, y1), (x2, y2) = (corners[:, n].T[..., None] for n in range(3))
    w0, w1, w2 = np.moveaxis(values, 1, 0)
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    # Triangles without area cover no pixel.
    area = np.where(area == 0, 1.0, area)
    across = ((w1 - w0) * (y2 - y0) - (w2 - w0) * (y1 - y0)) / area
    down = ((w2 - w0) * (x1 - x0) - (w1 - w0) * (x2 - x0)) / area
    return np.stack([w0 - across * x0 - down * y0, across, down], axis=1)


def _on_planes(planes: np.ndarray, pixels: np.ndarray, width: int) -> np.ndarray:
    """Values (N, ...) of planes (N, 3, ...) in the middle of pixels, by their flat indices."""
    return np.asarray(planes[:, 0] + (pixels % width + 0.5) * planes[:, 1] + (pixels // width + 0.5) * planes[:, 2])


def _nearest(corners: np.ndarray, camera: Camera) -> np.ndarray:
    """(H * W,) inverse depth of what is nearest, 0 where nothing is."""
    nearest = np.zeros(camera.height * camera.width)
    # The inverse of depth is linear in the picture.
    for pixels, inverse in covered_pixels(corners[..., :3], camera.width, camera.height):
        np.maximum.at(nearest, pixels, inverse)
    return nearest


def _triangles_in_picture(vertices: np.ndarray, faces: np.ndarray, camera: Camera) -> np.ndarray:
    """Corners of the triangles before the camera.

    Args:
        vertices: (N, 3 + C) positions, and what else they carry.
        faces: (F, 3).
        camera: The view.

    Returns:
        (T, 3, 3 + C): column and row in pixels, inverse depth (1 / metres), and the rest.
    """
    matrix = camera.world_to_camera
    local = np.concatenate([vertices[:, :3] @ matrix[:3, :3].T + matrix[:3, 3], vertices[:, 3:]], axis=1)
    in_front = (-local[:, 2] > _NEAR)[faces]
    triangles = local[faces[in_front.all(axis=1)]]
    cut = in_front.any(axis=1) & ~in_front.all(axis=1)
    if cut.any():
        triangles = np.concatenate([triangles, *_clipped(local[faces[cut]], in_front[cut])])
    inverse = 1.0 / -triangles[..., 2]
    columns = camera.cx + camera.fx * triangles[..., 0] * inverse
    rows = camera.cy - camera.fy * triangles[..., 1] * inverse
    return np.concatenate([np.stack([columns, rows, inverse], axis=-1), triangles[..., 3:]], axis=-1)


def _clipped(triangles: np.ndarray, in_front: np.ndarray) -> Iterator[np.ndarray]:
    """The parts before the near plane of triangles (T, 3, 3 + C) that cross it."""
    for lonely in (True, False):
        chosen = (in_front.sum(axis=1) == 1) == lonely
        # The corner that is alone on its side of the plane comes first.
        first = np.argmax(in_front[chosen] == lonely, axis=1)
        order = (first[:, None] + np.arange(3)) % 3
        alone, second, third = np.moveaxis(np.take_along_axis(triangles[chosen], order[..., None], axis=1), 1, 0)
        cuts = []
        for other in (second, third):
            share = (-_NEAR - alone[:, 2]) / (other[:, 2] - alone[:, 2])
            cuts.append(alone + share[:, None] * (other - alone))
        if lonely:
            yield np.stack([alone, cuts[0], cuts[1]], axis=1)
        else:
            yield np.stack([cuts[0], second, third], axis=1)
            yield np.stack([cuts[0], third, cuts[1]], axis=1)
