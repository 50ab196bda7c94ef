"""Loose depth: a proxy's depth over the scene's boundary, as a depth ControlNet and LooseControl read it."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy import ndimage

from qnerf_core.control.raster import rasterise_depth
from qnerf_core.scene.camera import Camera

DepthStyle = Literal["zoe", "midas"]

# ControlNet's Zoe annotator: what is nearer than the first is white, what is farther than the second is black.
_NEAREST_PERCENT, _FARTHEST_PERCENT = 2, 85


def proxy_depth(
    vertices: np.ndarray, faces: np.ndarray, camera: Camera, boundary_depth: np.ndarray | None = None
) -> np.ndarray:
    """Render a proxy's depth over the boundary of its scene.

    Args:
        vertices: (N, 3) world positions of the proxy's mesh, metres.
        faces: (F, 3) indices.
        camera: The view; gives the size.
        boundary_depth: (H, W) depth of what stands behind it (floor, walls), metres, 0 = nothing; it hides what it is
            nearer than. None for nothing at all.

    Returns:
        (H, W) float32, distance along the viewing axis in metres, 0 where nothing is.
    """
    depth = rasterise_depth(vertices, faces, camera)
    return depth if boundary_depth is None else over_boundary(depth, boundary_depth)


def over_boundary(depth: np.ndarray, boundary_depth: np.ndarray) -> np.ndarray:
    """Return the nearer of two depths, (H, W) float32 metres, where 0 is nothing.

    Args:
        depth: (H, W) of a subject.
        boundary_depth: (H, W) of what stands behind it.
    """
    hidden = (depth == 0) | ((boundary_depth > 0) & (boundary_depth < depth))
    return np.where(hidden, boundary_depth, depth).astype(np.float32)


def room_depth(camera: Camera, bounds: np.ndarray) -> np.ndarray:
    """Return the depth of a room's far sides: floor, walls and ceiling of a box, seen from inside or through its wall.

    Args:
        camera: The view; gives the size.
        bounds: (2, 3) lower and upper corner of the box, world, metres.

    Returns:
        (H, W) float32, distance along the viewing axis in metres, 0 where a ray misses the box.
    """
    across = (np.arange(camera.width) + 0.5 - camera.cx) / camera.fx
    upward = ((camera.cy - np.arange(camera.height) - 0.5) / camera.fy)[:, None]
    turn, position = camera.camera_to_world[:3, :3], camera.position
    outside = ((position < bounds[0]) | (position > bounds[1])).any()
    near, far = np.zeros(1), np.full((camera.height, camera.width), np.inf)
    for axis in range(3):
        # Of length one along the viewing axis, so that distances along the rays are depths.
        # The sum turns a negative zero, which would swap near and far, into a positive one.
        ray = turn[axis, 0] * across + turn[axis, 1] * upward - turn[axis, 2] + 0.0
        with np.errstate(divide="ignore", invalid="ignore"):
            far = np.fmin(far, (np.where(ray >= 0, bounds[1, axis], bounds[0, axis]) - position[axis]) / ray)
            if outside:
                near = np.fmax(near, (np.where(ray >= 0, bounds[0, axis], bounds[1, axis]) - position[axis]) / ray)
    return np.where((far > 0) & (far >= near), far, 0.0).astype(np.float32)


def boundary_depth(
    camera: Camera,
    bounds: np.ndarray | None,
    scene_depth: np.ndarray | None = None,
    subject: np.ndarray | None = None,
    margin: float = 2.0,
) -> np.ndarray:
    """Find the depth of a scene without its subject, where nobody rendered it.

    The scene's own depth is taken around the subject; what the subject hides comes from the sides of the bounds.

    Args:
        camera: The view; gives the size.
        bounds: (2, 3) box of the scene, metres; None leaves what is hidden unknown.
        scene_depth: (H, W) depth of the scene, metres, 0 = unknown; None if nothing is known.
        subject: (H, W) bool, what the subject covers.
        margin: Pixels around the subject that are not taken from the scene either.

    Returns:
        (H, W) float32 metres, 0 = unknown.
    """
    size = (camera.height, camera.width)
    room = np.zeros(size, np.float32) if bounds is None else room_depth(camera, bounds)
    if scene_depth is None:
        return room
    known = scene_depth > 0
    if subject is not None and subject.any():
        known &= ndimage.distance_transform_edt(~subject) > margin
    return np.where(known, scene_depth, room).astype(np.float32)


def depth_control_image(depth: np.ndarray, style: DepthStyle = "zoe") -> np.ndarray:
    """Paint a depth map as ControlNet's depth models read it: near is bright, normalised per picture.

    "zoe" is ControlNet 1.1's annotator `zoe` (lllyasviel/ControlNet-v1-1-nightly, controlnet_aux): metric depth,
    linear, its 2nd percentile white, its 85th black. LooseControl is by ZoeDepth's author and works on metric depth, so
    it is the default. "midas" is the annotator `midas` of ControlNet 1.0 and 1.1: inverse depth from its least (black)
    to its greatest (white). `control_v11f1p_sd15_depth` was trained on both and Leres. Values are cut to whole numbers
    as the annotators do. Unknown pixels are black, as far as can be, and do not count for the normalisation;
    LooseControl's demo mentions, switched off, painting them white instead (method.md, section 2).

    Args:
        depth: (H, W) metres along the viewing axis, 0 = unknown.
        style: Which convention.

    Returns:
        (H, W, 3) uint8, grey.
    """
    known = depth > 0
    grey = np.zeros(depth.shape, np.uint8)
    if known.any():
        values = depth[known].astype(np.float64)
        if style == "zoe":
            white, black = np.percentile(values, [_NEAREST_PERCENT, _FARTHEST_PERCENT])
        else:
            values = 1.0 / values
            white, black = values.max(), values.min()
        scaled = (values - black) / (white - black) if white != black else np.ones_like(values)
        grey[known] = (scaled * 255.0).clip(0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=-1)
