"""Depth of the posed body, and what it says about the depth of the edited scene (method.md 1.4, choice 1)."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from qnerf_core.scene.camera import Camera

_NEAREST_DEPTH = 1e-3
# Candidate pixels handled at once; bounds the memory (about 100 bytes each).
_CHUNK = 1 << 20


def rasterise_depth(vertices: np.ndarray, faces: np.ndarray, camera: Camera) -> np.ndarray:
    """Render a mesh's depth by a z-buffer. A pixel is covered if its centre is.

    Triangles that reach behind the camera are left out.

    Args:
        vertices: (N, 3) world positions, metres.
        faces: (F, 3) indices.
        camera: The view; gives the size.

    Returns:
        (H, W) float32, distance along the viewing axis in metres, 0 where nothing is.
    """
    pixels, depth = camera.project(vertices)
    faces = faces[(depth[faces] > _NEAREST_DEPTH).all(axis=1)]
    corners, inverse = pixels[faces], 1.0 / depth[faces]
    # First and last pixel whose centre (at +0.5) can lie inside.
    size = np.array([camera.width, camera.height])
    first = np.maximum(np.ceil(corners.min(axis=1) - 0.5), 0).astype(np.int64)
    last = np.minimum(np.floor(corners.max(axis=1) - 0.5), size - 1).astype(np.int64)
    extent = (last - first + 1).max(axis=1)
    first_edge, second_edge = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = _cross(first_edge, second_edge)
    useful = (last >= first).all(axis=1) & (np.abs(area) > 1e-12)
    nearest = np.zeros(camera.height * camera.width)
    side = 1
    while side < 2 * max(camera.width, camera.height):
        # Triangles of about one size share one square of candidate pixels.
        chosen = np.flatnonzero(useful & (extent <= side) & (extent > side // 2))
        steps = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2)
        for start in range(0, len(chosen), max(1, _CHUNK // len(steps))):
            part = chosen[start : start + max(1, _CHUNK // len(steps)), None]
            cell = first[part] + steps
            offset = cell + 0.5 - corners[part, 0]
            along_first = _cross(offset, second_edge[part]) / area[part]
            along_second = _cross(first_edge[part], offset) / area[part]
            rest = 1.0 - along_first - along_second
            inside = (along_first >= 0) & (along_second >= 0) & (rest >= 0) & (cell <= last[part]).all(axis=-1)
            # The inverse of depth is linear in the picture.
            value = rest * inverse[part, 0] + along_first * inverse[part, 1] + along_second * inverse[part, 2]
            np.maximum.at(nearest, (cell[..., 1] * camera.width + cell[..., 0])[inside], value[inside])
        side *= 2
    covered = nearest > 0
    depth_map = np.divide(1.0, nearest, out=np.zeros_like(nearest), where=covered)
    return depth_map.reshape(camera.height, camera.width).astype(np.float32)


def edited_depth(
    target: np.ndarray, scene: np.ndarray, source_figure: np.ndarray, uncertain_band: float
) -> tuple[np.ndarray, np.ndarray]:
    """Compose the depth that the edited scene should have from the posed body and the source scene.

    Args:
        target: (H, W) depth of the body in its target pose, metres, 0 where it is not.
        scene: (H, W) depth of the source scene, metres, 0 = unknown.
        source_figure: (H, W) bool, what the figure covers in the source.
        uncertain_band: Pixels around the target's silhouette, outside of it, in which nothing is trusted: clothes and
            hair stand off the body. Inside the figure is there for sure, and limbs are too thin to give up a rim.

    Returns:
        Depth (H, W) float32, and where it is known (H, W) bool: not where the figure was and is no more (what it hid
        was never seen), not in the band, not where the source's depth is unknown.
    """
    body = target > 0
    depth = np.where(body, target, scene).astype(np.float32)
    valid = (depth > 0) & ~(source_figure & ~body)
    if body.any():
        valid &= body | (ndimage.distance_transform_edt(~body) > uncertain_band)
    return depth, valid


def _cross(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]
