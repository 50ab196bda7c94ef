"""The family `lamp`: floor lamps, upright or with a bent neck, their shade lit."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from qnerf_core.authoring import materials
from qnerf_core.authoring.furniture import PlacedObject, put_anywhere
from qnerf_core.authoring.loose import beam, column
from qnerf_core.authoring.materials import Colour, away_from, bands, colour_like, colour_name, paint, random_colour
from qnerf_core.authoring.mesh import SurfaceMesh, joined
from qnerf_core.authoring.solids import Solid, lathe, loft, resampled, rounded_box, tube, turn
from qnerf_core.proxy.model import ProxyPart

OWN_COLOURS: tuple[Colour, ...] = ((0.92, 0.74, 0.38),)
"""Of the capture's shade: random lamps stay away from them."""

_METALS: dict[str, Colour] = {
    "brass": (0.72, 0.55, 0.25),
    "black": (0.07, 0.07, 0.08),
    "steel": (0.6, 0.62, 0.64),
    "copper": (0.66, 0.38, 0.26),
    "white": (0.88, 0.87, 0.84),
}
_WOOD: Colour = (0.58, 0.4, 0.24)


@dataclass(frozen=True)
class LampState:
    """Proportions, metres: height of the neck's highest point, how far the neck reaches forward, the drop of its end.

    `shade` is the shade's larger diameter, `shade_height` its height, `tilt` its lean forward in radians.
    """

    height: float
    reach: float
    drop: float
    shade: float
    shade_height: float
    tilt: float


