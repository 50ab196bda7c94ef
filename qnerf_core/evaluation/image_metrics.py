"""Distances between two pictures, over a region of them."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage
from skimage.metrics import structural_similarity
from torch.nn import functional

from qnerf_core.evaluation.features import feature_network

# Identical pictures have an infinite PSNR, which JSON cannot hold.
MAX_PSNR = 100.0
# Dilation of the region of an edit, as a share of the picture's height: 3 pixels at 256.
REGION_MARGIN = 0.012


def mean_squared_error_to_psnr(error: float) -> float:
    """PSNR in dB for pictures in [0, 1] with the given mean squared error, at most `MAX_PSNR`."""
    if error <= 10.0 ** (-MAX_PSNR / 10.0):
        return MAX_PSNR
    return float(-10.0 * np.log10(error))


def psnr(picture: np.ndarray, reference: np.ndarray, region: np.ndarray | None = None) -> float:
    """Peak signal-to-noise ratio.

    Args:
        picture: (3, H, W) in [0, 1].
        reference: (3, H, W) in [0, 1].
        region: (H, W) bool, the pixels that count; None for all.

    Returns:
        dB, at most `MAX_PSNR`.

    Raises:
        ValueError: the shapes differ or the region is empty.
    """
    _check(picture, reference, region)
    squared = (picture.astype(np.float64) - reference.astype(np.float64)) ** 2
    return mean_squared_error_to_psnr(float(squared.mean() if region is None else squared[:, region].mean()))


def ssim(picture: np.ndarray, reference: np.ndarray, region: np.ndarray | None = None) -> float:
    """Structural similarity (Wang et al. 2004: Gaussian window, sigma 1.5), its map averaged over the region.

    Args:
        picture: (3, H, W) in [0, 1].
        reference: (3, H, W) in [0, 1].
        region: (H, W) bool, the pixels that count; None for all.

    Returns:
        1 for identical pictures.

    Raises:
        ValueError: the shapes differ or the region is empty.
    """
    _check(picture, reference, region)
    _, similarity = structural_similarity(
        picture.astype(np.float64),
        reference.astype(np.float64),
        data_range=1.0,
        channel_axis=0,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=True,
    )
    return float(similarity.mean() if region is None else similarity[:, region].mean())


def perceptual_distance_map(picture: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """A distance between deep features, per pixel.

    Built like LPIPS (Zhang et al. 2018): the features at five depths are normalised to unit length across channels at
    every position, their squared differences are summed over the channels, enlarged to the picture and averaged over
    the depths. It is **not** LPIPS: the network is EfficientNet-Lite0 and no weights were learned on human judgements,
    so its figures compare only with themselves.

    Args:
        picture: (3, H, W) in [0, 1].
        reference: (3, H, W) in [0, 1].

    Returns:
        (H, W) float32, 0 where nothing differs, at most 4.

    Raises:
        ValueError: the shapes differ.
    """
    _check(picture, reference, None)
    network = feature_network()
    pair = torch.from_numpy(np.stack([picture, reference]).astype(np.float32))
    size = (picture.shape[1], picture.shape[2])
    total = torch.zeros(size)
    with torch.inference_mode():
        levels = network.features(pair)
        for level in levels:
            unit = functional.normalize(level, dim=1, eps=1e-8)
            difference = (unit[0] - unit[1]).square().sum(dim=0)
            total += functional.interpolate(difference[None, None], size, mode="bilinear", align_corners=False)[0, 0]
    result: np.ndarray = (total / len(levels)).numpy()
    return result


def perceptual_distance(picture: np.ndarray, reference: np.ndarray, region: np.ndarray | None = None) -> float:
    """`perceptual_distance_map` averaged over a region (H, W) bool, or over everything.

    Raises:
        ValueError: the shapes differ or the region is empty.
    """
    _check(picture, reference, region)
    distances = perceptual_distance_map(picture, reference)
    return float(distances.mean() if region is None else distances[region].mean())


def silhouette_iou(mask: np.ndarray, reference: np.ndarray) -> float:
    """Intersection over union of two silhouettes (H, W) bool.

    Returns:
        A number in [0, 1]; 1 when both are empty.
    """
    union = int(np.count_nonzero(mask | reference))
    return int(np.count_nonzero(mask & reference)) / union if union else 1.0


def edit_region(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Where an edit may change a picture: the union of the silhouettes before and after, a little dilated.

    Args:
        before: (H, W) bool.
        after: (H, W) bool.

    Returns:
        (H, W) bool.
    """
    return dilate(before | after, max(1, round(REGION_MARGIN * before.shape[0])))


def dilate(mask: np.ndarray, pixels: int) -> np.ndarray:
    """The mask (H, W) bool and everything within ``pixels`` of it (Euclidean)."""
    if not mask.any():
        return mask.copy()
    near: np.ndarray = ndimage.distance_transform_edt(~mask) <= pixels
    return near


def _check(picture: np.ndarray, reference: np.ndarray, region: np.ndarray | None) -> None:
    if picture.shape != reference.shape:
        raise ValueError(f"the pictures differ in shape: {picture.shape} and {reference.shape}")
    if region is not None and (region.shape != picture.shape[1:] or not region.any()):
        raise ValueError(f"the region {region.shape} is empty or does not fit a picture of shape {picture.shape}")
