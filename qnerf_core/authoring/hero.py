"""The family `hero`: figures in tight patterned suits with masks, belts and emblems; nobody's protected character."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qnerf_core.authoring.materials import Colour, away_from, bands, colour_name, edge, noise, paint, random_colour
from qnerf_core.authoring.mesh import SurfaceMesh, vertex_normals
from qnerf_core.authoring.person import HAIR_COLOURS, hair_area, paint_face, random_betas, random_skin
from qnerf_core.authoring.skinned import FineBody, Regions, SkinnedSubject

OWN_COLOURS: tuple[Colour, ...] = ((0.35, 0.13, 0.5),)
"""Of the capture's suit: random suits stay away from them."""

TORSO_PATTERNS = ("plain", "panel", "sides", "chevrons", "rings", "scales", "lines", "halves", "rays", "yoke")
LIMB_PATTERNS = ("plain", "rings", "stripe", "scales")
EMBLEMS = ("none", "disc", "ring", "star", "diamond", "bolt", "triangle")


@dataclass(frozen=True)
class Suit:
    """What a hero looks like.

    Attributes:
        betas: Shape coefficients of the body.
        main, second, accent: Colours of the suit; gloves, boots and mask have `second`, emblem and belt `accent`.
        torso, limbs: Patterns, of `TORSO_PATTERNS` and `LIMB_PATTERNS`, in `second`.
        period: Of the patterns, metres.
        mask: "full", "cowl" (mouth free), "half" (eyes only, with hair).
        lens: Colour of the eyes of a mask.
        emblem: Of `EMBLEMS`.
        glove, boot: Where they begin, as shares of arm and leg.
        trunks: Whether the hips have the second colour.
        skin, hair: Colours.
        gloss: 0 to 1.
    """

    betas: tuple[float, ...]
    main: Colour
    second: Colour
    accent: Colour
    torso: str
    limbs: str
    period: float
    mask: str
    lens: Colour
    emblem: str
    glove: float
    boot: float
    trunks: bool
    skin: Colour
    hair: Colour
    gloss: float

    def caption(self) -> str:
        """The prompt that describes the hero."""
        return f"a photo of a hero in a {colour_name(self.main)} and {colour_name(self.second)} suit"


class Hero(SkinnedSubject):
    """A body in a suit."""

    def __init__(self, body: FineBody, suit: Suit) -> None:
        betas = np.array(suit.betas)
        shape = body.rest_vertices(betas)
        regions = Regions.of(shape, body.model.rest_joints(betas), body.weights)
        albedo, thickness = _dressed(suit, regions)
        surface = SurfaceMesh.of(
            shape + vertex_normals(shape, body.faces) * thickness[:, None], body.faces, albedo, suit.gloss
        )
        super().__init__(body.model, betas, surface, body.weights)
        self.suit = suit

    def caption(self) -> str:
        """The prompt that describes the hero."""
        return self.suit.caption()


