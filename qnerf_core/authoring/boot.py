"""The family `boot`: single boots on show, larger than life (a shop window's), so that all worlds share one scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from qnerf_core.authoring import materials
from qnerf_core.authoring.boot_shape import HEEL, INSTEP, RING_POINTS, STEP, BootShape, BootState
from qnerf_core.authoring.furniture import PlacedObject, put_anywhere
from qnerf_core.authoring.loose import box, column
from qnerf_core.authoring.materials import (
    Colour,
    away_from,
    bands,
    colour_like,
    colour_name,
    edge,
    paint,
    random_colour,
)
from qnerf_core.authoring.mesh import SurfaceMesh, joined
from qnerf_core.authoring.solids import Solid, loft, tube
from qnerf_core.proxy.model import ProxyPart

OWN_COLOURS: tuple[Colour, ...] = ((0.55, 0.3, 0.14),)
"""Of the capture: random boots stay away from them."""

_LEATHERS: tuple[Colour, ...] = (
    *((0.35, 0.18, 0.11), (0.12, 0.11, 0.11), (0.76, 0.6, 0.4), (0.45, 0.12, 0.1), (0.25, 0.27, 0.2)),
    *((0.85, 0.83, 0.78), (0.16, 0.2, 0.3)),
)


_SOLE_ONLY = 0.14
"""Up to this height, metres, the heel is part of the sole."""


@dataclass(frozen=True)
class BootDesign:
    """What a boot looks like.

    Attributes:
        material: "leather", "suede" or "rubber".
        colour, second: Of the upper; `second` colours the toe cap, the counter or the pattern.
        pattern: Of rubber, see `materials.fabric`.
        sole, stitch, lace: Colours.
        laced: Whether it has laces.
        toe_cap, counter: Whether toe and heel are covered by a second piece.
        cuff: "none", "fold" or "fur".
        pointed: 0 round toe, 1 pointed.
        width: Half width of the foot, metres.
        sole_thickness: Metres.
        wear: 0 to 1.
        seed: Of the grain.
    """

    material: str
    colour: Colour
    second: Colour
    pattern: str
    sole: Colour
    stitch: Colour
    lace: Colour
    laced: bool
    toe_cap: bool
    counter: bool
    cuff: str
    pointed: float
    width: float
    sole_thickness: float
    wear: float
    seed: int

    def caption(self) -> str:
        """The prompt that names it."""
        return f"a photo of a boot of {colour_name(self.colour)} {self.material}"

    def random_state(self, generator: np.random.Generator) -> BootState:
        """Usual proportions."""
        return BootState(
            shaft=float(generator.uniform(0.75, 1.15)),
            toe=float(generator.uniform(0.45, 0.62)),
            heel=float(generator.uniform(0.02, 0.12)),
        )

    def edited(self, state: BootState, generator: np.random.Generator) -> BootState:
        """Another shaft, toe or heel: one of them or several."""
        kinds = generator.random(3) < 0.45
        kinds[generator.integers(3)] = True
        if kinds[0]:
            state = replace(state, shaft=float(generator.uniform(0.58, 1.6)))
        if kinds[1]:
            state = replace(state, toe=float(generator.uniform(0.38, 0.9)))
        if kinds[2]:
            state = replace(state, heel=float(generator.uniform(0.02, 0.34)))
        return state

    def parts(self, state: BootState) -> list[ProxyPart]:
        """Shaft as a cylinder, foot as a box, heel as a box if it is high."""
        front = -INSTEP - state.toe
        top = state.heel + state.shaft
        foot = box("foot", (-self.width, front, 0.0), (self.width, HEEL, 0.36 + 0.5 * state.heel))
        shaft = column("shaft", (0.0, 0.03), 0.2 + state.heel, top, 0.46)
        if state.heel <= _SOLE_ONLY:
            return [shaft, foot]
        foot = box("foot", (-self.width, front, 0.0), (self.width, 0.0, 0.36 + 0.4 * state.heel))
        return [shaft, foot, box("heel", (-0.8 * self.width, 0.0, 0.0), (0.8 * self.width, HEEL, 0.36 + state.heel))]

    def mesh(self, state: BootState) -> SurfaceMesh:
        """Its surface."""
        shape = BootShape(state, self.width, self.pointed, self.sole_thickness)
        rings, zones = shape.rings()
        pieces = [self._upper(rings, zones, shape), *self._soles(shape), self._inside(rings)]
        if self.laced:
            pieces += self._laces(rings, zones)
        if self.cuff != "none":
            pieces.append(self._cuff(rings))
        whole = shape.raised(joined(pieces))
        return joined([whole, self._heel(shape)]) if state.heel > _SOLE_ONLY else whole

    def _upper(self, rings: np.ndarray, zones: np.ndarray, shape: BootShape) -> SurfaceMesh:
        solid = loft(rings, (False, True))
        points = rings.reshape(-1, 3)
        zone = np.repeat(zones, RING_POINTS)
        phi = np.tile(2 * np.pi * np.arange(RING_POINTS) / RING_POINTS, len(rings))
        phi = np.abs((phi + np.pi) % (2 * np.pi) - np.pi)
        x, y, z = points.T
        if self.material == "rubber" and self.pattern != "plain":
            colour = materials.fabric(
                np.column_stack([np.arctan2(x, y + 0.05) * 0.2, z - y]),
                self.pattern,
                self.colour,
                self.second,
                0.12,
                self.seed,
            )
        else:
            colour = materials.leather(points, self.colour, self.wear, self.seed)
            if self.material == "suede":
                colour = colour * (1 + 0.05 * materials.noise(points, 0.012, self.seed))[:, None]
        cap = -y - (shape.length - 0.24) - 0.25 * x**2 / self.width
        counter = np.where(zone < 2, y - 0.02 - 0.4 * np.clip(z - 0.12, 0, None), -1)
        around = phi * 0.2
        for wanted, distance in ((self.toe_cap, np.where(zone == 2, cap, -1)), (self.counter, counter)):
            if wanted:
                piece = materials.leather(points, self.second, self.wear, self.seed + 1)
                colour = _covered(colour, edge(distance), piece)
                dashes = bands(x + z, 0.05, 0.6)
                colour = paint(colour, dashes * edge(0.007 - np.abs(distance + 0.025), 0.008), self.stitch)
                colour = paint(colour, 0.6 * edge(0.005 - np.abs(distance), 0.008), np.array(self.colour) * 0.3)
        if self.laced:
            placket = (zone < 2) * edge(0.5 - phi, 0.06)
            colour = paint(colour, 0.35 * placket, np.array(self.colour) * 0.4)
            seam = (zone < 2) * edge(0.008 - np.abs(around - 0.15), 0.008) * bands(z - y, 0.05, 0.6)
            colour = paint(colour, seam, self.stitch)
        collar = (zone == 0) * edge(0.008 - np.abs(shape.state.shaft - 0.05 - z), 0.008) * bands(around, 0.05, 0.6)
        colour = paint(colour, collar, self.stitch)
        # Creases where the foot bends.
        crease = (zone == 2) * np.exp(-(((y + INSTEP + 0.22) / 0.07) ** 2)) * bands(y + 0.1 * x**2, 0.04, 0.3)
        colour = colour * (1 - 0.22 * crease * (0.3 + self.wear))[:, None]
        extra = len(solid.vertices) - len(points)
        colour = np.concatenate([colour, np.repeat(colour[-1:], extra, axis=0)])
        return solid.painted(np.clip(colour, 0, 1), {"leather": 0.35, "suede": 0.0, "rubber": 0.6}[self.material])

    def _inside(self, rings: np.ndarray) -> SurfaceMesh:
        """The lining, seen from above."""
        top = rings[0]
        centre = top.mean(0)
        steps = [(1.0, 0.0), (0.93, 0.012), (0.88, -0.04), (0.8, -0.1), (0.72, -0.15)]
        inner = np.stack([(top - centre) * [scale, scale, 1] + centre + [0, 0, rise] for scale, rise in steps])
        colours = np.repeat(np.linspace(0.5, 0.12, len(steps)), RING_POINTS)[:, None] * np.array([0.9, 0.8, 0.7])
        solid = loft(inner[::-1], (True, False))
        colours = np.concatenate([colours[::-1], [[0.08, 0.07, 0.06]]])
        return solid.painted(colours)

    def _soles(self, shape: BootShape) -> list[SurfaceMesh]:
        thick = self.sole_thickness
        plan = shape.footprint(-shape.length - 0.012, HEEL + 0.012, 0.014)
        high = shape.state.heel > _SOLE_ONLY
        # Over a high heel the sole is thin; a tread before it reaches down to the floor.
        levels = (
            (0.5 * thick, 0.52 * thick, 0.9 * thick, 1.1 * thick) if high else (0.0, 0.004, 0.9 * thick, 1.1 * thick)
        )
        sole = _stacked([plan * scale for scale in (0.97, 1.0, 1.0, 0.97)], levels)
        colour = np.array(self.sole) * (1 + 0.1 * materials.noise(sole.vertices, 0.03, self.seed))[:, None]
        pieces = [sole.painted(np.clip(colour, 0, 1), 0.1)]
        if high:
            flat = shape.footprint(-shape.length, -INSTEP - 0.06, 0.012)
            pieces.append(_stacked([flat] * 3, (0.0, 0.02, 0.5 * thick + 0.01)).painted(np.array(self.sole)))
        return pieces

    def _heel(self, shape: BootShape) -> SurfaceMesh:
        outline = shape.footprint(-0.02, HEEL + 0.01, 0.008)
        steps = np.linspace(0, 1, max(4, round(shape.state.heel / STEP)))
        outlines = [
            (outline - [0, 0.15]) * (0.78 + 0.22 * share**1.5) + [0, 0.15 + 0.02 * (1 - share)] for share in steps
        ]
        heights = steps * (shape.state.heel + 0.6 * self.sole_thickness)
        return _stacked(outlines, heights).painted(np.array(self.sole) * 0.9, 0.15)

    def _laces(self, rings: np.ndarray, zones: np.ndarray) -> list[SurfaceMesh]:
        start = int((zones == 0).sum())
        first = max(3, start - round(0.45 / STEP))
        rows = np.linspace(first, start + 30, 8).astype(int)
        normals_out = 0.014
        pieces = []
        offsets = round(0.5 / (2 * np.pi) * RING_POINTS)
        centres = rings.mean(1)
        for here, there in pairwise(rows):
            for side in (1, -1):
                share = np.linspace(0, 1, 13)
                row = here + (there - here) * share
                column = side * offsets * (1 - 2 * share)
                low, high = np.floor(row).astype(int), np.minimum(np.ceil(row).astype(int), len(rings) - 1)
                fraction = (row - low)[:, None]
                at = np.round(column).astype(int) % RING_POINTS
                path = rings[low, at] * (1 - fraction) + rings[high, at] * fraction
                outward = path - centres[low]
                outward /= np.linalg.norm(outward, axis=1, keepdims=True)
                bulge = normals_out * (0.6 + np.sin(np.pi * share))[:, None]
                pieces.append(tube(path + outward * bulge, 0.013, 0.012).painted(np.array(self.lace)))
        return pieces

    def _cuff(self, rings: np.ndarray) -> SurfaceMesh:
        top = rings[0]
        centre = top.mean(0)
        if self.cuff == "fold":
            steps = [(1.0, 0.01), (1.06, 0.012), (1.1, -0.02), (1.1, -0.08), (1.09, -0.15), (1.02, -0.16)]
        else:
            arc = np.linspace(0.35 * np.pi, -0.75 * np.pi, 12)
            steps = [(1.03 + 0.12 * np.cos(a), -0.04 + 0.07 * np.sin(a)) for a in arc]
        grid = np.stack([(top - centre) * [scale, scale, 1] + centre + [0, 0, rise] for scale, rise in steps])
        if self.cuff == "fur":
            outward = grid - centre
            grid = grid + outward * 0.05 * materials.noise(grid.reshape(-1, 3), 0.03, self.seed).reshape(
                *grid.shape[:2], 1
            )
        solid = loft(grid, (False, False))
        if self.cuff == "fur":
            shade = 1 + 0.1 * materials.noise(solid.vertices, 0.02, self.seed + 2)
            return solid.painted(np.clip(np.array([0.9, 0.86, 0.78]) * shade[:, None], 0, 1))
        return solid.painted(np.clip(materials.leather(solid.vertices, self.second, self.wear, self.seed), 0, 1), 0.2)


def _covered(colours: np.ndarray, share: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Colours (V, 3) covered by others (V, 3) to a share (V,)."""
    return colours + share[:, None] * (others - colours)


