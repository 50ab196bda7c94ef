"""What depth, masks and the subject's meshes say about each view, at the size that the diffusion works at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from qnerf_core.control.raster import rasterise_depth
from qnerf_core.control.seen import seen_view
from qnerf_core.editing.filters import pixel_scale
from qnerf_core.editing.subject import Mesh, Subject
from qnerf_core.scene.camera import Camera
from qnerf_core.scene.scene import View

# Pixels of a 256 px picture by which a surface may shift and still counts as standing still.
_STILL = 1.0
# Metres; a mesh's part lies on the mesh's own surface within this.
_SAME_DEPTH = 1e-3


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
        unmoved: Bool, where the subject is seen before and after the edit and nothing seen there moves.
    """

    camera: Camera
    scene: np.ndarray
    figure: np.ndarray
    source: np.ndarray
    target: np.ndarray
    boundary: np.ndarray
    supposed: np.ndarray
    unmoved: np.ndarray


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
    unmoved = unmoved_surface(subject, camera, source, target, seen.figure)
    return ViewGeometry(camera, seen.scene, seen.figure, source, target, seen.boundary, seen.supposed, unmoved)


def unmoved_surface(
    subject: Subject, camera: Camera, source: np.ndarray, target: np.ndarray, figure: np.ndarray
) -> np.ndarray:
    """Find where the subject is seen before and after an edit, and nothing that is seen there moves.

    What stands off the meshes, such as hair and clothes, goes with the part that is nearest in the picture.

    Args:
        subject: What is edited; unless its meshes have the same faces, all of it counts as moving.
        camera: The view.
        source, target: (H, W) depth of the subject's meshes, metres, 0 = nothing.
        figure: (H, W) bool, what the subject covers in the source.

    Returns:
        (H, W) bool.
    """
    (before, faces), (after, faces_after) = subject.source, subject.target
    nothing = np.zeros(figure.shape, dtype=bool)
    if before.shape != after.shape or not np.array_equal(faces, faces_after):
        # No telling what of the one is what of the other.
        return nothing
    shift = np.linalg.norm(camera.project(before)[0] - camera.project(after)[0], axis=-1)
    # Not a number, before or after, behind the camera.
    moves = ~(shift <= _STILL * pixel_scale(figure.shape))
    moving = faces[moves[faces].any(axis=1)]
    seen_moving = _seen((before, moving), source, camera) | _seen((after, moving), target, camera)
    still = (source > 0) & (target > 0) & ~seen_moving
    known = still | seen_moving
    if not still.any():
        return nothing
    nearest = ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True)
    return np.asarray((figure | known) & still[tuple(nearest)])


def _seen(part: Mesh, depth: np.ndarray, camera: Camera) -> np.ndarray:
    """Where a part of a mesh is what one sees of it; `depth` (H, W) is that of the whole mesh."""
    own = rasterise_depth(*part, camera)
    return (own > 0) & (own <= depth + _SAME_DEPTH)
