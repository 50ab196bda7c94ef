"""A clothed figure on the built-in body: who wears what, and the shaded mesh of it in a pose."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import numpy as np

from qnerf_core.body.model import BodyModel
from qnerf_core.body.pose import BETA_COUNT, SMPL_JOINTS, BodyPose, forward_kinematics

_ARM_JOINTS = ("shoulder", "elbow", "wrist", "hand")


@dataclass(frozen=True)
class Fabric:
    """A cloth: two colours (RGB, 0 to 1), a pattern and its period in metres."""

    colour: tuple[float, float, float]
    second: tuple[float, float, float]
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
    skin: tuple[float, float, float]
    hair: tuple[float, float, float]
    shoes: tuple[float, float, float]
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


_HUES = (
    *((0.04, "red"), (0.11, "orange"), (0.19, "yellow"), (0.45, "green"), (0.53, "cyan")),
    *((0.72, "blue"), (0.86, "purple"), (0.95, "pink"), (1.01, "red")),
)
"""Upper end of each named hue, 0 to 1."""


def colour_name(colour: tuple[float, float, float]) -> str:
    """The everyday name of an RGB colour."""
    hue, saturation, value = colorsys.rgb_to_hsv(*colour)
    if value < 0.2:
        return "black"
    if saturation < 0.18:
        return "white" if value > 0.75 else "grey"
    name = next(name for limit, name in _HUES if hue < limit)
    return "brown" if name == "orange" and value < 0.6 else name


def _colour(generator: np.random.Generator, value: tuple[float, float] = (0.15, 0.95)) -> tuple[float, float, float]:
    saturation = generator.choice([generator.uniform(0.0, 0.15), generator.uniform(0.3, 0.95)], p=[0.3, 0.7])
    return colorsys.hsv_to_rgb(float(generator.random()), float(saturation), float(generator.uniform(*value)))


def _fabric(generator: np.random.Generator) -> Fabric:
    pattern = str(generator.choice(["plain", "stripes", "bars", "checks", "halves"], p=[0.5, 0.18, 0.1, 0.12, 0.1]))
    return Fabric(_colour(generator), _colour(generator), pattern, float(generator.uniform(0.06, 0.16)))


def random_appearance(generator: np.random.Generator) -> Appearance:
    """Draws a figure: body shape, skin, hair and clothes."""
    tone = float(generator.random())
    skin = np.array([0.93, 0.76, 0.65]) * (1 - tone) + np.array([0.32, 0.2, 0.14]) * tone
    hair_colours = np.array(
        [[0.08, 0.06, 0.05], [0.25, 0.15, 0.08], [0.5, 0.33, 0.15], [0.8, 0.65, 0.35], [0.6, 0.6, 0.6]]
    )
    betas = np.clip(generator.normal(0.0, 0.6, BETA_COUNT), -1.3, 1.3)
    hair = hair_colours[generator.integers(len(hair_colours))]
    return Appearance(
        betas=tuple(float(beta) for beta in betas),
        skin=(float(skin[0]), float(skin[1]), float(skin[2])),
        hair=(float(hair[0]), float(hair[1]), float(hair[2])),
        shoes=_colour(generator, (0.08, 0.7)),
        shirt=_fabric(generator),
        trousers=_fabric(generator),
        sleeve=float(generator.choice([generator.uniform(0.3, 0.5), generator.uniform(0.9, 1.0)])),
        leg=float(generator.choice([generator.uniform(0.4, 0.55), generator.uniform(0.92, 1.0)], p=[0.3, 0.7])),
        hem=float(generator.uniform(-0.1, 0.06)),
        looseness=float(generator.uniform(0.006, 0.025)),
        hair_thickness=float(generator.uniform(0.008, 0.03)),
        hair_length=float(generator.uniform(0.0, 0.14)),
    )


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(V, 3) area-weighted unit normals of a triangle mesh."""
    corners = vertices[faces]
    face_normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.stack(
        [np.bincount(faces.ravel(), np.repeat(face_normals[:, axis], 3), minlength=len(vertices)) for axis in range(3)],
        axis=1,
    )
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


