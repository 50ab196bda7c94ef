"""The family `alligator`: plush toys with snout and tail, as large as people, on the limbs of the body."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from qnerf_core.authoring.implicit import SoftPart, soft_surface, soft_weights
from qnerf_core.authoring.materials import (
    Colour,
    away_from,
    bands,
    colour_like,
    colour_name,
    edge,
    noise,
    paint,
    random_colour,
)
from qnerf_core.authoring.mesh import SurfaceMesh
from qnerf_core.authoring.skinned import FineBody, SkinnedSubject
from qnerf_core.body.pose import BETA_COUNT, SMPL_JOINTS, BodyPose

OWN_COLOURS: tuple[Colour, ...] = ((0.28, 0.55, 0.22),)
"""Of the capture: random toys stay away from them."""

PATTERNS = ("plain", "spots", "stripes", "patches")
_GREENS: tuple[Colour, ...] = ((0.2, 0.45, 0.16), (0.45, 0.62, 0.2), (0.12, 0.42, 0.34), (0.4, 0.44, 0.22))
_UP = np.array([0.0, 1.0, 0.0])
_AHEAD = np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True)
class Toy:
    """What a toy looks like; lengths in metres.

    Attributes:
        betas: Shape coefficients of the body inside.
        colour, belly, accent: Of the plush; `accent` colours ridges, spots and soles.
        pattern: Of `PATTERNS`.
        fat: Radius of the belly.
        limb: Radius of arms and legs.
        snout: Length of the snout.
        tail: Length of the tail.
        curl: How much the tail bends up, radians.
        ridges: Whether it has ridges along the back.
        scarf: Colour of a scarf, or nothing.
        eye: Colour of the eyes.
        seed: Of the pattern.
    """

    betas: tuple[float, ...]
    colour: Colour
    belly: Colour
    accent: Colour
    pattern: str
    fat: float
    limb: float
    snout: float
    tail: float
    curl: float
    ridges: bool
    scarf: Colour | None
    eye: Colour
    seed: int

    def caption(self) -> str:
        """The prompt that describes the toy."""
        return f"a photo of a {colour_name(self.colour)} plush alligator"


class Alligator(SkinnedSubject):
    """A plush toy on the skeleton."""

    def __init__(self, body: FineBody, toy: Toy) -> None:
        betas = np.array(toy.betas)
        joints = dict(zip(SMPL_JOINTS, body.model.rest_joints(betas), strict=True))
        parts = _parts(toy, joints)
        vertices, faces = soft_surface(parts)
        weights = soft_weights(vertices, parts, len(SMPL_JOINTS))
        albedo = _plush(toy, vertices, joints)
        super().__init__(body.model, betas, SurfaceMesh.of(vertices, faces, albedo), weights)
        self.toy = toy
        # The tail may lie on the floor; what the toy stands on are its feet.
        self._is_tail = (vertices[:, 2] < -0.16) & (weights[:, 0] > 0.5)

    def caption(self) -> str:
        """The prompt that describes the toy."""
        return self.toy.caption()

    def vertices(self, pose: BodyPose) -> np.ndarray:
        """(V, 3) vertices in the world; the tail yields to the floor."""
        vertices = super().vertices(pose)
        height = vertices[:, 2]
        pressed = np.where(height < 0.08, 0.08 * np.exp(np.minimum(height - 0.08, 0) / 0.08), height)
        vertices[:, 2] = np.where(self._is_tail, pressed, height)
        return vertices

    def dressed_pose(self, pose: BodyPose, height: float = 0.0) -> BodyPose:
        """The pose with the toy's own shape, its lowest limb at a height in metres."""
        shaped = pose.replaced(betas=self.betas, translation=pose.translation + np.array([0.0, 0.0, 5.0]))
        lowest = float(self.vertices(shaped)[~self._is_tail, 2].min())
        return shaped.replaced(translation=shaped.translation + np.array([0.0, 0.0, height - lowest]))


