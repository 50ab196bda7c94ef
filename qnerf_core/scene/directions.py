"""Directions in space."""

from __future__ import annotations

import numpy as np


def evenly_spread(count: int) -> np.ndarray:
    """Spread directions over the whole sphere (Fibonacci's sphere).

    Args:
        count: How many.

    Returns:
        (count, 3) unit vectors, from the highest to the lowest.
    """
    index = np.arange(count) + 0.5
    z = 1 - 2 * index / count
    angle = np.pi * (1 + 5**0.5) * index
    radius = np.sqrt(1 - z**2)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), z], axis=1)
