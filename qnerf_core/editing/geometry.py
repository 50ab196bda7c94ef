"""What depth, masks and the subject's meshes say about each view, at the size that the diffusion works at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qnerf_core.control.raster import rasterise_depth
from qnerf_core.control.seen import seen_view
from qnerf_core.editing.subject import Subject
from qnerf_core.scene.camera import Camera
from qnerf_core.scene.scene import View


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
    source, target = (rasterise_depth(*mesh, camera) for mesh in (subject.source, subject.target))
    seen = seen_view(view, camera, bounds, source > 0)
    return ViewGeometry(camera, seen.scene, seen.figure, source, target, seen.boundary, seen.supposed)
