"""The family `person`: people in shirt and trousers, or shorts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qnerf_core.authoring.materials import Colour, away_from, bands, colour_name, edge, noise, paint, random_colour
from qnerf_core.authoring.mesh import SurfaceMesh, vertex_normals
from qnerf_core.authoring.skinned import FineBody, Regions, SkinnedSubject
from qnerf_core.body.pose import BETA_COUNT


@dataclass(frozen=True)
class Fabric:
    """A cloth: two colours (RGB, 0 to 1), a pattern and its period in metres."""

    colour: Colour
    second: Colour
    pattern: str
    period: float


@dataclass(frozen=True)
class Appearance:
    """What a figure looks like.

    Attributes:
        betas: Shape coefficients of the body.
        skin, hair, shoes: RGB, 0 to 1.
        shirt, trousers: Fabrics.
        sleeve: Where the sleeve ends, 0 at the shoulder, 1 at the wrist.
        leg: Where the trousers end, 0 at the hip, 1 at the ankle.
        hem: Height of the shirt's hem above the hip joints, metres.
        looseness: Distance of the cloth from the skin, metres.
        hair_thickness: Metres.
        hair_length: How far down the back of the head the hair goes, metres below the eyes.
    """

    betas: tuple[float, ...]
    skin: Colour
    hair: Colour
    shoes: Colour
    shirt: Fabric
    trousers: Fabric
    sleeve: float
    leg: float
    hem: float
    looseness: float
    hair_thickness: float
    hair_length: float

    def caption(self) -> str:
        """The prompt that describes the figure."""
        return (
            f"a photo of a person in a {colour_name(self.shirt.colour)} shirt and "
            f"{colour_name(self.trousers.colour)} trousers"
        )


OWN_CLOTHES: tuple[Colour, Colour] = ((0.78, 0.14, 0.12), (0.12, 0.2, 0.45))
"""Shirt and trousers of the capture: nobody at random wears both."""

HAIR_COLOURS = np.array([[0.08, 0.06, 0.05], [0.25, 0.15, 0.08], [0.5, 0.33, 0.15], [0.8, 0.65, 0.35], [0.6, 0.6, 0.6]])


def random_betas(generator: np.random.Generator) -> tuple[float, ...]:
    """Shape coefficients of a random body."""
    return tuple(float(beta) for beta in np.clip(generator.normal(0.0, 0.6, BETA_COUNT), -1.3, 1.3))


def random_skin(generator: np.random.Generator) -> Colour:
    """A colour of skin."""
    tone = float(generator.random())
    skin = np.array([0.93, 0.76, 0.65]) * (1 - tone) + np.array([0.32, 0.2, 0.14]) * tone
    return (float(skin[0]), float(skin[1]), float(skin[2]))


def _fabric(generator: np.random.Generator) -> Fabric:
    pattern = str(generator.choice(["plain", "stripes", "bars", "checks", "halves"], p=[0.5, 0.18, 0.1, 0.12, 0.1]))
    return Fabric(random_colour(generator), random_colour(generator), pattern, float(generator.uniform(0.06, 0.16)))


def random_appearance(generator: np.random.Generator) -> Appearance:
    """Draws a figure: body shape, skin, hair and clothes."""
    hair = HAIR_COLOURS[generator.integers(len(HAIR_COLOURS))]
    shirt, trousers = _fabric(generator), _fabric(generator)
    while not any(away_from(cloth.colour, (own,)) for cloth, own in zip((shirt, trousers), OWN_CLOTHES, strict=True)):
        trousers = _fabric(generator)
    return Appearance(
        betas=random_betas(generator),
        skin=random_skin(generator),
        hair=(float(hair[0]), float(hair[1]), float(hair[2])),
        shoes=random_colour(generator, (0.08, 0.7)),
        shirt=shirt,
        trousers=trousers,
        sleeve=float(generator.choice([generator.uniform(0.3, 0.5), generator.uniform(0.9, 1.0)])),
        leg=float(generator.choice([generator.uniform(0.4, 0.55), generator.uniform(0.92, 1.0)], p=[0.3, 0.7])),
        hem=float(generator.uniform(-0.1, 0.06)),
        looseness=float(generator.uniform(0.006, 0.025)),
        hair_thickness=float(generator.uniform(0.008, 0.03)),
        hair_length=float(generator.uniform(0.0, 0.14)),
    )


class Figure(SkinnedSubject):
    """A body in clothes."""

    def __init__(self, body: FineBody, appearance: Appearance) -> None:
        betas = np.array(appearance.betas)
        shape = body.rest_vertices(betas)
        regions = Regions.of(shape, body.model.rest_joints(betas), body.weights)
        albedo, thickness = _dress(appearance, regions)
        surface = shape + vertex_normals(shape, body.faces) * thickness[:, None]
        super().__init__(body.model, betas, SurfaceMesh.of(surface, body.faces, albedo), body.weights)
        self.appearance = appearance

    def caption(self) -> str:
        """The prompt that describes the figure."""
        return self.appearance.caption()


def random_person(generator: np.random.Generator, body: FineBody) -> Figure:
    """Draws a person."""
    return Figure(body, random_appearance(generator))


def paint_face(colour: np.ndarray, at: Regions, skin: Colour, hair: Colour) -> np.ndarray:
    """Colours with eyes, brows and mouth."""
    front = at.head & (at.face_depth > 0.05)
    x, above = at.points[:, 0], at.above_eyes
    for eye_x in (-0.031, 0.031):
        colour = paint(colour, front * edge(0.011 - np.hypot(x - eye_x, above), 0.006), (0.08, 0.07, 0.07))
        colour = paint(
            colour,
            front * edge(0.02 - np.abs(x - eye_x), 0.006) * edge(0.005 - np.abs(above - 0.024), 0.005),
            np.array(hair) * 0.8,
        )
    mouth = front * edge(0.009 - np.hypot(x / 2.2, above + 0.068), 0.006)
    return paint(colour, mouth, np.array(skin) * np.array([0.85, 0.55, 0.55]))


def hair_area(at: Regions, length: float) -> np.ndarray:
    """(V,) share of hair: top and back of the head, down to `length` below the eyes."""
    top = edge(at.above_eyes - 0.055, 0.008)
    back = edge(0.01 - at.face_depth, 0.008) * edge(at.above_eyes + length, 0.008)
    return at.head * np.maximum(top, back)


def _dress(look: Appearance, at: Regions) -> tuple[np.ndarray, np.ndarray]:
    y = at.points[:, 1]
    hip, ankle = at.joints["left_hip"][1], at.joints["left_ankle"][1]
    skin = ~at.head & ~at.neck
    waist = y - hip - look.hem
    trousers = skin * ~at.arm * edge(-waist) * edge((look.leg - at.along_leg) * at.leg_length)
    shirt = skin * np.where(at.arm, edge((look.sleeve - at.along_arm) * at.arm_length), edge(waist))
    shoes = edge(ankle + 0.035 - y) * ~at.arm
    hair = hair_area(at, look.hair_length)

    colour = np.tile(np.array(look.skin), (len(y), 1)) * (1 + 0.015 * noise(at.points, 0.03))[:, None]
    thickness = np.zeros(len(y))
    for share, cloth in ((trousers, look.trousers), (shirt, look.shirt)):
        creases = 0.25 * noise(at.points * [1.0, 0.6, 1.0], 0.07, seed=4)
        colour = paint(colour, share, _pattern(cloth, at.points))
        thickness = np.where(share > 0.5, look.looseness * (1 + creases), thickness)
    colour, thickness = paint(colour, shoes, look.shoes), np.where(shoes > 0.5, 0.008, thickness)
    strands = np.array(look.hair) * (1 + 0.12 * noise(at.points * [1.0, 0.25, 1.0], 0.012, seed=2))[:, None]
    colour, thickness = paint(colour, hair, strands), np.where(hair > 0.5, look.hair_thickness, thickness)
    return paint_face(colour, at, look.skin, look.hair), thickness


def _pattern(cloth: Fabric, points: np.ndarray) -> np.ndarray:
    x, y, z = points.T
    horizontal = bands(y - 0.5 * cloth.period, cloth.period)
    vertical = bands(x + 0.37 * z - 0.5 * cloth.period, cloth.period)
    second = {
        "plain": np.zeros(len(points)),
        "stripes": horizontal,
        "bars": vertical,
        "checks": horizontal + vertical - 2 * horizontal * vertical,
        "halves": edge(x),
    }[cloth.pattern]
    woven = paint(np.tile(np.array(cloth.colour, dtype=np.float64), (len(points), 1)), second, cloth.second)
    return woven * (1 + 0.03 * noise(points, 0.018, seed=7))[:, None]
