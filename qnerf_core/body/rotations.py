"""Rotations in swing and twist coordinates, many joints at a time.

The twist turns about one coordinate axis k, the swing is a rotation vector in the plane of the two others, of length
below pi: R = exp(swing) exp(twist e_k). The three numbers are stored on the axes they belong to.
"""

from __future__ import annotations

import numpy as np

_GENERATORS = np.array(
    [[0, 0, 0, 0, 0, -1, 0, 1, 0], [0, 0, 1, 0, 0, 0, -1, 0, 0], [0, -1, 0, 1, 0, 0, 0, 0, 0]], float
)
_IDENTITY = np.eye(3)
# Added to squared angles so that sin(a) / a needs no case for a = 0; below the rounding error of every result.
_TINY = 1e-18


def vectors_to_swing_twist(vectors: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """Splits rotations into swing and twist.

    Args:
        vectors: (n, 3) axis-angle vectors, radians.
        axes: (n,) index of every rotation's twist axis.

    Returns:
        (n, 3) radians: the twist angle (within pi) at the twist's axis, the swing vector at the two others.
    """
    rows, first_axis, second_axis = np.arange(len(axes)), (axes + 1) % 3, (axes + 2) % 3
    half = 0.5 * np.sqrt(np.einsum("ij,ij->i", vectors, vectors) + _TINY)
    scalar = np.cos(half)
    # Of the quaternions q and -q, which are the same rotation, the one whose twist is within half a turn.
    sign = np.where(scalar < 0.0, -1.0, 1.0)
    scalar = scalar * sign
    vector = vectors * (0.5 * np.sin(half) / half * sign)[:, None]
    along, first, second = vector[rows, axes], vector[rows, first_axis], vector[rows, second_axis]
    size = np.sqrt(scalar * scalar + along * along)
    # After a swing of half a turn the twist is undefined: none is as good as any.
    defined = size > 1e-12
    cos = np.where(defined, scalar, 1.0) / np.where(defined, size, 1.0)
    sin = np.where(defined, along, 0.0) / np.where(defined, size, 1.0)
    half_sine = np.sqrt(first * first + second * second + _TINY)
    stretch = 2.0 * np.arctan2(half_sine, size) / half_sine
    coordinates = np.empty_like(vector)
    coordinates[rows, axes] = 2.0 * np.arctan2(along, scalar)
    coordinates[rows, first_axis] = stretch * (cos * first - sin * second)
    coordinates[rows, second_axis] = stretch * (cos * second + sin * first)
    return coordinates


def swing_twist_to_vectors(coordinates: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """The inverse of `vectors_to_swing_twist`.

    Args:
        coordinates: (n, 3) radians.
        axes: (n,) index of every rotation's twist axis.

    Returns:
        (n, 3) axis-angle vectors no longer than pi.
    """
    rows, first_axis, second_axis = np.arange(len(axes)), (axes + 1) % 3, (axes + 2) % 3
    twist = 0.5 * coordinates[rows, axes]
    first, second = 0.5 * coordinates[rows, first_axis], 0.5 * coordinates[rows, second_axis]
    half = np.sqrt(first * first + second * second + _TINY)
    cos_swing, scale = np.cos(half), np.sin(half) / half
    cos, sin = np.cos(twist), np.sin(twist)
    first, second = first * scale, second * scale
    vector = np.empty_like(coordinates)
    vector[rows, axes] = cos_swing * sin
    vector[rows, first_axis] = cos * first + sin * second
    vector[rows, second_axis] = cos * second - sin * first
    scalar = cos_swing * cos
    sign = np.where(scalar < 0.0, -1.0, 1.0)
    length = np.sqrt(np.einsum("ij,ij->i", vector, vector) + _TINY)
    return vector * (2.0 * sign * np.arctan2(length, scalar * sign) / length)[:, None]


def exponential(vectors: np.ndarray) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Rotation matrices of rotation vectors (Rodrigues).

    Args:
        vectors: (n, 3) radians.

    Returns:
        (n, 3, 3) matrices, and the terms that `left_jacobian` needs again.
    """
    square = np.einsum("ij,ij->i", vectors, vectors) + _TINY
    angle = np.sqrt(square)
    skew = (vectors @ _GENERATORS).reshape(-1, 3, 3)
    # K K = v v^T - |v|^2 1
    skew_squared = vectors[:, :, None] * vectors[:, None, :] - square[:, None, None] * _IDENTITY
    sine = np.sin(angle) / angle
    half_sine = np.sin(0.5 * angle) / angle
    second = 2.0 * half_sine * half_sine
    matrices = sine[:, None, None] * skew + second[:, None, None] * skew_squared + _IDENTITY
    third = (1.0 - sine) / square
    return matrices, (second, third, np.stack([skew, skew_squared]))


def left_jacobian(terms: tuple[np.ndarray, np.ndarray, np.ndarray], count: int) -> np.ndarray:
    """How rotations turn when their vectors change: exp(v + dv) = exp(J dv) exp(v) to first order.

    Args:
        terms: what `exponential` returned.
        count: how many of its vectors, from the first, are wanted.

    Returns:
        (count, 3, 3).
    """
    second, third, (skew, skew_squared) = terms
    return second[:count, None, None] * skew[:count] + third[:count, None, None] * skew_squared[:count] + _IDENTITY
