"""The family `sofa`: upholstered seats, from armchairs to sofas for three."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from qnerf_core.authoring import materials
from qnerf_core.authoring.furniture import PlacedObject, put_anywhere
from qnerf_core.authoring.loose import box
from qnerf_core.authoring.materials import Colour, away_from, colour_name, edge, paint, random_colour
from qnerf_core.authoring.mesh import SurfaceMesh, joined
from qnerf_core.authoring.solids import Solid, lathe, rounded_box, tube, turn
from qnerf_core.proxy.model import ProxyPart

_WOODS: tuple[Colour, ...] = ((0.55, 0.36, 0.2), (0.3, 0.19, 0.12), (0.72, 0.55, 0.36), (0.12, 0.11, 0.11))
OWN_COLOURS: tuple[Colour, ...] = ((0.13, 0.42, 0.43),)
"""Of the capture: random sofas stay away from them."""


@dataclass(frozen=True)
class SofaState:
    """Proportions, metres: the sofa's width and depth, heights of the seat, the arms and the back."""

    width: float
    depth: float
    seat: float
    arms: float
    back: float


@dataclass(frozen=True)
class SofaDesign:
    """What a sofa looks like.

    Attributes:
        material: "fabric", "velvet" or "leather".
        pattern, first, second, period: Of the fabric, see `materials.fabric`.
        arm_style: "box", "rolled" or "slab".
        arm_width: Metres.
        tufted: Whether the back is one quilted piece instead of cushions.
        cushion_width: What a seat cushion should measure about, metres.
        piping: Whether seams are darker.
        wood: Colour of the legs.
        leg: Height of the legs, metres.
        pillows: Colours of loose pillows, from the left.
        seed: Of the grain.
    """

    material: str
    pattern: str
    first: Colour
    second: Colour
    period: float
    arm_style: str
    arm_width: float
    tufted: bool
    cushion_width: float
    piping: bool
    wood: Colour
    leg: float
    pillows: tuple[Colour, ...]
    seed: int

    def caption(self) -> str:
        """The prompt that names it."""
        return f"a photo of a sofa in {colour_name(self.first)} {self.material}"

    def random_state(self, generator: np.random.Generator) -> SofaState:
        """Usual proportions."""
        seat = float(generator.uniform(0.38, 0.46))
        return SofaState(
            width=float(generator.uniform(0.95, 2.2)),
            depth=float(generator.uniform(0.8, 0.98)),
            seat=seat,
            arms=seat + float(generator.uniform(0.1, 0.26)),
            back=float(generator.uniform(0.74, 0.95)),
        )

    def edited(self, state: SofaState, generator: np.random.Generator) -> SofaState:
        """Wider or narrower, another back, other arms: one of them or several."""
        kinds = generator.random(3) < 0.45
        kinds[generator.integers(3)] = True
        if kinds[0]:
            change = float(generator.uniform(0.3, 0.9)) * (1 if state.width < 1.5 else -1)
            state = replace(state, width=float(np.clip(state.width + change, 0.9, 2.35)))
        if kinds[1]:
            state = replace(state, back=float(generator.uniform(0.66, 1.3)))
        if kinds[2]:
            state = replace(state, arms=float(generator.uniform(state.seat + 0.03, min(state.seat + 0.36, state.back))))
        return state

    def parts(self, state: SofaState) -> list[ProxyPart]:
        """Seat, back and two arms as boxes; low arms and seat as one box."""
        half, front, rear = state.width / 2, -state.depth / 2, state.depth / 2
        back = box("back", (-half, rear - 0.3, 0.0), (half, rear, state.back))
        if state.arms - state.seat < 0.12:
            return [box("seat", (-half, front, 0.0), (half, rear, state.arms)), back]
        inner = half - self.arm_width
        return [
            box("seat", (-inner, front, 0.0), (inner, rear, state.seat)),
            back,
            box("left arm", (-half, front, 0.0), (-inner, rear, state.arms)),
            box("right arm", (inner, front, 0.0), (half, rear, state.arms)),
        ]

    def mesh(self, state: SofaState) -> SurfaceMesh:
        """Its surface."""
        inner = state.width - 2 * self.arm_width
        rear = state.depth / 2
        frame_top = state.seat - 0.14
        pieces = [
            self._upholstered(
                rounded_box((inner + 0.04, state.depth - 0.06, frame_top - self.leg), 0.03).moved(
                    (0, 0, (frame_top + self.leg) / 2)
                ),
                0.9,
            ),
            *self._seats(state, inner, frame_top),
            *self._backs(state, inner),
            *self._arms(state),
            *self._legs(state),
        ]
        for index, colour in enumerate(self.pillows[: 2 if inner > 0.95 else 1]):
            side = -1 if index == 0 else 1
            pillow = rounded_box((0.42, 0.1, 0.42), 0.04, puff=0.05).moved(
                (0, 0, 0), turn(0, -0.35) @ turn(1, 0.15 * side)
            )
            place = (side * (inner / 2 - 0.22), rear - 0.42, state.seat + 0.2)
            weave = materials.fabric(pillow.uv, "melange", colour, (0.9, 0.88, 0.82), 0.1, self.seed + 9)
            pieces.append(pillow.moved(place).painted(weave))
        return joined(pieces)

    def _upholstered(self, solid: Solid, brightness: float = 1.0, seam: np.ndarray | None = None) -> SurfaceMesh:
        """In the sofa's material, with a darker seam where `seam` (V,) is 1."""
        if self.material == "leather":
            colours, gloss = materials.leather(solid.vertices, self.first, 0.5, self.seed), 0.3
        else:
            colours = materials.fabric(solid.uv, self.pattern, self.first, self.second, self.period, self.seed)
            gloss = 0.25 if self.material == "velvet" else 0.0
        if seam is not None and self.piping:
            colours = paint(colours, 0.6 * seam, np.array(self.first) * 0.35)
        return solid.painted(np.clip(colours * brightness, 0, 1), gloss)

    def _cushions(
        self, count: int, width: float, size: tuple[float, float], puff: float
    ) -> list[tuple[float, Solid, np.ndarray]]:
        """Offsets along the sofa, cushions lying flat, and their seams."""
        each = width / count
        solid = rounded_box((each - 0.008, size[0], size[1]), 0.055, puff)
        # The seam runs around the middle of the narrow sides.
        height = solid.vertices[:, 2]
        rim = edge(0.006 - np.abs(np.abs(height) - 0.6 * size[1] / 2), 0.01)
        return [((index + 0.5) * each - width / 2, solid, rim) for index in range(count)]

    def _count(self, inner: float) -> int:
        return max(1, round(inner / self.cushion_width))

    def _seats(self, state: SofaState, inner: float, top: float) -> list[SurfaceMesh]:
        depth = state.depth - 0.2
        cushions = self._cushions(self._count(inner), inner, (depth, 0.16), 0.025)
        return [
            self._upholstered(solid, 1.0, seam).moved(
                np.eye(3), np.array([x, -state.depth / 2 + depth / 2, top + 0.075])
            )
            for x, solid, seam in cushions
        ]

    def _backs(self, state: SofaState, inner: float) -> list[SurfaceMesh]:
        rear, height = state.depth / 2, state.back - self.leg
        lean = turn(0, -0.1)
        frame = rounded_box((inner + 0.06 if self.arm_style == "slab" else state.width - 0.04, 0.16, height), 0.06)
        place = np.array([0, rear - 0.1, self.leg + height / 2 - 0.01])
        frame_mesh = self._upholstered(frame, 0.95).moved(np.eye(3), place)
        rise = state.back - state.seat
        if self.tufted:
            quilt = rounded_box((inner - 0.01, 0.14, rise), 0.06)
            x, y, z = quilt.vertices.T
            spots = np.cos(2 * np.pi * x / 0.24) * np.cos(2 * np.pi * z / 0.24)
            face = edge(-y - 0.03, 0.04)
            vertices = np.column_stack([x, y + face * (0.022 * np.clip(spots, -0.2, 1) ** 2), z])
            buttons = edge(spots - 0.93, 0.06) * face
            padded = self._upholstered(Solid(vertices, quilt.faces, quilt.uv), 1.0, buttons)
            return [frame_mesh, padded.moved(lean, np.array([0, rear - 0.23, state.seat + rise / 2 - 0.01]))]
        cushions = self._cushions(self._count(inner), inner, (rise + 0.02, 0.17), 0.04)
        upright = lean @ turn(0, np.pi / 2)
        return [frame_mesh] + [
            self._upholstered(solid, 1.0, seam).moved(upright, np.array([x, rear - 0.25, state.seat + rise / 2]))
            for x, solid, seam in cushions
        ]

    def _arms(self, state: SofaState) -> list[SurfaceMesh]:
        pieces = []
        depth, width = state.depth - 0.02, self.arm_width
        for side in (-1, 1):
            x = side * (state.width - width) / 2
            if self.arm_style == "rolled":
                radius = width / 2
                low = state.arms - 1.6 * radius
                panel = rounded_box((width * 0.75, depth - 0.02, low - self.leg), 0.03).moved(
                    (x, 0, (low + self.leg) / 2)
                )
                path = np.array([[x, -depth / 2, state.arms - radius], [x, depth / 2 - 0.05, state.arms - radius]])
                roll = tube(path, radius)
                # The ends are round shields.
                pieces += [self._upholstered(panel), self._upholstered(roll)]
                continue
            thick = width if self.arm_style == "box" else width * 0.6
            solid = rounded_box(
                (thick, depth, state.arms - self.leg + 0.02), 0.045 if self.arm_style == "box" else 0.03
            )
            rim = edge(0.006 - np.abs(np.abs(solid.vertices[:, 0]) - 0.72 * thick / 2), 0.01)
            rim = rim * (solid.vertices[:, 1] < -0.9 * depth / 2)
            x = (
                side * (state.width - thick) / 2
                if self.arm_style == "box"
                else side * (state.width / 2 - width + thick / 2)
            )
            pieces.append(self._upholstered(solid.moved((x, 0, (state.arms + self.leg) / 2)), 1.0, rim))
        return pieces

    def _legs(self, state: SofaState) -> list[SurfaceMesh]:
        profile = np.array([[0.0, 0.0], [0.02, 0.0], [0.032, self.leg + 0.02], [0.0, self.leg + 0.02]])
        leg = lathe(profile)
        x, y = state.width / 2 - 0.1, state.depth / 2 - 0.1
        colours = materials.wood(leg.vertices[:, [2, 0, 1]], self.wood, self.seed)
        return [leg.moved((sx * x, sy * y, 0)).painted(colours, 0.2) for sx in (-1, 1) for sy in (-1, 1)]


