"""Numbers and matrices out of JSON that somebody else wrote."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

_ORTHONORMAL_TOLERANCE = 1e-3


def number(value: Any) -> float | None:
    """Return a finite number, None if it is none.

    Args:
        value: Anything.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def matrix(value: Any, shape: tuple[int, int]) -> np.ndarray | None:
    """Return a matrix of finite numbers, float64, None if it is none of that shape.

    Args:
        value: Anything.
        shape: Rows and columns.
    """
    if not isinstance(value, list) or len(value) != shape[0]:
        return None
    if not all(isinstance(row, list) and len(row) == shape[1] for row in value):
        return None
    numbers = [[number(entry) for entry in row] for row in value]
    if any(entry is None for row in numbers for entry in row):
        return None
    return np.array(numbers, dtype=np.float64)


def pose(value: Any) -> np.ndarray | None:
    """Return a 4x4 pose, also from its first three rows, None if it is neither.

    Args:
        value: Anything.
    """
    found = matrix(value, (3, 4))
    return matrix(value, (4, 4)) if found is None else np.vstack([found, [0.0, 0.0, 0.0, 1.0]])


def pose_fault(found: np.ndarray) -> tuple[str, str, bool] | None:
    """Tell what is wrong with a pose.

    Args:
        found: (4, 4).

    Returns:
        What is wrong, what to do, and whether `nearest_rotation` can repair it; None for a good pose.
    """
    rotation = found[:3, :3]
    if not np.allclose(found[3], [0.0, 0.0, 0.0, 1.0], atol=1e-6):
        return "the last row of transform_matrix is not 0 0 0 1", "Correct the matrix.", False
    determinant = float(np.linalg.det(rotation))
    if not np.allclose(rotation.T @ rotation, np.eye(3), atol=_ORTHONORMAL_TOLERANCE):
        what = "its rotation is not orthonormal (it scales or shears)"
        return what, "Remove scale and shear from the matrix.", determinant > 1e-9
    if determinant < 0:
        return "its rotation is left-handed (it mirrors)", "Flip one axis of the matrix.", False
    return None


def nearest_rotation(found: np.ndarray) -> np.ndarray:
    """Return a pose with its rotation made orthonormal, as little changed as possible.

    Args:
        found: (4, 4) whose upper left part has a positive determinant.
    """
    left, _, right = np.linalg.svd(found[:3, :3])
    result = found.copy()
    result[:3, :3] = left @ right
    return result


def focal(angle: float | None, size: int) -> float | None:
    """Return the focal length in pixels of an angle of view, None of one that no pinhole has.

    Args:
        angle: Radians.
        size: Of the picture in that direction, pixels.
    """
    if angle is None or not 0 < angle < math.pi:
        return None
    return 0.5 * size / math.tan(0.5 * angle)


def unique_names(paths: list[Path], keys: list[str]) -> list[str]:
    """Name pictures by their file's stem, as people know them, unless two folders hold the same one.

    Args:
        paths: Of the pictures.
        keys: A unique name for each.
    """
    stems = [path.stem for path in paths]
    return stems if len(set(stems)) == len(stems) else keys