class Figure:
    """A body in clothes: colours fixed to its surface, geometry posed by linear blend skinning.

    Attributes:
        albedo: (V, 3) colours, 0 to 1.
        faces: (F, 3).
    """

    def __init__(self, body: BodyModel, appearance: Appearance) -> None:
        self.body = body
        self.appearance = appearance
        self.faces = body.faces
        betas = np.array(appearance.betas)
        self._rest_joints = body.rest_joints(betas)
        shape = body.rest_vertices(betas)
        self.albedo, thickness = self._dress(shape)
        self._rest = shape + vertex_normals(shape, body.faces) * thickness[:, None]

    def _dress(self, rest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        look, joints = self.appearance, self._rest_joints
        at = {name: joints[index] for index, name in enumerate(SMPL_JOINTS)}
        dominant = np.array([name.split("_")[-1] for name in SMPL_JOINTS])[self.body.weights.argmax(1)]
        x, y, z = rest.T
        across = np.abs(x)
        shoulder, wrist = at["left_shoulder"][0], at["left_wrist"][0]
        hip, ankle = at["left_hip"][1], at["left_ankle"][1]
        along_arm = (across - shoulder) / (wrist - shoulder)
        along_leg = (hip - y) / (hip - ankle)
        is_arm = np.isin(dominant, _ARM_JOINTS)
        is_head = dominant == "head"
        is_neck = (dominant == "neck") & (y > at["neck"][1] + 0.01)

        colour = np.tile(np.array(look.skin), (len(rest), 1))
        thickness = np.zeros(len(rest))
        trousers = ~is_arm & ~is_head & ~is_neck & (y < hip + look.hem) & (along_leg < look.leg)
        shirt = ~is_head & ~is_neck & np.where(is_arm, along_arm < look.sleeve, y >= hip + look.hem)
        shoes = (y < ankle + 0.035) & np.isin(dominant, ("ankle", "foot", "knee"))
        eye_height = at["head"][1] + 0.045
        face_depth = z - at["head"][2]
        hair = is_head & ((y > eye_height + 0.055) | ((face_depth < 0.01) & (y > eye_height - look.hair_length)))
        for mask, fabric in ((trousers, look.trousers), (shirt, look.shirt)):
            colour[mask] = _pattern(fabric, rest[mask])
            thickness[mask] = look.looseness
        colour[shoes], thickness[shoes] = look.shoes, 0.008
        colour[hair], thickness[hair] = look.hair, look.hair_thickness
        front = is_head & (face_depth > 0.05)
        for eye_x in (-0.031, 0.031):
            eye = front & (np.hypot(x - eye_x, y - eye_height) < 0.011)
            colour[eye] = (0.08, 0.07, 0.07)
            brow = front & (np.abs(x - eye_x) < 0.02) & (np.abs(y - eye_height - 0.024) < 0.005)
            colour[brow] = np.array(look.hair) * 0.8
        mouth = front & (np.hypot(x / 2.2, y - eye_height + 0.068) < 0.009)
        colour[mouth] = np.array(look.skin) * np.array([0.85, 0.55, 0.55])
        return colour, thickness

    def vertices(self, pose: BodyPose) -> np.ndarray:
        """(V, 3) clothed vertices in the world; the pose's betas are replaced by the figure's."""
        positions, rotations = forward_kinematics(self._rest_joints, pose)
        offsets = positions - np.einsum("jab,jb->ja", rotations, self._rest_joints)
        transforms = np.concatenate([rotations, offsets[:, :, None]], axis=2).reshape(24, 12)
        blended = (self.body.weights @ transforms).reshape(-1, 3, 4)
        return np.einsum("vab,vb->va", blended[:, :, :3], self._rest) + blended[:, :, 3]

    def dressed_pose(self, pose: BodyPose) -> BodyPose:
        """The pose with the figure's own shape, standing on the floor (shoes included)."""
        shaped = pose.replaced(betas=np.array(self.appearance.betas))
        lowest = float(self.vertices(shaped)[:, 2].min())
        return shaped.replaced(translation=shaped.translation - np.array([0.0, 0.0, lowest]))


def _pattern(fabric: Fabric, points: np.ndarray) -> np.ndarray:
    x, y, z = points.T
    horizontal = np.floor(y / fabric.period).astype(int)
    vertical = np.floor((x + 0.37 * z) / fabric.period).astype(int)
    second = {
        "plain": np.zeros(len(points), dtype=bool),
        "stripes": horizontal % 2 == 1,
        "bars": vertical % 2 == 1,
        "checks": (horizontal + vertical) % 2 == 1,
        "halves": x > 0,
    }[fabric.pattern]
    return np.where(second[:, None], np.array(fabric.second), np.array(fabric.colour))