def random_sofa_design(generator: np.random.Generator) -> SofaDesign:
    """Draws a sofa's looks, away from the capture's own."""
    material = str(generator.choice(["fabric", "velvet", "leather"], p=[0.6, 0.15, 0.25]))
    first = random_colour(generator, (0.2, 0.92))
    if material == "leather" and generator.random() < 0.7:
        browns: tuple[Colour, ...] = (
            (0.5, 0.29, 0.16),
            (0.35, 0.19, 0.12),
            (0.16, 0.14, 0.13),
            (0.78, 0.68, 0.54),
            (0.55, 0.16, 0.12),
        )
        first = materials.colour_like(generator, browns[generator.integers(len(browns))])
    while not away_from(first, OWN_COLOURS):
        first = random_colour(generator, (0.2, 0.92))
    pattern = "plain" if material == "velvet" else str(generator.choice(materials.PATTERNS, p=_PATTERN_ODDS))
    pillows = tuple(random_colour(generator) for _ in range(int(generator.choice([0, 1, 2], p=[0.5, 0.2, 0.3]))))
    return SofaDesign(
        material=material,
        pattern=pattern,
        first=first,
        second=random_colour(generator, (0.2, 0.95)),
        period=float(generator.uniform(0.07, 0.2)),
        arm_style=str(generator.choice(["box", "rolled", "slab"])),
        arm_width=float(generator.uniform(0.13, 0.24)),
        tufted=bool(generator.random() < 0.25),
        cushion_width=float(generator.uniform(0.5, 0.8)),
        piping=bool(generator.random() < 0.6),
        wood=_WOODS[generator.integers(len(_WOODS))],
        leg=float(generator.uniform(0.05, 0.16)),
        pillows=pillows,
        seed=int(generator.integers(1000)),
    )


_PATTERN_ODDS = (0.42, 0.1, 0.1, 0.06, 0.1, 0.06, 0.1, 0.06)


def random_sofa(generator: np.random.Generator) -> PlacedObject[SofaState]:
    """Draws a sofa somewhere in the room."""
    return put_anywhere(random_sofa_design(generator), generator)
