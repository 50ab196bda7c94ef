"""Measures and filters of pictures in which an edit is compared with what it started from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from scipy import ndimage
from torch.nn import functional

_REFERENCE_SIZE = 256


def pixel_scale(size: Sequence[int]) -> float:
    """Return how many pixels of a picture one of a 256 px picture is: widths are chosen for those.

    Args:
        size: (height, width).
    """
    return max(size) / _REFERENCE_SIZE


def above(value: torch.Tensor, threshold: float) -> torch.Tensor:
    """Return how clearly values exceed a threshold: 0 up to it, 1 from twice that on.

    Args:
        value: Any shape.
        threshold: Above zero.
    """
    return ((value - threshold) / threshold).clamp(0.0, 1.0)


def blurred(values: torch.Tensor, width: float) -> torch.Tensor:
    """Blur over the pixels there are; beyond the border is zero.

    Args:
        values: (B, C, H, W).
        width: Standard deviation of the Gaussian, pixels.
    """
    radius = max(1, round(3 * width))
    kernel = torch.exp(-0.5 * (torch.arange(-radius, radius + 1) / width) ** 2)
    for shape in ((1, 1, -1, 1), (1, 1, 1, -1)):
        weights = (kernel / kernel.sum()).view(shape).expand(values.shape[1], -1, -1, -1)
        values = functional.conv2d(values, weights, padding="same", groups=values.shape[1])
    return values


def between(image: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Return values (N, C) of a picture between its pixels, linearly.

    Args:
        image: (H, W, C).
        pixels: (N, 2) columns and rows; beyond the border is what is at it.
    """
    at = pixels[:, ::-1].T
    found = [ndimage.map_coordinates(channel, at, order=1, mode="nearest") for channel in np.moveaxis(image, -1, 0)]
    return np.stack(found, axis=-1)
