"""A triangle mesh of a radiance field, as GLB.

World scale is kept (metres). glTF's world has y up and the subject facing +z; this program's has z up. Points are
turned by -90 degrees about x: (x, y, z) becomes (x, z, -y).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import trimesh
from skimage.measure import marching_cubes

from qnerf_core import files
from qnerf_core.errors import ExportError
from qnerf_core.field.radiance import RadianceField
from qnerf_core.scene.axes import Z_UP_TO_Y_UP

_CHUNK = 65536


def extract_mesh(
    density: Callable[[np.ndarray], np.ndarray],
    colour: Callable[[np.ndarray], np.ndarray],
    box: np.ndarray,
    resolution: int = 128,
    level: float | None = None,
) -> trimesh.Trimesh:
    """Marching cubes over a field's density inside a box.

    Args:
        density: Maps points (N, 3) to densities (N,), per metre.
        colour: Maps points (N, 3) to RGB (N, 3) in [0, 1].
        box: (2, 3) lower and upper corner, metres; matter that leaves it is cut off flat.
        resolution: Samples along the longest side.
        level: Density of the surface; None for the one at which a voxel lets half of the light through.

    Returns:
        The mesh in the program's world (z up, metres), with vertex colours, outward faces.

    Raises:
        ExportError: No density in the box reaches the level.
    """
    extent = box[1] - box[0]
    spacing = float(extent.max()) / (resolution - 1)
    counts = np.maximum(np.ceil(extent / spacing).astype(int) + 1, 2)
    axes = [np.linspace(box[0, axis], box[1, axis], counts[axis]) for axis in range(3)]
    steps = tuple(float(axis[1] - axis[0]) for axis in axes)
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    values = _in_chunks(density, points).reshape(tuple(counts))
    surface = float(np.log(2.0) / spacing) if level is None else level
    if not values.max() > surface:
        raise ExportError(
            "There is no surface to export",
            f"the highest density in the box is {values.max():.3g} per metre, the surface's {surface:.3g}",
            "Choose a larger box, or train the field longer.",
        )
    # A border of empty space closes the mesh where matter leaves the box.
    padded = np.pad(values, 1, constant_values=0.0)
    vertices, faces, _, _ = marching_cubes(padded, surface, spacing=steps, gradient_direction="ascent")
    vertices = vertices - np.array(steps) + box[0]
    colours = np.clip(_in_chunks(colour, vertices), 0.0, 1.0)
    opaque = np.concatenate([np.rint(colours * 255), np.full((len(colours), 1), 255)], axis=1).astype(np.uint8)
    return trimesh.Trimesh(vertices, faces, vertex_colors=opaque, process=False)


def write_glb(mesh: trimesh.Trimesh, path: Path | str) -> None:
    """Write a mesh of the program's world as binary glTF (y up, metres).

    Args:
        mesh: z up, with vertex colours.
        path: Ends with ``.glb``.
    """
    turned = mesh.copy()
    turned.apply_transform(Z_UP_TO_Y_UP)
    content = trimesh.Scene({"mesh": turned}).export(file_type="glb")
    files.write_bytes(path, content)


def _in_chunks(function: Callable[[np.ndarray], np.ndarray], points: np.ndarray) -> np.ndarray:
    parts = [function(points[start : start + _CHUNK]) for start in range(0, len(points), _CHUNK)]
    return np.concatenate(parts).astype(np.float64)


def export_mesh(field: RadianceField, box: np.ndarray, path: Path | str, resolution: int = 128) -> trimesh.Trimesh:
    """Write the part of a field inside a box as GLB.

    Args:
        field: The field.
        box: (2, 3), metres; `qnerf_core.export.subject.subject_box` gives the edited subject's.
        path: Ends with ``.glb``.
        resolution: Samples along the longest side.

    Returns:
        The mesh as in the program's world (z up).

    Raises:
        ExportError: There is no surface in the box.
    """
    mesh = extract_mesh(field.density, field.colour, box, resolution)
    write_glb(mesh, path)
    return mesh