@dataclass(frozen=True)
class LampDesign:
    """What a lamp looks like.

    Attributes:
        base: "disc", "dome", "block" or "tripod".
        base_width: Metres.
        metal: Name of the pole's material: a key of the metals, or "wood".
        pole: Radius of the pole, metres.
        shade_style: "cone", "drum", "bell", "dome" or "globe".
        shade, trim: Colours.
        pattern: "plain", "pleats", "bands" or "checks".
        glow: How much light comes through the shade.
        knob: Whether the pole carries a turned knob.
        seed: Of the grain.
    """

    base: str
    base_width: float
    metal: str
    pole: float
    shade_style: str
    shade: Colour
    trim: Colour
    pattern: str
    glow: float
    knob: bool
    seed: int

    def caption(self) -> str:
        """The prompt that names it."""
        return f"a photo of a lamp of {self.metal} with a {colour_name(self.shade)} shade"

    def random_state(self, generator: np.random.Generator) -> LampState:
        """Usual proportions; bent or straight."""
        bent = generator.random() < 0.6
        reach = float(generator.uniform(0.2, 0.5)) if bent else 0.0
        return LampState(
            height=float(generator.uniform(1.3, 1.75)),
            reach=reach,
            drop=float(generator.uniform(0.05, 0.3)) if bent else 0.0,
            shade=float(generator.uniform(0.3, 0.52)),
            shade_height=float(generator.uniform(0.2, 0.34)),
            tilt=float(generator.uniform(0, 0.5)) if bent else 0.0,
        )

    def edited(self, state: LampState, generator: np.random.Generator) -> LampState:
        """Taller or lower, bent or straight, another shade: one of them or several."""
        kinds = generator.random(3) < 0.45
        kinds[generator.integers(3)] = True
        if kinds[0]:
            state = replace(state, height=float(generator.uniform(1.05, 2.05)))
        if kinds[1]:
            straight = state.reach > 0.3 and generator.random() < 0.4
            bent = replace(
                state,
                reach=float(generator.uniform(0.3, 0.75)),
                drop=float(generator.uniform(0.1, 0.55)),
                tilt=float(generator.uniform(0.1, 0.9)),
            )
            state = replace(state, reach=0.0, drop=0.0, tilt=0.0) if straight else bent
        if kinds[2]:
            state = replace(
                state, shade=float(generator.uniform(0.26, 0.8)), shade_height=float(generator.uniform(0.16, 0.46))
            )
        return state

    def _neck(self, state: LampState) -> np.ndarray:
        """(N, 3) path of the pole and neck, from the base to the shade's top."""
        if state.reach == 0:
            return np.array([[0.0, 0.0, 0.03], [0.0, 0.0, state.height - 0.25 * state.shade_height]])
        start = np.array([0.0, 0.0, state.height - 0.75 * state.reach - 0.12])
        end = np.array([0.0, -state.reach, state.height - state.drop])
        arch = np.linspace(0, 1, 40)[:, None]
        above, ahead = np.array([0.0, 0.0, state.height + 0.25]), np.array([0.0, -state.reach, state.height + 0.2])
        curve = (
            (1 - arch) ** 3 * start
            + 3 * (1 - arch) ** 2 * arch * above
            + 3 * (1 - arch) * arch**2 * ahead
            + arch**3 * end
        )
        return np.concatenate([[[0.0, 0.0, 0.03]], curve])

    def _shade_axis(self, state: LampState) -> tuple[np.ndarray, np.ndarray]:
        """Point where the shade hangs, and (3, 3) rotation of its upright frame."""
        end = self._neck(state)[-1]
        return end, turn(0, -state.tilt)

    def parts(self, state: LampState) -> list[ProxyPart]:
        """Cylinders for base, pole and shade, a beam for the neck."""
        end, rotation = self._shade_axis(state)
        down = rotation @ np.array([0.0, 0.0, -1.0])
        low = end + down * 0.8 * state.shade_height
        high = end - down * 0.2 * state.shade_height
        width = max(0.09, 4 * self.pole)
        shade = beam("shade", "cylinder", low, high, state.shade * 1.02)
        base = column("base", (0.0, 0.0), 0.0, 0.12 if self.base != "tripod" else 0.45, self.base_width * 1.05)
        if state.reach == 0:
            return [shade, base, column("pole", (0.0, 0.0), 0.0, float(low[2]) + 0.05, width)]
        bend = state.height - 0.55 * state.reach
        pole = column("pole", (0.0, 0.0), 0.0, bend, width)
        neck = beam(
            "neck",
            "box",
            np.array([0.0, 0.0, bend]),
            np.array([0.0, -state.reach, max(float(high[2]), bend)]),
            1.6 * width,
        )
        return [shade, base, pole, neck]

    def mesh(self, state: LampState) -> SurfaceMesh:
        """Its surface."""
        pole = self._material(tube(resampled(self._neck(state), 0.02), self.pole, 0.012))
        pieces = [pole, *self._base(), *self._shade(state)]
        if self.knob:
            height = 0.45 * state.height
            bulge = np.sin(np.linspace(0.05, np.pi - 0.05, 9))
            profile = np.column_stack([self.pole + 0.03 * bulge, height + np.linspace(0, 0.09, 9)])
            pieces.append(self._material(lathe(profile, 0.012)))
        return joined(pieces)

    def _material(self, solid: Solid) -> SurfaceMesh:
        if self.metal == "wood":
            return solid.painted(materials.wood(solid.uv[:, ::-1], _WOOD, self.seed), 0.15)
        return solid.painted(_METALS[self.metal], 0.15 if self.metal == "white" else 0.7)

    def _base(self) -> list[SurfaceMesh]:
        radius = self.base_width / 2
        if self.base == "tripod":
            hub = np.array([0.0, 0.0, 0.46])
            feet = [
                np.array([radius * 1.2 * np.cos(a), radius * 1.2 * np.sin(a), 0.012])
                for a in np.pi / 2 + np.arange(3) * 2 * np.pi / 3
            ]
            return [self._material(tube(np.stack([foot, hub]), self.pole * 0.9, 0.012)) for foot in feet]
        if self.base == "block":
            return [self._material(rounded_box((1.5 * radius, 1.5 * radius, 0.09), 0.015).moved((0, 0, 0.045)))]
        if self.base == "dome":
            arc = np.linspace(0, np.pi / 2 - 0.12, 12)
            profile = np.column_stack([radius * np.cos(arc), 0.1 * np.sin(arc)])
        else:
            profile = np.array([[radius, 0.0], [radius, 0.022], [radius - 0.012, 0.032], [self.pole, 0.036]])
        return [self._material(lathe(np.concatenate([[[0.0, 0.0]], profile, [[0.0, profile[-1, 1]]]])))]

    def _shade(self, state: LampState) -> list[SurfaceMesh]:
        share = np.linspace(0, 1, 9)
        radius = {
            "cone": 0.5 + 0.5 * share,
            "drum": 0.88 + 0.12 * share,
            "bell": 0.42 + 0.58 * share**2.2,
            "dome": np.sqrt(np.clip(1 - (1 - share) ** 2, 0.02, 1)),
            "globe": np.sqrt(np.clip(1 - (1.9 * share - 1) ** 2, 0.05, 1)),
        }[self.shade_style] * (state.shade / 2)
        drop = state.shade_height * (0.2 - share)
        outer = np.column_stack([radius, drop])[::-1]
        inner = np.column_stack([radius - 0.012, drop])
        fine = resampled(np.concatenate([inner[:-1], inner[-1:], outer]), 0.014)
        segments = int(np.clip(round(np.pi * state.shade / 0.014), 40, 150))
        angle = 2 * np.pi * np.arange(segments) / segments
        ripple = 1 + (0.012 * np.cos(angle * 32) if self.pattern == "pleats" else 0 * angle)
        circle = np.stack([np.cos(angle), np.sin(angle)], axis=1) * ripple[:, None]
        rings = np.concatenate(
            [fine[:, None, :1] * circle, np.broadcast_to(fine[:, None, 1:], (len(fine), segments, 1))], axis=2
        )
        end, rotation = self._shade_axis(state)
        closed_top = self.shade_style in ("dome", "globe")
        solid = loft(rings, (False, closed_top))
        point = solid.vertices
        height = (point[:, 2] - drop.min()) / state.shade_height
        around = np.arctan2(point[:, 1], point[:, 0]) / (2 * np.pi)
        colours = np.tile(np.array(self.shade, dtype=np.float64), (len(point), 1))
        share_second = {
            "plain": np.zeros(len(point)),
            "pleats": 0.25 * bands(around, 1 / 32, width=0.02),
            "bands": bands(height, 0.34, width=0.06),
            "checks": np.abs(bands(around, 1 / 8, width=0.02) - bands(height, 0.5, width=0.06)),
        }[self.pattern]
        colours = paint(colours, share_second, self.trim)
        rim = np.clip(1.5 - 20 * np.minimum(height, 1 - height), 0, 1)
        colours = paint(colours, 0.8 * rim, np.array(self.trim) * 0.8)
        colours *= (1 + 0.03 * materials.noise(point, 0.02, self.seed))[:, None]
        # The bulb sits in the middle: the shade is brightest there, and brighter inside than outside.
        inside = np.arange(len(point)) < len(inner) / (len(inner) + len(outer)) * len(point)
        bright = self.glow * np.exp(-(((height - 0.5) / 0.55) ** 2)) + 0.35 * (self.glow > 0) * inside
        mesh = SurfaceMesh(point, solid.faces, np.clip(colours, 0, 1), np.zeros(len(point)), np.clip(bright, 0, 0.95))
        bulb_at = np.array([0.0, 0.0, -0.35 * state.shade_height])
        bulb = lathe(
            np.column_stack([0.05 * np.sin(np.linspace(0.02, 3.1, 9)), 0.055 * -np.cos(np.linspace(0.02, 3.1, 9))])
        )
        lit = bulb.moved(bulb_at).painted((1.0, 0.95, 0.8), 0.0, 0.9 if self.glow else 0.2)
        return [part.moved(rotation, end) for part in (mesh, lit)]


