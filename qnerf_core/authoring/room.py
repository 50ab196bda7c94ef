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


def random_room(generator: np.random.Generator) -> Room:
    """Draws a room with its light."""
    angle, elevation = generator.uniform(0, 2 * np.pi), generator.uniform(0.7, 1.3)
    light = np.array([np.cos(angle) * np.cos(elevation), np.sin(angle) * np.cos(elevation), np.sin(elevation)])
    wall = _palette(generator, (0.45, 0.95))
    walls = []
    for _ in range(4):
        wall = _palette(generator, (0.45, 0.95)) if generator.random() < 0.4 else wall
        walls.append(_wall_texture(generator, wall))
    return Room(
        half_size=float(generator.uniform(3.9, 5.0)),
        height=float(generator.uniform(3.2, 4.2)),
        floor=_floor_texture(generator, _palette(generator, (0.25, 0.85))),
        walls=(walls[0], walls[1], walls[2], walls[3]),
        light=light,
        ambient=float(generator.uniform(0.45, 0.7)),
    )


def _palette(generator: np.random.Generator, value: tuple[float, float]) -> np.ndarray:
    base = generator.uniform(*value)
    return np.clip(base * (1 + generator.normal(0, 0.16, 3)), 0.05, 1.0)


def _noise(generator: np.random.Generator, sigma: float) -> np.ndarray:
    noise = gaussian_filter(generator.normal(size=(TEXTURE_SIZE, TEXTURE_SIZE)), sigma, mode="wrap")
    return noise / noise.std()


def _floor_texture(generator: np.random.Generator, colour: np.ndarray) -> np.ndarray:
    rows, columns = np.mgrid[0:TEXTURE_SIZE, 0:TEXTURE_SIZE]
    shade = 0.03 * _noise(generator, 2.0) + 0.03 * _noise(generator, 24.0)
    kind = generator.choice(["planks", "tiles", "carpet", "plain"])
    if kind == "planks":
        board = rows // 16
        tones = generator.normal(0, 0.07, TEXTURE_SIZE // 16 + 1)
        shade = shade + tones[board] - 0.15 * (rows % 16 == 0)
    elif kind == "tiles":
        size = int(generator.choice([24, 32, 48]))
        tones = generator.normal(0, 0.04, (TEXTURE_SIZE // size + 1, TEXTURE_SIZE // size + 1))
        if generator.random() < 0.3:
            tones += 0.2 * (np.indices(tones.shape).sum(0) % 2)
        joint = (rows % size < 2) | (columns % size < 2)
        shade = shade + tones[rows // size, columns // size] - 0.15 * joint
    elif kind == "carpet":
        shade = shade + 0.05 * _noise(generator, 0.8)
    return np.clip(colour * (1 + shade[..., None]), 0, 1)


def _wall_texture(generator: np.random.Generator, colour: np.ndarray) -> np.ndarray:
    rows, columns = np.mgrid[0:TEXTURE_SIZE, 0:TEXTURE_SIZE]
    shade = 0.02 * _noise(generator, 16.0) - 0.06 * rows / TEXTURE_SIZE
    kind = generator.choice(["plain", "stripes", "bricks"], p=[0.65, 0.2, 0.15])
    if kind == "stripes":
        shade = shade + 0.08 * ((columns // 24) % 2)
    elif kind == "bricks":
        row = rows // 14
        joint = (rows % 14 < 2) | ((columns + 15 * (row % 2)) % 30 < 2)
        shade = shade - 0.1 * joint
    texture = np.clip(colour * (1 + shade[..., None]), 0, 1)
    texture[-14:] = np.clip(colour * generator.uniform(0.4, 1.2), 0, 1)
    if generator.random() < 0.35:
        height, width = generator.integers(60, 150, 2)
        top = generator.integers(120, 250)
        left = generator.integers(20, TEXTURE_SIZE - width - 20)
        frame = texture[top : top + height, left : left + width]
        frame[:] = _palette(generator, (0.1, 0.9))
        canvas = (1 + 0.1 * _noise(generator, 20.0))[: height - 12, : width - 12, None]
        frame[6:-6, 6:-6] = _palette(generator, (0.2, 0.95)) * canvas
    return np.clip(texture, 0, 1)
