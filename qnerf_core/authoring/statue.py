"""The family `statue`: stone and bronze figures in tunics on pedestals."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from qnerf_core.authoring.materials import Colour, colour_like, edge, noise, turbulence
from qnerf_core.authoring.mesh import SurfaceMesh, joined, vertex_normals
from qnerf_core.authoring.person import hair_area, random_betas
from qnerf_core.authoring.random_pose import random_pose
from qnerf_core.authoring.skinned import FineBody, Regions, SkinnedSubject
from qnerf_core.authoring.solids import Solid, lathe, rounded_box, turn
from qnerf_core.authoring.subject import Staged
from qnerf_core.body.pose import BodyPose

STONES: dict[str, Colour] = {
    "marble": (0.86, 0.85, 0.83),
    "sandstone": (0.76, 0.64, 0.46),
    "granite": (0.55, 0.54, 0.54),
    "basalt": (0.24, 0.24, 0.26),
    "terracotta": (0.68, 0.4, 0.28),
    "bronze": (0.42, 0.3, 0.16),
    "copper": (0.36, 0.56, 0.5),
    "limestone": (0.8, 0.78, 0.68),
}
OWN_STONE = "limestone"
"""The capture's: no random statue is made of it."""


@dataclass(frozen=True)
class Sculpture:
    """What a statue looks like.

    Attributes:
        betas: Shape coefficients of the body.
        stone: A key of `STONES`.
        colour: Its colour.
        relief: Depth of the folds, metres.
        folds: Number of folds around the body.
        hem: Where the tunic ends, as a share of the leg.
        sleeve: Where it ends on the arm, as a share of it; below 0 it leaves one shoulder bare.
        hair: Length of the hair below the eyes, metres.
        pedestal: "block", "round" or "steps".
        pedestal_stone: A key of `STONES`.
        pedestal_height, pedestal_width: Metres.
        seed: Of the grain.
    """

    betas: tuple[float, ...]
    stone: str
    colour: Colour
    relief: float
    folds: int
    hem: float
    sleeve: float
    hair: float
    pedestal: str
    pedestal_stone: str
    pedestal_height: float
    pedestal_width: float
    seed: int

    def caption(self) -> str:
        """The prompt that describes the statue."""
        return f"a photo of a statue of {self.stone}"


class Statue(SkinnedSubject):
    """A body of stone on a pedestal."""

    def __init__(self, body: FineBody, sculpture: Sculpture) -> None:
        betas = np.array(sculpture.betas)
        shape = body.rest_vertices(betas)
        regions = Regions.of(shape, body.model.rest_joints(betas), body.weights)
        thickness = _carved(sculpture, regions)
        vertices = shape + vertex_normals(shape, body.faces) * thickness[:, None]
        # Hollows are darker: dust and rain stay in them.
        local = thickness - _smooth_thickness(sculpture, regions)
        albedo = stone(vertices, sculpture.stone, sculpture.colour, sculpture.seed) * (1 + 3.5 * local)[:, None]
        gloss = {"bronze": 0.5, "marble": 0.15}.get(sculpture.stone, 0.0)
        super().__init__(
            body.model, betas, SurfaceMesh.of(vertices, body.faces, np.clip(albedo, 0, 1), gloss), body.weights
        )
        self.sculpture = sculpture
        self.pedestal = _pedestal(sculpture)

    def caption(self) -> str:
        """The prompt that describes the statue."""
        return self.sculpture.caption()

    def on_pedestal(self, pose: BodyPose) -> BodyPose:
        """The pose with the statue's own shape, its feet on the pedestal."""
        return self.dressed_pose(pose, self.sculpture.pedestal_height - 0.005)

    def staged(self, pose: BodyPose) -> Staged:
        """The statue in a pose of its shape."""
        return replace(super().staged(pose), fixture=self.pedestal)

    def random_pair(self, generator: np.random.Generator) -> tuple[Staged, Staged]:
        """The statue in two random poses."""
        first, second = (self.staged(self.on_pedestal(random_pose(generator))) for _ in range(2))
        return first, second


def stone(points: np.ndarray, kind: str, colour: Colour, seed: int) -> np.ndarray:
    """(V, 3) colours of a stone at points (V, 3)."""
    base = np.tile(np.array(colour), (len(points), 1))
    weathered = 0.05 * turbulence(points, 0.25, seed)
    if kind == "marble":
        vein = np.exp(-((turbulence(points * [1, 0.6, 1], 0.22, seed + 3) / 0.11) ** 2))
        return base * (1 + weathered - 0.28 * vein)[:, None]
    if kind == "granite":
        return base * (1 + weathered + 0.16 * noise(points, 0.011, seed + 3))[:, None]
    if kind in ("bronze", "copper"):
        patina = np.clip(0.45 * turbulence(points, 0.13, seed + 3) + (0.05 if kind == "bronze" else 0.4), 0, 0.9)
        green, brown = np.array([0.36, 0.58, 0.5]), np.array([0.36, 0.24, 0.13])
        metal = brown if kind == "copper" else base
        return (metal + patina[:, None] * (green - metal)) * (1 + weathered)[:, None]
    if kind in ("sandstone", "limestone"):
        layers = 0.05 * np.sin(40 * points[:, 1] + 2 * noise(points, 0.15, seed + 3))
        return base * (1 + 1.4 * weathered + layers + 0.05 * noise(points, 0.012, seed + 4))[:, None]
    return base * (1 + 1.3 * weathered + 0.05 * noise(points, 0.014, seed + 3))[:, None]


