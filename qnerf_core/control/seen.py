"""What a view's files say of its scene: its depth, what the subject covers, and what stands behind it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from qnerf_core.control.loose_depth import boundary_depth
from qnerf_core.scene.camera import Camera
from qnerf_core.scene.scene import View, load_boundary, load_depth, load_mask

# Pixels around the subject in which the scene's depth may be half its own.
_RIM = 2.0


@dataclass(frozen=True, eq=False)
class SeenView:
    """Maps of one view, all (H, W); depths in metres along the viewing axis, 0 = nothing or unknown.

    Attributes:
        scene: Depth of the scene.
        figure: Bool, what the subject covers.
        boundary: Depth of the scene without its subject.
        supposed: Bool, where nobody saw the boundary: it is that of the scene's bounds.
    """

    scene: np.ndarray
    figure: np.ndarray
    boundary: np.ndarray
    supposed: np.ndarray


def seen_view(view: View, camera: Camera, bounds: np.ndarray | None, silhouette: np.ndarray) -> SeenView:
    """Read the maps of a view.

    Args:
        view: The view.
        camera: Its camera at the wanted size.
        bounds: (2, 3) box of the scene, metres; None if it is not known.
        silhouette: (H, W) bool, what the subject is taken to cover where the view has no mask.

    Raises:
        CaptureError: A picture's size is not its camera's.
        FileFormatError: A picture cannot be read.
    """
    size = (camera.height, camera.width)
    scene = _resized(load_depth(view), size) if view.depth_path else np.zeros(size, np.float32)
    figure = _resized(load_mask(view), size) if view.mask_path else silhouette
    if view.boundary_path:
        return SeenView(scene, figure, _resized(load_boundary(view), size), np.zeros(size, bool))
    boundary = boundary_depth(camera, bounds, scene if view.depth_path else None, figure, _RIM)
    near = ndimage.distance_transform_edt(~figure) <= _RIM if figure.any() else figure
    return SeenView(scene, figure, boundary, near | (scene == 0))


def _resized(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Take the nearest pixel: depth and masks must not be mixed across an edge."""
    rows = ((np.arange(size[0]) + 0.5) * values.shape[0] / size[0]).astype(np.int64)
    columns = ((np.arange(size[1]) + 0.5) * values.shape[1] / size[1]).astype(np.int64)
    return np.ascontiguousarray(values[rows][:, columns])