def _parts(toy: Toy, at: dict[str, np.ndarray]) -> list[SoftPart]:
    number = {name: index for index, name in enumerate(SMPL_JOINTS)}
    fat, limb = toy.fat, toy.limb

    def ball(joint: str, centre: np.ndarray, radius: float, scale: tuple[float, float, float] = (1, 1, 1)) -> SoftPart:
        return SoftPart(centre, centre, (radius, radius), number[joint], scale)

    pelvis, chest = at["pelvis"], at["spine3"]
    parts = [
        ball("pelvis", pelvis + [0, 0.0, 0.01], 0.85 * fat, (1.05, 0.95, 0.95)),
        ball("spine1", at["spine1"] + [0, 0.02, 0.05], fat, (1.0, 0.95, 0.95)),
        ball("spine2", at["spine2"] + [0, 0.0, 0.03], 0.9 * fat),
        ball("spine3", chest + [0, 0.03, 0.01], 0.78 * fat, (1.15, 1.0, 0.85)),
        SoftPart(chest + 0.08 * _UP, at["head"], (0.6 * fat, 0.1), number["neck"]),
    ]
    limbs: list[SoftPart] = []
    for side in ("left", "right"):
        shoulder, elbow, wrist, hand = (at[f"{side}_{name}"] for name in ("shoulder", "elbow", "wrist", "hand"))
        hip, knee, ankle, foot = (at[f"{side}_{name}"] for name in ("hip", "knee", "ankle", "foot"))
        out = np.array([np.sign(shoulder[0]), 0.0, 0.0])
        limbs += [
            SoftPart(at[f"{side}_collar"], shoulder, (0.5 * fat, 1.1 * limb), number[f"{side}_collar"]),
            SoftPart(shoulder, elbow, (1.1 * limb, limb), number[f"{side}_shoulder"]),
            SoftPart(elbow, wrist, (limb, 0.85 * limb), number[f"{side}_elbow"]),
            SoftPart(wrist, hand, (0.95 * limb, 0.95 * limb), number[f"{side}_wrist"]),
            SoftPart(hip, knee, (1.5 * limb, 1.15 * limb), number[f"{side}_hip"]),
            SoftPart(knee, ankle + 0.02 * _UP, (1.15 * limb, 1.0 * limb), number[f"{side}_knee"]),
            SoftPart(
                ankle, foot + [0, 0.01, 0.01], (1.0 * limb, 0.95 * limb), number[f"{side}_ankle"], (1.15, 0.75, 1.0)
            ),
        ]
        for spread in (-1, 0, 1):
            finger = hand + 0.06 * out + [0, 0, 0.045 * spread]
            limbs.append(ball(f"{side}_hand", finger, 0.034, (1.3, 1.0, 1.0)))
            toe = foot + [0.05 * spread, -0.005, 0.1]
            limbs.append(ball(f"{side}_foot", toe, 0.036, (1.0, 0.8, 1.2)))
    parts += [replace(part, side=int(np.sign(part.start[0]))) for part in limbs]
    return parts + _head(toy, at, number["head"]) + _tail(toy, pelvis)


def _head(toy: Toy, at: dict[str, np.ndarray], joint: int) -> list[SoftPart]:
    head = at["head"] + [0, 0.06, 0.0]
    base = head + [0, -0.015, 0.08]
    tip = base + toy.snout * _AHEAD - 0.03 * _UP
    parts = [
        SoftPart(head, head, (0.135, 0.135), joint, (1.05, 0.9, 1.0)),
        SoftPart(base, tip, (0.1, 0.068), joint, (1.1, 0.62, 1.0)),
        SoftPart(base - 0.06 * _UP, tip - [0, 0.045, 0.02], (0.08, 0.052), joint, (1.1, 0.45, 1.0)),
    ]
    for side in (-1, 1):
        brow = head + [side * 0.068, 0.105, 0.045]
        nostril = tip + [side * 0.03, 0.036, 0.03]
        parts += [
            SoftPart(brow, brow, (0.048, 0.048), joint),
            SoftPart(nostril, nostril, (0.02, 0.02), joint),
        ]
    return parts


def _tail(toy: Toy, pelvis: np.ndarray) -> list[SoftPart]:
    parts, place, count = [], pelvis + [0, -0.02, -0.1], 9
    for index in range(count):
        share = index / count
        angle = -0.95 + (0.75 + toy.curl) * share
        following = place + toy.tail / count * np.array([0.0, np.sin(angle), -np.cos(angle)])
        radii = tuple(0.72 * toy.fat * (1 - s) ** 0.9 + 0.025 for s in (share, share + 1 / count))
        parts.append(SoftPart(place, following, (radii[0], radii[1]), 0))
        place = following
    return parts


