"""Depth of triangle meshes by a z-buffer, vectorised over all triangles of a mesh."""

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
    nearest = np.zeros(camera.height * camera.width)
    corners = _triangles_in_picture(np.asarray(vertices, dtype=np.float64), np.asarray(faces), camera)
    # The inverse of depth is linear in the picture.
    for pixels, inverse in covered_pixels(corners, camera.width, camera.height):
        np.maximum.at(nearest, pixels, inverse)
    depth = np.divide(1.0, nearest, out=np.zeros_like(nearest), where=nearest > 0)
    return depth.reshape(camera.height, camera.width).astype(np.float32)


def _triangles_in_picture(vertices: np.ndarray, faces: np.ndarray, camera: Camera) -> np.ndarray:
    """Corners (T, 3, 3) of the triangles before the camera: column and row in pixels, inverse depth (1 / metres)."""
    matrix = camera.world_to_camera
    local = vertices @ matrix[:3, :3].T + matrix[:3, 3]
    in_front = (-local[:, 2] > _NEAR)[faces]
    triangles = local[faces[in_front.all(axis=1)]]
    cut = in_front.any(axis=1) & ~in_front.all(axis=1)
    if cut.any():
        triangles = np.concatenate([triangles, *_clipped(local[faces[cut]], in_front[cut])])
    inverse = 1.0 / -triangles[..., 2]
    columns = camera.cx + camera.fx * triangles[..., 0] * inverse
    rows = camera.cy - camera.fy * triangles[..., 1] * inverse
    return np.stack([columns, rows, inverse], axis=-1)


def _clipped(triangles: np.ndarray, in_front: np.ndarray) -> Iterator[np.ndarray]:
    """The parts before the near plane of triangles (T, 3, 3) that cross it."""
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
