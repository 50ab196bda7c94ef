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
    nearest = _nearest(corners, camera)
    result = np.full((len(nearest), values.shape[1]), np.nan, dtype=np.float32)
    # Divided by depth, they are linear in the picture, too.
    layers = [corners[..., :3]]
    layers += [
        np.concatenate([corners[..., :2], (corners[..., 3 + n] * corners[..., 2])[..., None]], axis=-1)
        for n in range(values.shape[1])
    ]
    runs = (covered_pixels(layer, camera.width, camera.height) for layer in layers)
    for (pixels, inverse), *found in zip(*runs, strict=True):
        seen = inverse >= nearest[pixels]
        result[pixels[seen]] = np.stack([part[seen] for _, part in found], axis=-1) / inverse[seen, None]
    return result.reshape(camera.height, camera.width, -1)


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
