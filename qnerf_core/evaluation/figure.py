"""Finding the figure in an edited picture without being told where it should be.

A built-in capture has many true pictures from each camera: the source and every edit's truth. Outside its silhouette
each of them shows the empty background, so together they give a *clean plate* of each camera. The figure in an edited
picture is then what differs from the plate in colour. Three things are not the figure and are dealt with:

* the picture as a whole may be a little brighter or tinted (the autoencoder, the diffusion): the median difference per
  channel is taken out first;
* its background is noisy in the same way: the threshold is a multiple of the picture's own typical difference;
* a shadow darkens the plate but keeps its hue: a pixel explained by the plate times one factor is background, unless
  the colour it has is closer to a colour of the figure itself (taken from the source picture inside its silhouette).

Then a little morphology and the largest component. Where every true picture shows the figure, the background is
unknown: such pixels hold the parts together but are not counted. The target's silhouette is used only to measure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.cluster.vq import kmeans2

from qnerf_core.evaluation.image_metrics import dilate

MIN_THRESHOLD = 0.07
NOISE_FACTOR = 4.0
# A shadow leaves between this share of the light and all of it.
DARKEST_SHADOW = 0.35
PALETTE_SIZE = 12
# A smaller component is noise.
MIN_FIGURE_SHARE = 0.002
_ANTIALIASED_EDGE = 2


@dataclass(frozen=True, eq=False)
class Plate:
    """The empty background of one camera: colour (3, H, W), known (H, W) bool, and the colours (K, 3) of its figure."""

    colour: np.ndarray
    known: np.ndarray
    palette: np.ndarray


def clean_plate(images: np.ndarray, masks: np.ndarray) -> Plate:
    """Combine true pictures of one camera into its empty background.

    Args:
        images: (N, 3, H, W) in [0, 1]; the first one is the source.
        masks: (N, H, W) bool, the figure in each.

    Returns:
        The plate: at each pixel the brightest of the pictures that show background there (the least shadowed).
    """
    free = ~np.stack([dilate(mask, _ANTIALIASED_EDGE) for mask in masks])
    brightness = np.where(free, images.mean(axis=1), -1.0)
    best = brightness.argmax(axis=0)
    colour = np.take_along_axis(images, best[None, None], axis=0)[0]
    known = np.any(free, axis=0)
    inner = ndimage.binary_erosion(masks[0], iterations=_ANTIALIASED_EDGE)
    samples = images[0][:, inner if inner.any() else masks[0]].T.astype(np.float64)
    if len(samples) <= PALETTE_SIZE:
        palette = samples
    else:
        palette, _ = kmeans2(samples, PALETTE_SIZE, minit="++", rng=np.random.default_rng(0))
    return Plate(colour, known, palette)


def segment_figure(picture: np.ndarray, plate: Plate) -> np.ndarray:
    """The figure in a picture (3, H, W) in [0, 1] taken by the plate's camera.

    Returns:
        (H, W) bool. Unknown pixels of the plate are false.
    """
    known = plate.known
    offset = np.median((picture - plate.colour)[:, known], axis=1)
    balanced = picture - offset[:, None, None]
    difference = np.linalg.norm(balanced - plate.colour, axis=0)
    threshold = max(MIN_THRESHOLD, NOISE_FACTOR * float(np.median(difference[known])))

    factor = (balanced * plate.colour).sum(axis=0) / np.maximum((plate.colour**2).sum(axis=0), 1e-6)
    shaded = plate.colour * np.clip(factor, DARKEST_SHADOW, 1.0)
    off_shadow = np.linalg.norm(balanced - shaded, axis=0)
    colours = balanced.reshape(3, -1).T
    off_figure = np.linalg.norm(colours[:, None] - plate.palette[None], axis=-1).min(axis=1).reshape(difference.shape)
    shadow = (factor < 1.0) & (off_shadow < threshold) & (off_shadow < off_figure)

    raw = (difference > threshold) & ~shadow & known
    # The unknown pixels lie inside every true silhouette: they connect the limbs.
    joined = ndimage.binary_opening(raw | ~known, iterations=1) | ~known
    joined = ndimage.binary_closing(joined, iterations=1)
    joined = ndimage.binary_fill_holes(joined)
    labels, count = ndimage.label(joined, structure=np.ones((3, 3)))
    figure: np.ndarray = np.zeros_like(known)
    if count:
        sizes = np.bincount(labels.ravel())[1:]
        figure = (labels == 1 + int(sizes.argmax())) & known
    return figure if figure.sum() >= MIN_FIGURE_SHARE * known.size else np.zeros_like(known)