def _plush(toy: Toy, points: np.ndarray, at: dict[str, np.ndarray]) -> np.ndarray:
    x, y, z = points.T
    colour = np.tile(np.array(toy.colour), (len(points), 1))
    if toy.pattern == "spots":
        spots = edge(noise(points, 0.09, toy.seed) - 0.9, 0.35)
    elif toy.pattern == "stripes":
        limb = np.where(np.abs(x) > 0.26, np.abs(x), y + 0.3 * np.clip(-z - 0.15, 0, None))
        spots = bands(limb + 0.012 * noise(points, 0.1, toy.seed), 0.13, 0.4, 0.02)
    elif toy.pattern == "patches":
        spots = edge(noise(points, 0.2, toy.seed) - 0.5, 0.2)
    else:
        spots = np.zeros(len(points))
    colour = paint(colour, 0.85 * spots, toy.accent)
    head = y > at["head"][1] - 0.02
    # The belly's piece is sewn in: paler, with ribs and a seam around it.
    middle = at["spine1"][1] + 0.06
    belly = np.minimum(1 - np.hypot(x / 0.155, (y - middle) / 0.34), (z - 0.05) / 0.1)
    colour = paint(colour, edge(belly, 0.06) * ~head, toy.belly)
    colour = paint(colour, 0.25 * edge(belly, 0.06) * ~head * bands(y, 0.075, 0.2), np.array(toy.belly) * 0.5)
    colour = paint(colour, 0.5 * edge(0.03 - np.abs(belly), 0.03) * ~head * (z > 0.06), np.array(toy.colour) * 0.4)
    centre = at["head"] + [0, 0.06, 0.0]
    u, v, w = (points - centre).T
    jaw = head * (w > 0.06)
    colour = paint(colour, jaw * edge(-0.052 - v + 0.03 * np.clip((w - 0.08) / toy.snout, 0, 1) * -1, 0.012), toy.belly)
    seam = -0.052 - 0.03 * np.clip((w - 0.08) / toy.snout, 0, 1)
    colour = paint(colour, jaw * edge(0.006 - np.abs(v - seam), 0.01), (0.1, 0.06, 0.06))
    teeth = jaw * edge(0.009 - np.abs(v - seam + 0.011), 0.01) * bands(w, 0.038, 0.5, 0.01) * (np.abs(u) > 0.02)
    colour = paint(colour, teeth, (0.96, 0.95, 0.9))
    for side in (-1, 1):
        pupil = np.hypot(u - side * 0.072, v - 0.112)
        facing = head & (w > 0.05)
        colour = paint(colour, facing * edge(0.034 - pupil, 0.01), (0.96, 0.95, 0.92))
        colour = paint(colour, facing * edge(0.018 - pupil, 0.008), toy.eye)
        hole = np.linalg.norm(points - (centre + [side * 0.032, 0.0, 0.128 + toy.snout]), axis=1)
        colour = paint(colour, edge(0.022 - hole, 0.008), np.array(toy.colour) * 0.25)
    if toy.ridges:
        back = (z < -0.02) & (np.abs(x) < 0.2)
        rows = edge(0.022 - np.abs(np.abs(x) - 0.05), 0.012)
        colour = paint(colour, back * rows * bands(y - 0.6 * z, 0.075, 0.6, 0.014), toy.accent)
    soles = edge(at["left_ankle"][1] - 0.045 - y, 0.012)
    colour = paint(colour, soles, np.array(toy.belly) * 0.85)
    if toy.scarf is not None:
        around = (y - at["neck"][1]) + 0.25 * z
        colour = paint(colour, edge(0.04 - np.abs(around), 0.012) * (np.abs(x) < 0.16), toy.scarf)
    fluff = 1 + 0.07 * noise(points, 0.014, toy.seed + 1) + 0.05 * noise(points, 0.05, toy.seed + 2)
    return np.clip(colour * fluff[:, None], 0, 1)


def random_toy(generator: np.random.Generator) -> Toy:
    """Draws a toy, away from the capture's own."""
    colour = OWN_COLOURS[0]
    while not away_from(colour, OWN_COLOURS, 0.18):
        green = generator.random() < 0.45
        colour = colour_like(generator, _GREENS[generator.integers(4)], 0.06) if green else random_colour(generator)
    shape = generator.normal(0, 0.5, BETA_COUNT)
    belly = colour_like(generator, ((0.92, 0.88, 0.7), (0.85, 0.8, 0.5), (0.95, 0.93, 0.9))[generator.integers(3)])
    return Toy(
        betas=(float(np.clip(shape[0] * 0.4 - 0.7, -1.2, 0)), *(float(b) for b in np.clip(shape[1:], -1, 1))),
        colour=colour,
        belly=belly if generator.random() < 0.7 else random_colour(generator, (0.4, 0.95)),
        accent=random_colour(generator) if generator.random() < 0.5 else colour_like(generator, colour, 0.16),
        pattern=str(generator.choice(PATTERNS, p=[0.35, 0.25, 0.2, 0.2])),
        fat=float(generator.uniform(0.15, 0.205)),
        limb=float(generator.uniform(0.062, 0.08)),
        snout=float(generator.uniform(0.16, 0.3)),
        tail=float(generator.uniform(0.6, 1.0)),
        curl=float(generator.uniform(0, 1.0)),
        ridges=bool(generator.random() < 0.7),
        scarf=random_colour(generator, (0.3, 0.95)) if generator.random() < 0.3 else None,
        eye=((0.06, 0.06, 0.06), (0.5, 0.32, 0.08), (0.2, 0.45, 0.6))[generator.integers(3)],
        seed=int(generator.integers(1000)),
    )


def random_alligator(generator: np.random.Generator, body: FineBody) -> Alligator:
    """Draws a plush toy."""
    return Alligator(body, random_toy(generator))
