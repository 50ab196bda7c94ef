"""Procedural materials: colours of surface points from patterns, noise and grain. All lengths are metres."""

from __future__ import annotations

import colorsys
from functools import lru_cache

import numpy as np
from scipy.ndimage import map_coordinates

Colour = tuple[float, float, float]

EDGE = 0.012
"""Width over which one colour turns into the next: about a pixel at 256 pixels a picture."""

_LATTICE = 32

_HUES = (
    *((0.04, "red"), (0.11, "orange"), (0.19, "yellow"), (0.45, "green"), (0.53, "cyan")),
    *((0.72, "blue"), (0.86, "purple"), (0.95, "pink"), (1.01, "red")),
)
"""Upper end of each named hue, 0 to 1."""


def colour_name(colour: Colour) -> str:
    """The everyday name of an RGB colour."""
    hue, saturation, value = colorsys.rgb_to_hsv(*colour)
    if value < 0.2:
        return "black"
    if saturation < 0.18:
        return "white" if value > 0.75 else "grey"
    name = next(name for limit, name in _HUES if hue < limit)
    return "brown" if name == "orange" and value < 0.6 else name


def random_colour(generator: np.random.Generator, value: tuple[float, float] = (0.15, 0.95)) -> Colour:
    """Any colour, grey ones often enough; `value` bounds its brightest component."""
    saturation = generator.choice([generator.uniform(0.0, 0.15), generator.uniform(0.3, 0.95)], p=[0.3, 0.7])
    return colorsys.hsv_to_rgb(float(generator.random()), float(saturation), float(generator.uniform(*value)))


def colour_like(generator: np.random.Generator, colour: Colour, spread: float = 0.05) -> Colour:
    """A colour near another one."""
    varied = np.clip(np.array(colour) * generator.uniform(0.85, 1.15) + generator.normal(0, spread, 3), 0.02, 0.98)
    return (float(varied[0]), float(varied[1]), float(varied[2]))


def away_from(colour: Colour, others: tuple[Colour, ...], distance: float = 0.22) -> bool:
    """Whether a colour differs clearly from all the others."""
    return all(np.linalg.norm(np.subtract(colour, other)) > distance for other in others)


def edge(distance: np.ndarray, width: float = EDGE) -> np.ndarray:
    """Share 0 to 1 of an area at a signed distance (positive inside) from its rim."""
    return np.clip(0.5 + distance / width, 0, 1)


def bands(position: np.ndarray, period: float, share: float = 0.5, width: float = EDGE) -> np.ndarray:
    """Share 0 to 1 of the second colour in bands that take up `share` of a period."""
    within = np.abs(position / period % 1 - 0.5) * period
    return edge(share * period / 2 - within, width)


def paint(colours: np.ndarray, share: np.ndarray, colour: Colour | np.ndarray) -> np.ndarray:
    """Colours (V, 3) covered by another to a share (V,)."""
    return colours + share[:, None] * (np.asarray(colour) - colours)


@lru_cache(maxsize=8)
def _lattice(seed: int) -> np.ndarray:
    return np.random.default_rng([seed, 77]).normal(size=(_LATTICE, _LATTICE, _LATTICE)).astype(np.float32)


def noise(points: np.ndarray, scale: float, seed: int = 0) -> np.ndarray:
    """(V,) smooth random values of about unit variance at points (V, 2 or 3), blobs of the size `scale`."""
    points = np.asarray(points) / scale
    if points.shape[1] == 2:
        points = np.column_stack([points, np.full(len(points), 0.5)])
    return 1.5 * map_coordinates(_lattice(seed), points.T + 0.31, order=1, mode="grid-wrap")


def turbulence(points: np.ndarray, scale: float, seed: int = 0, octaves: int = 3) -> np.ndarray:
    """(V,) noise with detail down to scale / 2^octaves."""
    return sum((noise(points, scale / 2**n, seed + n) / 2**n for n in range(octaves)), np.zeros(len(points)))


def wood(points: np.ndarray, colour: Colour, seed: int = 0) -> np.ndarray:
    """(V, 3) wood, its grain along the first axis of the points (V, 2 or 3)."""
    stretched = points * np.array([0.12, 1.0, 1.0])[: points.shape[1]]
    grain = np.sin(60 * (stretched[:, -1] + stretched[:, 1]) + 2.5 * noise(stretched, 0.06, seed))
    return np.array(colour) * (1 + 0.1 * grain + 0.07 * noise(stretched, 0.012, seed + 1))[:, None]


def leather(points: np.ndarray, colour: Colour, wear: float, seed: int = 0) -> np.ndarray:
    """(V, 3) leather, mottled, `wear` 0 to 1."""
    mottled = 0.05 * turbulence(points, 0.05, seed) + wear * 0.12 * turbulence(points, 0.2, seed + 5)
    return np.array(colour) * (1 + mottled)[:, None]


PATTERNS = ("plain", "stripes", "bars", "checks", "plaid", "dots", "melange", "diamonds")


def fabric(points: np.ndarray, pattern: str, first: Colour, second: Colour, period: float, seed: int = 0) -> np.ndarray:
    """(V, 3) a cloth's colours at points (V, 2) on it.

    Args:
        points: Along and across the cloth.
        pattern: One of `PATTERNS`.
        first, second: Its colours.
        period: Of the pattern.
        seed: Of the weave's unevenness.
    """
    x, y = points.T
    across, along = bands(x, period), bands(y, period)
    share = {
        "plain": lambda: np.zeros(len(x)),
        "stripes": lambda: along,
        "bars": lambda: across,
        "checks": lambda: across + along - 2 * across * along,
        "plaid": lambda: 0.45 * bands(x, period, 0.3) + 0.45 * bands(y, period, 0.3),
        "dots": lambda: edge(0.28 * period - np.hypot(*_cell(x, y, period))),
        "melange": lambda: np.clip(0.4 + 0.35 * noise(points, 0.02, seed), 0, 1),
        "diamonds": lambda: edge(0.5 * period - np.abs(np.array(_cell(x, y, 1.5 * period))).sum(0)),
    }[pattern]()
    cloth = paint(np.tile(np.array(first, dtype=np.float64), (len(x), 1)), share, second)
    return cloth * (1 + 0.035 * noise(points, 0.015, seed + 3) + 0.025 * noise(points, 0.12, seed + 4))[:, None]


def _cell(x: np.ndarray, y: np.ndarray, period: float) -> tuple[np.ndarray, np.ndarray]:
    """Position within cells whose rows are offset by half."""
    row = np.floor(y / period)
    return ((x / period + 0.5 * (row % 2)) % 1 - 0.5) * period, (y / period - row - 0.5) * period