def _dressed(suit: Suit, at: Regions) -> tuple[np.ndarray, np.ndarray]:
    x, y, z = at.points.T
    hip = at.joints["left_hip"][1]
    waist = y - hip - 0.1
    torso = ~at.head & ~at.arm & (waist > -0.15)
    colour = np.tile(np.array(suit.main), (len(y), 1)) * (1 + 0.03 * noise(at.points, 0.02, seed=3))[:, None]
    thickness = np.full(len(y), 0.003)

    chest = at.joints["spine3"][1] + 0.05
    on_torso = torso * edge(waist)
    colour = paint(colour, on_torso * _torso_pattern(suit, at, chest), suit.second)
    if suit.trunks:
        trunks = ~at.arm * edge(-waist) * edge((0.2 - at.along_leg) * at.leg_length + 0.35 * (np.abs(x) - 0.1))
        colour = paint(colour, trunks * (waist > -0.45), suit.second)
    limbs = (at.arm | (at.along_leg > 0.05)) * ~at.head
    colour = paint(colour, limbs * _limb_pattern(suit, at), suit.second)

    glove = at.arm * edge((at.along_arm - suit.glove) * at.arm_length)
    boot = ~at.arm * edge((at.along_leg - suit.boot) * at.leg_length)
    for part, length, start in ((glove, at.arm_length, suit.glove), (boot, at.leg_length, suit.boot)):
        along = at.along_arm if part is glove else at.along_leg
        colour = paint(colour, part, suit.second)
        cuff = (part > 0.5) * edge(0.018 - np.abs((along - start) * length - 0.018))
        colour = paint(colour, cuff, suit.accent)
        thickness = np.where(part > 0.5, 0.007 + 0.008 * cuff, thickness)
    sole = edge(at.joints["left_ankle"][1] - 0.045 - y) * ~at.arm
    colour = paint(colour, sole, np.array(suit.second) * 0.4)

    belt = ~at.arm * edge(0.024 - np.abs(waist + 0.005))
    colour = paint(colour, belt, suit.accent)
    buckle = (z > 0.02) * edge(0.034 - np.hypot(x, waist + 0.005))
    colour = paint(colour, buckle, np.clip(np.array(suit.accent) * 0.5 + 0.45, 0, 1))
    thickness = np.where(belt > 0.5, 0.011, np.where(buckle > 0.5, 0.016, thickness))

    front = (z > at.joints["spine3"][2] + 0.05) & torso
    colour = paint(colour, front * _emblem(suit.emblem, x, y - chest), suit.accent)
    return _masked(suit, at, colour, thickness)


def _torso_pattern(suit: Suit, at: Regions, chest: float) -> np.ndarray:
    x, y, _ = at.points.T
    across, up, period = np.abs(x), y - chest, suit.period
    if suit.torso == "scales":
        return 0.6 * _scales(x, y, 0.05)
    return {
        "plain": lambda: np.zeros(len(x)),
        "panel": lambda: edge(0.075 + 0.35 * np.clip(up + 0.05, 0, 0.2) - across),
        "sides": lambda: edge(across - 0.1 - 0.2 * np.abs(up + 0.1)),
        "chevrons": lambda: bands(up - across, period, 0.4),
        "rings": lambda: bands(up, period, 0.45),
        "lines": lambda: np.maximum(bands(up + across, period, 0.16), bands(up - across, period, 0.16)),
        "halves": lambda: edge(x),
        "rays": lambda: bands(np.arctan2(x, up) / (2 * np.pi), 1 / 14, 0.5, 0.02 + 0.004 / (np.hypot(x, up) + 0.05)),
        "yoke": lambda: edge(up - 0.02 + 0.4 * across - 0.03),
    }[suit.torso]()


def _limb_pattern(suit: Suit, at: Regions) -> np.ndarray:
    x, y, z = at.points.T
    along = np.where(at.arm, at.along_arm * at.arm_length, at.along_leg * at.leg_length)
    if suit.limbs == "scales":
        return 0.6 * _scales(np.where(at.arm, z, x), along, 0.05)
    shoulder, hip = at.joints["left_shoulder"], at.joints["left_hip"]
    outer = np.where(at.arm, y - shoulder[1], np.abs(x) - hip[0] - 0.01)
    return {
        "plain": lambda: np.zeros(len(x)),
        "rings": lambda: bands(along, suit.period, 0.35),
        "stripe": lambda: edge(0.022 - np.abs(np.where(at.arm, z - shoulder[2], z - hip[2]))) * (outer > 0),
    }[suit.limbs]()


def _scales(u: np.ndarray, v: np.ndarray, period: float) -> np.ndarray:
    row = np.floor(v / period)
    column = ((u / period + 0.5 * (row % 2)) % 1 - 0.5) * period
    return edge(np.hypot(column, (v / period - row) * period * 0.8) - 0.42 * period, 0.018)


