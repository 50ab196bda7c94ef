"""Depth of the posed body, and what it says about the depth of the edited scene (method.md 1.4, choice 1)."""

from __future__ import annotations

import numpy as np
from scipy import ndimage


def edited_depth(
    target: np.ndarray, scene: np.ndarray, source_figure: np.ndarray, uncertain_band: float
) -> tuple[np.ndarray, np.ndarray]:
    """Compose the depth that the edited scene should have from the posed body and the source scene.

    Args:
        target: (H, W) depth of the body in its target pose, metres, 0 where it is not.
        scene: (H, W) depth of the source scene, metres, 0 = unknown.
        source_figure: (H, W) bool, what the figure covers in the source.
        uncertain_band: Pixels around the target's silhouette, outside of it, in which nothing is trusted: clothes and
            hair stand off the body. Inside the figure is there for sure, and limbs are too thin to give up a rim.

    Returns:
        Depth (H, W) float32, and where it is known (H, W) bool: not where the figure was and is no more (what it hid
        was never seen), not in the band, not where the source's depth is unknown.
    """
    body = target > 0
    depth = np.where(body, target, scene).astype(np.float32)
    valid = (depth > 0) & ~(source_figure & ~body)
    if body.any():
        valid &= body | (ndimage.distance_transform_edt(~body) > uncertain_band)
    return depth, valid
