"""What depth, masks and the subject's meshes say about each view, at the size that the diffusion works at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from qnerf_core.control.loose_depth import boundary_depth
from qnerf_core.control.raster import rasterise_depth
from qnerf_core.editing.subject import Subject
from qnerf_core.scene.camera import Camera
from qnerf_core.scene.scene import View, load_boundary, load_depth, load_mask

# Pixels around the subject in which the scene's depth may be half its own.
_RIM = 2.0


@dataclass(frozen=True, eq=False)
class ViewGeometry:
    """Maps of one view, all (H, W); depths in metres along the viewing axis, 0 = nothing or unknown.

    Attributes:
        camera: Of that size.
        scene: Depth of the source scene.
        figure: Bool, what the subject covers in the source.
        source: Depth of the source's body or proxy alone.
        target: Depth of the target's body or proxy alone.
        boundary: Depth of the scene without its subject.
        supposed: Bool, where nobody saw the boundary: it is that of the scene's bounds.
    """

    camera: Camera
    scene: np.ndarray
    figure: np.ndarray
    source: np.ndarray
    target: np.ndarray
    boundary: np.ndarray
    supposed: np.ndarray


def view_geometry(view: View, camera: Camera, bounds: np.ndarray | None, subject: Subject) -> ViewGeometry:
    """Read and render the maps of a view.

    Args:
        view: The view.
        camera: Its camera at the wanted size.
        bounds: (2, 3) box of the scene, metres; None if it is not known.
        subject: What is edited.

    Raises:
        CaptureError: A picture's size is not its camera's.
        FileFormatError: A picture cannot be read.
    """
    size = (camera.height, camera.width)
    source, target = (rasterise_depth(*mesh, camera) for mesh in (subject.source, subject.target))
    scene = _resized(load_depth(view), size) if view.depth_path else np.zeros(size, np.float32)
    figure = _resized(load_mask(view), size) if view.mask_path else source > 0
    if view.boundary_path:
        boundary = _resized(load_boundary(view), size)
        supposed = np.zeros(size, bool)
    else:
        boundary = boundary_depth(camera, bounds, scene if view.depth_path else None, figure, _RIM)
        near = ndimage.distance_transform_edt(~figure) <= _RIM if figure.any() else figure
        supposed = near | (scene == 0)
    return ViewGeometry(camera, scene, figure, source, target, boundary, supposed)


def _resized(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Take the nearest pixel: depth and masks must not be mixed across an edge."""
    rows = ((np.arange(size[0]) + 0.5) * values.shape[0] / size[0]).astype(np.int64)
    columns = ((np.arange(size[1]) + 0.5) * values.shape[1] / size[1]).astype(np.int64)
    return np.ascontiguousarray(values[rows][:, columns])