def random_lamp_design(generator: np.random.Generator) -> LampDesign:
    """Draws a lamp's looks, away from the capture's own."""
    pale: tuple[Colour, ...] = ((0.93, 0.9, 0.82), (0.85, 0.78, 0.62), (0.8, 0.82, 0.84))
    shade = OWN_COLOURS[0]
    while not away_from(shade, OWN_COLOURS):
        shade = (
            colour_like(generator, pale[generator.integers(len(pale))])
            if generator.random() < 0.3
            else random_colour(generator, (0.25, 0.95))
        )
    return LampDesign(
        base=str(generator.choice(["disc", "dome", "block", "tripod"])),
        base_width=float(generator.uniform(0.3, 0.48)),
        metal=str(generator.choice([*_METALS, "wood"])),
        pole=float(generator.uniform(0.016, 0.032)),
        shade_style=str(generator.choice(["cone", "drum", "bell", "dome", "globe"], p=[0.3, 0.25, 0.2, 0.15, 0.1])),
        shade=shade,
        trim=random_colour(generator, (0.1, 0.9)),
        pattern=str(generator.choice(["plain", "pleats", "bands", "checks"], p=[0.5, 0.2, 0.2, 0.1])),
        glow=float(generator.choice([0.0, generator.uniform(0.25, 0.6)], p=[0.25, 0.75])),
        knob=bool(generator.random() < 0.3),
        seed=int(generator.integers(1000)),
    )


def random_lamp(generator: np.random.Generator) -> PlacedObject[LampState]:
    """Draws a lamp somewhere in the room."""
    return put_anywhere(random_lamp_design(generator), generator)
