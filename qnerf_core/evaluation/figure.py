"""Finding the figure in an edited picture without being told where it should be.

A built-in capture has many true pictures from each camera: the source and every edit's truth. Outside its silhouette
each of them shows the empty background, so together they give a *clean plate* of each camera. The figure in an edited
picture is then what differs from the plate in colour. Three things are not the figure and are dealt with:

* the picture as a whole may be a little brighter or tinted (the autoencoder, the diffusion): the median difference per
  channel is taken out first;
* its background is noisy in the same way: the threshold is a multiple of the picture's own typical difference;
* a shadow darkens the plate but keeps its hue: a pixel explained by the plate times one factor is background, unless
  the colour it has is closer to a colour of the figure itself (taken from the source picture inside its silhouette).

Then a little morphology and the largest component. Where every true picture shows the figure (mostly the trunk), its
background was never seen: it is interpolated along the row from both sides, which is close enough to tell clothes from
wall and floor. The target's silhouette is used only to measure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.cluster.vq import kmeans2

from qnerf_core.evaluation.image_metrics import dilate

MIN_THRESHOLD = 0.05
NOISE_FACTOR = 2.5
# Takes the grain out before thresholding, pixels of a 256 px picture; more of it would thin out fingers.
SMOOTHING = 0.5
# A larger hole in the figure (between arm and body) is background, pixels of a 256 px picture.
LARGEST_HOLE = 20
# A shadow leaves between this share of the light and all of it.
DARKEST_SHADOW = 0.35
PALETTE_SIZE = 12
# A smaller component is noise.
MIN_FIGURE_SHARE = 0.002
_ANTIALIASED_EDGE = 2


@dataclass(frozen=True, eq=False)
class Plate:
    """The empty background of one camera.

    Attributes:
        colour: (3, H, W) in [0, 1].
        seen: (H, W) bool, where some true picture shows it; elsewhere it is interpolated.
        palette: (K, 3) colours of the figure.
    """

    colour: np.ndarray
    seen: np.ndarray
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
    seen = np.any(free, axis=0)
    columns = np.arange(seen.shape[1])
    for row in np.nonzero(seen.any(axis=1) & ~seen.all(axis=1))[0]:
        known = seen[row]
        for channel in colour:
            channel[row, ~known] = np.interp(columns[~known], columns[known], channel[row, known])
    return Plate(colour, seen, _palette(images[0], masks[0]))


def segment_figure(picture: np.ndarray, plate: Plate) -> np.ndarray:
    """Find the figure in a picture (3, H, W) in [0, 1] taken by the plate's camera.

    Returns:
        (H, W) bool.
    """
    offset = np.median((picture - plate.colour)[:, plate.seen], axis=1)
    sigma = SMOOTHING * picture.shape[1] / 256
    balanced = ndimage.gaussian_filter(picture - offset[:, None, None], (0, sigma, sigma))
    difference = np.linalg.norm(balanced - plate.colour, axis=0)
    threshold = max(MIN_THRESHOLD, NOISE_FACTOR * float(np.median(difference)))

    factor = (balanced * plate.colour).sum(axis=0) / np.maximum((plate.colour**2).sum(axis=0), 1e-6)
    off_shadow = np.linalg.norm(balanced - plate.colour * np.clip(factor, DARKEST_SHADOW, 1.0), axis=0)
    shadow = (factor < 1.0) & (off_shadow < threshold) & (off_shadow < _distance_to_palette(balanced, plate.palette))

    found = (difference > threshold) & ~shadow
    # An opening removes grain, and fingers; what lies within two pixels of the rest comes back.
    raw = ndimage.binary_dilation(ndimage.binary_opening(found), iterations=2, mask=found)
    raw = ndimage.binary_closing(raw)
    labels, count = ndimage.label(raw, structure=np.ones((3, 3)))
    if count == 0:
        return raw
    sizes = np.bincount(labels.ravel())[1:]
    if sizes.max() < MIN_FIGURE_SHARE * raw.size:
        return np.zeros_like(raw)
    figure = _without_small_holes(labels == 1 + int(sizes.argmax()))
    return _without_fringe(figure, balanced, difference)


def _palette(source: np.ndarray, mask: np.ndarray) -> np.ndarray:
    inner = ndimage.binary_erosion(mask, iterations=_ANTIALIASED_EDGE)
    samples = source[:, inner if inner.any() else mask].T.astype(np.float64)
    if len(samples) <= PALETTE_SIZE:
        return samples
    palette: np.ndarray = kmeans2(samples, PALETTE_SIZE, minit="++", rng=np.random.default_rng(0))[0]
    return palette


def _distance_to_palette(picture: np.ndarray, palette: np.ndarray) -> np.ndarray:
    if len(palette) == 0:
        return np.full(picture.shape[1:], np.inf)
    distances = [np.square(picture - colour[:, None, None]).sum(axis=0) for colour in palette]
    return np.sqrt(np.min(distances, axis=0))


def _without_small_holes(figure: np.ndarray) -> np.ndarray:
    largest = max(1, round(LARGEST_HOLE * figure.size / 256**2))
    labels, count = ndimage.label(~figure)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    small = sizes <= largest
    small[0] = False
    filled: np.ndarray = figure | small[labels]
    return filled


def _without_fringe(figure: np.ndarray, picture: np.ndarray, difference: np.ndarray) -> np.ndarray:
    # A pixel on the edge mixes figure and background. It belongs to the one it is closer to in colour: the plate, or
    # the nearest pixel inside the figure.
    interior = ndimage.binary_erosion(figure)
    if not interior.any():
        return figure
    rows, columns = ndimage.distance_transform_edt(~interior, return_distances=False, return_indices=True)
    off_figure = np.linalg.norm(picture - picture[:, rows, columns], axis=0)
    trimmed: np.ndarray = interior | (figure & (difference >= off_figure))
    return trimmed
