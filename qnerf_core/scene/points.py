"""Sparse points of captures."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from qnerf_core.errors import FileFormatError


def read_points(path: Path | str) -> np.ndarray:
    """Read the points of a PLY file.

    Args:
        path: The file.

    Returns:
        (N, 3) float64.

    Raises:
        FileFormatError: It is missing, damaged or holds no points.
    """
    import trimesh

    path = Path(path)
    title = f"Cannot read the points {path}"
    if not path.is_file():
        raise FileFormatError(title, f"there is no {path.name}", "Check the path.")
    try:
        found = trimesh.load(path, file_type="ply", process=False)
    # trimesh reports damage by whatever its parser met.
    except (ValueError, IndexError, KeyError, AttributeError, TypeError) as error:
        raise FileFormatError(title, f"{path.name} is damaged ({error})", "Write it again.") from error
    points = np.asarray(getattr(found, "vertices", np.zeros((0, 3))), dtype=np.float64)
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        raise FileFormatError(title, f"{path.name} holds no points", "Write it again, or remove the key.")
    return points