def _emblem(kind: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Share (V,) of an emblem about 14 cm wide."""
    radius, angle = np.hypot(x, y), np.arctan2(x, y)
    width = 0.01
    if kind == "star":
        return edge(0.045 + 0.03 * np.cos(5 * angle) - radius, width)
    if kind == "bolt":
        middle = np.where(np.abs(y) < 0.02, 1.2 * y, -0.45 * y + 0.03 * np.sign(y))
        return edge(0.024 - np.abs(x - middle), width) * edge(0.08 - np.abs(y), width)
    return {
        "none": lambda: np.zeros(len(x)),
        "disc": lambda: edge(0.062 - radius, width),
        "ring": lambda: edge(0.017 - np.abs(radius - 0.055), width),
        "diamond": lambda: edge(0.075 - np.abs(x) - 0.8 * np.abs(y), width),
        "triangle": lambda: edge(np.minimum(0.05 - y, y + 0.06 - 1.5 * np.abs(x)), width),
    }[kind]()


def _masked(suit: Suit, at: Regions, colour: np.ndarray, thickness: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x, above = at.points[:, 0], at.above_eyes
    front = at.head & (at.face_depth > 0.03)
    if suit.mask == "half":
        colour = paint(colour, at.head.astype(float), suit.skin)
        colour = paint_face(colour, at, suit.skin, suit.hair)
        hair = hair_area(at, 0.07)
        strands = np.array(suit.hair) * (1 + 0.12 * noise(at.points * [1.0, 0.25, 1.0], 0.012, seed=2))[:, None]
        colour, thickness = paint(colour, hair, strands), np.where(hair > 0.5, 0.022, thickness)
        band = at.head * edge(0.026 - np.abs(above + 0.002), 0.008) * (at.face_depth > -0.02)
        colour = paint(colour, band, suit.second)
    else:
        colour = paint(colour, at.head.astype(float), suit.second)
        if suit.mask == "cowl":
            opening = front * edge(-above - 0.03, 0.008) * edge(0.05 - np.abs(x), 0.008)
            bare = paint_face(np.tile(np.array(suit.skin), (len(x), 1)), at, suit.skin, suit.hair)
            colour = colour + opening[:, None] * (bare - colour)
        crest = at.head * edge(0.016 - np.abs(x), 0.008) * edge(above - 0.05, 0.01)
        colour = paint(colour, crest, suit.accent)
    lens = front & (at.face_depth > 0.045)
    for side in (-1, 1):
        u, v = x - side * 0.034, above - 0.3 * side * (x - side * 0.034)
        colour = paint(colour, lens * edge(1 - np.hypot(u / 0.03, v / 0.018), 0.4), suit.lens)
    return colour, thickness


def random_suit(generator: np.random.Generator) -> Suit:
    """Draws a suit, away from the capture's own."""
    main = OWN_COLOURS[0]
    while not away_from(main, OWN_COLOURS):
        main = random_colour(generator, (0.12, 0.95))
    second = main
    while not away_from(second, (main,), 0.35):
        second = random_colour(generator, (0.08, 0.95))
    accent = second
    while not away_from(accent, (main, second), 0.3):
        accent = random_colour(generator, (0.3, 1.0))
    hair = HAIR_COLOURS[generator.integers(len(HAIR_COLOURS))]
    lenses: tuple[Colour, ...] = ((0.95, 0.96, 0.97), (0.98, 0.85, 0.35), (0.6, 0.9, 0.95), (0.1, 0.1, 0.1))
    return Suit(
        betas=random_betas(generator),
        main=main,
        second=second,
        accent=accent,
        torso=str(generator.choice(TORSO_PATTERNS)),
        limbs=str(generator.choice(LIMB_PATTERNS, p=[0.4, 0.2, 0.25, 0.15])),
        period=float(generator.uniform(0.06, 0.13)),
        mask=str(generator.choice(["full", "cowl", "half"], p=[0.5, 0.25, 0.25])),
        lens=lenses[generator.integers(len(lenses))],
        emblem=str(generator.choice(EMBLEMS)),
        glove=float(generator.uniform(0.5, 0.95)),
        boot=float(generator.uniform(0.5, 0.9)),
        trunks=bool(generator.random() < 0.4),
        skin=random_skin(generator),
        hair=(float(hair[0]), float(hair[1]), float(hair[2])),
        gloss=float(generator.choice([0.0, generator.uniform(0.1, 0.4)])),
    )


def random_hero(generator: np.random.Generator, body: FineBody) -> Hero:
    """Draws a hero."""
    return Hero(body, random_suit(generator))