def _stacked(outlines: Sequence[np.ndarray], heights: Sequence[float] | np.ndarray) -> Solid:
    """A solid through outlines (S, 2) at heights."""
    pairs = zip(outlines, heights, strict=True)
    return loft(np.stack([np.column_stack([outline, np.full(len(outline), height)]) for outline, height in pairs]))


def random_boot_design(generator: np.random.Generator) -> BootDesign:
    """Draws a boot's looks, away from the capture's own."""
    material = str(generator.choice(["leather", "suede", "rubber"], p=[0.5, 0.2, 0.3]))
    colour = OWN_COLOURS[0]
    while not away_from(colour, OWN_COLOURS, 0.15):
        natural = material != "rubber" and generator.random() < 0.7
        colour = (
            colour_like(generator, _LEATHERS[generator.integers(len(_LEATHERS))])
            if natural
            else random_colour(generator)
        )
    patterns = ("plain", "dots", "stripes", "checks", "diamonds")
    return BootDesign(
        material=material,
        colour=colour,
        second=random_colour(generator) if generator.random() < 0.5 else colour_like(generator, colour, 0.1),
        pattern=str(generator.choice(patterns, p=[0.45, 0.2, 0.15, 0.1, 0.1])),
        sole=((0.9, 0.88, 0.82), (0.1, 0.1, 0.1), (0.36, 0.25, 0.16), (0.62, 0.46, 0.28))[generator.integers(4)],
        stitch=((0.92, 0.85, 0.6), (0.9, 0.9, 0.88), (0.1, 0.1, 0.1))[generator.integers(3)],
        lace=random_colour(generator, (0.1, 0.95)),
        laced=bool(material != "rubber" and generator.random() < 0.75),
        toe_cap=bool(generator.random() < 0.45),
        counter=bool(generator.random() < 0.4),
        cuff=str(generator.choice(["none", "fold", "fur"], p=[0.6, 0.25, 0.15])),
        pointed=float(generator.uniform(0, 1)),
        width=float(generator.uniform(0.17, 0.23)),
        sole_thickness=float(generator.uniform(0.05, 0.1)),
        wear=float(generator.uniform(0, 1)),
        seed=int(generator.integers(1000)),
    )


def random_boot(generator: np.random.Generator) -> PlacedObject[BootState]:
    """Draws a boot somewhere in the room."""
    return put_anywhere(random_boot_design(generator), generator)