def _clothed(look: Sculpture, at: Regions) -> np.ndarray:
    x, y, _ = at.points.T
    torso = ~at.arm & ~at.head & ~at.neck
    share = torso * edge((look.hem - at.along_leg) * at.leg_length, 0.02)
    if look.sleeve >= 0:
        return np.maximum(share, at.arm * edge((look.sleeve - at.along_arm) * at.arm_length, 0.02))
    slanted = at.joints["spine3"][1] + 0.02 + 0.8 * x
    return share * edge(slanted - y + 0.1, 0.02)


def _smooth_thickness(look: Sculpture, at: Regions) -> np.ndarray:
    return 0.018 * _clothed(look, at) + 0.028 * hair_area(at, look.hair)


def _carved(look: Sculpture, at: Regions) -> np.ndarray:
    """(V,) how far the stone stands off the body, metres."""
    x, y, z = at.points.T
    clothed, hair = _clothed(look, at), hair_area(at, look.hair)
    leg = at.along_leg > 0.08
    centre = np.where(leg, np.sign(x) * at.joints["left_hip"][0], 0.0)
    angle = np.arctan2(x - centre, z)
    slant = np.where(leg, 0.0, 6 * y)
    folds = np.sin(look.folds * angle * np.where(leg, 0.5, 1.0) + slant + 1.2 * noise(at.points, 0.14, look.seed))
    rim = np.exp(-(((look.hem - at.along_leg) * at.leg_length / 0.03) ** 2)) * ~at.arm
    belt = ~at.arm * np.exp(-(((y - at.joints["left_hip"][1] - 0.17) / 0.02) ** 2))
    curls = 0.6 * noise(at.points, 0.028, look.seed + 1)
    carved = clothed * (look.relief * folds * (1 - belt) + 0.008 * rim - 0.006 * belt) + hair * 0.01 * curls
    eyes = at.head & (at.face_depth > 0.05)
    socket = np.zeros(len(x))
    for side in (-0.031, 0.031):
        socket = socket + eyes * np.exp(-(((x - side) / 0.016) ** 2 + (at.above_eyes / 0.009) ** 2))
    return _smooth_thickness(look, at) + carved - 0.008 * socket


def _pedestal(look: Sculpture) -> SurfaceMesh:
    height, width = look.pedestal_height, look.pedestal_width
    if look.pedestal == "block":
        slab = rounded_box((width, width, height), 0.015, spacing=0.025).moved((0, 0, height / 2))
        pieces: list[Solid] = [
            slab,
            rounded_box((width + 0.08, width + 0.08, 0.07), 0.012, spacing=0.025).moved((0, 0, 0.035)),
        ]
    elif look.pedestal == "round":
        radius = width / 2
        profile = [[0, 0], [radius + 0.05, 0], [radius + 0.05, 0.05], [radius, 0.08], [radius, height - 0.05]]
        profile += [[radius + 0.025, height - 0.03], [radius + 0.025, height], [0, height]]
        pieces = [lathe(np.array(profile, dtype=np.float64), 0.022)]
    else:
        half = height / 2
        pieces = [
            rounded_box((width + 0.22, width + 0.22, half), 0.012, spacing=0.025).moved((0, 0, half / 2)),
            rounded_box((width, width, half), 0.012, spacing=0.025).moved((0, 0, 1.5 * half)),
        ]
    colour = STONES[look.pedestal_stone]
    meshes = [
        piece.painted(np.clip(stone(piece.vertices[:, [0, 2, 1]], look.pedestal_stone, colour, look.seed + 11), 0, 1))
        for piece in pieces
    ]
    return joined(meshes).moved(turn(2, 0.3 * (look.seed % 5)), np.zeros(3))


def random_sculpture(generator: np.random.Generator) -> Sculpture:
    """Draws a statue's looks; never of the capture's own stone."""
    kinds = [name for name in STONES if name != OWN_STONE]
    kind = kinds[generator.integers(len(kinds))]
    betas = random_betas(generator)
    return Sculpture(
        betas=(betas[0] - 0.35, *betas[1:]),
        stone=kind,
        colour=colour_like(generator, STONES[kind], 0.025),
        relief=float(generator.uniform(0.005, 0.013)),
        folds=int(generator.integers(9, 18)),
        hem=float(generator.uniform(0.3, 0.95)),
        sleeve=float(generator.choice([-1.0, generator.uniform(0.05, 0.5)], p=[0.4, 0.6])),
        hair=float(generator.uniform(0.0, 0.14)),
        pedestal=str(generator.choice(["block", "round", "steps"])),
        pedestal_stone=str(generator.choice([kind, *kinds[:5]])),
        pedestal_height=float(generator.uniform(0.18, 0.42)),
        pedestal_width=float(generator.uniform(0.75, 1.1)),
        seed=int(generator.integers(1000)),
    )


def random_statue(generator: np.random.Generator, body: FineBody) -> Statue:
    """Draws a statue."""
    return Statue(body, random_sculpture(generator))
