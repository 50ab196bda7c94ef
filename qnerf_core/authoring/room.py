"""Rooms around the subjects: floor and walls as procedural textures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

TEXTURE_SIZE = 512


@dataclass(frozen=True, eq=False)
class Room:
    """A box room: floor z = 0, walls at |x| and |y| = half_size.

    Attributes:
        half_size: Metres.
        height: Metres.
        floor: (S, S, 3) texture, float 0 to 1.
        walls: Four textures (S, S, 3): +x, +y, -x, -y.
        light: (3,) unit vector towards the main light.
        ambient: Share of the light that comes from everywhere, 0 to 1.
    """

    half_size: float
    height: float
    floor: np.ndarray
    walls: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
    light: np.ndarray
    ambient: float

    @property
    def bounds(self) -> np.ndarray:
        """(2, 3) lower and upper corner, metres."""
        half = self.half_size
        return np.array([[-half, -half, 0.0], [half, half, self.height]])


_WALLS = (
    *((0.9, 0.88, 0.84), (0.86, 0.82, 0.72), (0.8, 0.82, 0.83), (0.7, 0.75, 0.66), (0.62, 0.7, 0.78), (0.82, 0.7, 0.6)),
    *(
        (0.76, 0.62, 0.55),
        (0.55, 0.6, 0.62),
        (0.88, 0.8, 0.78),
        (0.5, 0.58, 0.52),
        (0.72, 0.68, 0.74),
        (0.9, 0.86, 0.66),
    ),
)
_WOODS = (
    (0.62, 0.46, 0.31),
    (0.5, 0.35, 0.23),
    (0.74, 0.6, 0.43),
    (0.4, 0.28, 0.2),
    (0.66, 0.58, 0.5),
    (0.34, 0.3, 0.28),
)
_STONES = ((0.72, 0.7, 0.66), (0.55, 0.55, 0.56), (0.8, 0.74, 0.64), (0.62, 0.5, 0.42), (0.42, 0.44, 0.47))
_CARPETS = (
    (0.6, 0.57, 0.52),
    (0.42, 0.45, 0.5),
    (0.5, 0.42, 0.36),
    (0.46, 0.5, 0.42),
    (0.55, 0.38, 0.36),
    (0.75, 0.71, 0.64),
)
_NATURAL = 0.7
"""Share of rooms in the colours that rooms have; the others have any."""


def random_room(generator: np.random.Generator) -> Room:
    """Draws a room with its light."""
    angle, elevation = generator.uniform(0, 2 * np.pi), generator.uniform(0.7, 1.3)
    light = np.array([np.cos(angle) * np.cos(elevation), np.sin(angle) * np.cos(elevation), np.sin(elevation)])
    natural = bool(generator.random() < _NATURAL)
    wall = _wall_colour(generator, natural)
    window = int(generator.integers(8))
    walls = []
    for index in range(4):
        wall = _wall_colour(generator, natural) if generator.random() < (0.2 if natural else 0.4) else wall
        walls.append(_wall_texture(generator, wall, has_window=index == window))
    return Room(
        half_size=float(generator.uniform(3.9, 5.0)),
        height=float(generator.uniform(3.2, 4.2)),
        floor=_floor_texture(generator, natural),
        walls=(walls[0], walls[1], walls[2], walls[3]),
        light=light,
        ambient=float(generator.uniform(0.45, 0.7)),
    )


def _palette(generator: np.random.Generator, value: tuple[float, float]) -> np.ndarray:
    base = generator.uniform(*value)
    return np.clip(base * (1 + generator.normal(0, 0.16, 3)), 0.05, 1.0)


def _near(generator: np.random.Generator, colours: tuple[tuple[float, float, float], ...]) -> np.ndarray:
    chosen = np.array(colours[generator.integers(len(colours))])
    return np.clip(chosen * generator.uniform(0.85, 1.1) + generator.normal(0, 0.02, 3), 0.05, 1.0)


def _wall_colour(generator: np.random.Generator, natural: bool) -> np.ndarray:
    return _near(generator, _WALLS) if natural else _palette(generator, (0.45, 0.95))


def _noise(generator: np.random.Generator, sigma: float) -> np.ndarray:
    noise = gaussian_filter(generator.normal(size=(TEXTURE_SIZE, TEXTURE_SIZE)), sigma, mode="wrap", truncate=3)
    return noise / noise.std()


def _corner_shade(depth: float, *, rows: bool) -> np.ndarray:
    """(S, S) darkening where surfaces meet: at the left and right edge of a texture, and above and below if asked."""
    distance = np.minimum(np.arange(TEXTURE_SIZE), np.arange(TEXTURE_SIZE)[::-1]) / TEXTURE_SIZE
    edge = 1 - depth * np.exp(-distance / 0.05)
    return np.outer(edge if rows else np.ones(TEXTURE_SIZE), edge)


def _floor_texture(generator: np.random.Generator, natural: bool) -> np.ndarray:
    rows, columns = np.mgrid[0:TEXTURE_SIZE, 0:TEXTURE_SIZE]
    shade = 0.03 * _noise(generator, 2.0) + 0.03 * _noise(generator, 24.0)
    kind = str(generator.choice(["planks", "tiles", "carpet", "plain"], p=[0.4, 0.25, 0.2, 0.15]))
    colours = {"planks": _WOODS, "tiles": _STONES, "carpet": _CARPETS, "plain": _STONES}[kind]
    colour = _near(generator, colours) if natural else _palette(generator, (0.25, 0.85))
    if kind == "planks":
        wide = int(generator.choice([8, 12, 16]))
        board = rows // wide
        starts = generator.integers(0, 160, TEXTURE_SIZE // wide + 1)
        piece = (columns + starts[board]) // 160
        tones = generator.normal(0, 0.07, (TEXTURE_SIZE // wide + 1, 6))
        grain = gaussian_filter(generator.normal(size=(TEXTURE_SIZE, TEXTURE_SIZE)), (0.6, 14), mode="wrap", truncate=3)
        joint = (rows % wide == 0) | ((columns + starts[board]) % 160 == 0)
        shade = shade + tones[board, piece] + 0.06 * grain / grain.std() - 0.15 * joint
    elif kind == "tiles":
        size = int(generator.choice([24, 32, 48]))
        tones = generator.normal(0, 0.04, (TEXTURE_SIZE // size + 1, TEXTURE_SIZE // size + 1))
        if generator.random() < 0.3:
            tones += 0.2 * (np.indices(tones.shape).sum(0) % 2)
        joint = (rows % size < 2) | (columns % size < 2)
        shade = shade + tones[rows // size, columns // size] - 0.15 * joint
    elif kind == "carpet":
        shade = shade + 0.05 * _noise(generator, 0.8)
    floor = colour * (1 + shade[..., None])
    if kind != "carpet" and generator.random() < 0.25:
        floor = _with_rug(generator, floor, natural)
    return np.clip(floor * _corner_shade(0.25, rows=True)[..., None], 0, 1)


def _with_rug(generator: np.random.Generator, floor: np.ndarray, natural: bool) -> np.ndarray:
    rows, columns = np.indices(floor.shape[:2])
    x, y = columns - TEXTURE_SIZE / 2, rows - TEXTURE_SIZE / 2
    half = generator.uniform(60, 120, 2)
    inside = (
        1 - np.hypot(x, y) / half[0] if generator.random() < 0.4 else 1 - np.maximum(abs(x) / half[0], abs(y) / half[1])
    )
    colour = _near(generator, _CARPETS) if natural else _palette(generator, (0.2, 0.9))
    pile = 1 + 0.05 * _noise(generator, 0.8)[..., None]
    border = _palette(generator, (0.25, 0.9))
    rug = np.where(((inside > 0.07) & (inside < 0.14))[..., None], border, colour) * pile
    return np.where((inside > 0)[..., None], rug, floor)


def _wall_texture(generator: np.random.Generator, colour: np.ndarray, *, has_window: bool) -> np.ndarray:
    rows, columns = np.mgrid[0:TEXTURE_SIZE, 0:TEXTURE_SIZE]
    shade = 0.012 * _noise(generator, 16.0) - 0.06 * rows / TEXTURE_SIZE
    kind = generator.choice(["plain", "stripes", "bricks", "panels"], p=[0.6, 0.15, 0.13, 0.12])
    if kind == "stripes":
        shade = shade + 0.07 * ((columns // 24) % 2)
    elif kind == "bricks":
        row = rows // 14
        joint = (rows % 14 < 2) | ((columns + 15 * (row % 2)) % 30 < 2)
        shade = shade - 0.1 * joint
    elif kind == "panels":
        low = rows > 330
        shade = shade - low * (0.08 + 0.1 * (columns % 40 < 2)) - 0.2 * (abs(rows - 330) < 3)
    texture = colour * (1 + shade[..., None])
    texture[-14:] = np.clip(colour * generator.uniform(0.4, 1.2), 0, 1)
    if has_window:
        _add_window(generator, texture)
    elif generator.random() < 0.35:
        _add_picture(generator, texture)
    return np.clip(texture * _corner_shade(0.22, rows=False)[..., None], 0, 1)


def _add_picture(generator: np.random.Generator, texture: np.ndarray) -> None:
    height, width = generator.integers(60, 150, 2)
    top = generator.integers(120, 250)
    left = generator.integers(20, TEXTURE_SIZE - width - 20)
    frame = texture[top : top + height, left : left + width]
    frame[:] = _palette(generator, (0.1, 0.9))
    canvas = (1 + 0.1 * _noise(generator, 20.0))[: height - 12, : width - 12, None]
    frame[6:-6, 6:-6] = _palette(generator, (0.2, 0.95)) * canvas


def _add_window(generator: np.random.Generator, texture: np.ndarray) -> None:
    height, width = int(generator.integers(150, 230)), int(generator.integers(110, 200))
    top, left = int(generator.integers(70, 130)), int(generator.integers(40, TEXTURE_SIZE - width - 40))
    frame = texture[top : top + height, left : left + width]
    frame[:] = 0.88 * (1 + generator.normal(0, 0.03, 3))
    rise = np.linspace(0, 1, height)[:, None, None]
    sky = np.array([0.8, 0.89, 0.96]) * (1 - rise) + np.array([0.95, 0.96, 0.93]) * rise
    panes = np.zeros((height, width), dtype=bool)
    panes[8:-8, 8:-8] = True
    panes[:, width // 2 - 3 : width // 2 + 3] = False
    panes[height // 3 - 3 : height // 3 + 3] = False
    frame[:] = np.where(panes[..., None], sky, frame)
    texture[top + height : top + height + 6, left - 6 : left + width + 6] = 0.8
