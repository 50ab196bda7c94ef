"""The subjects of the seven built-in captures: looks, source state, edits and rooms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from qnerf_core.authoring.alligator import OWN_COLOURS as ALLIGATOR_COLOURS
from qnerf_core.authoring.alligator import Alligator, Toy
from qnerf_core.authoring.boot import OWN_COLOURS as BOOT_COLOURS
from qnerf_core.authoring.boot import BootDesign
from qnerf_core.authoring.boot_shape import BootState
from qnerf_core.authoring.families import FAMILIES
from qnerf_core.authoring.furniture import Design, PlacedObject
from qnerf_core.authoring.hero import OWN_COLOURS as HERO_COLOURS
from qnerf_core.authoring.hero import Hero, Suit
from qnerf_core.authoring.lamp import OWN_COLOURS as LAMP_COLOURS
from qnerf_core.authoring.lamp import LampDesign, LampState
from qnerf_core.authoring.loose import Looseness
from qnerf_core.authoring.person import OWN_CLOTHES, Appearance, Fabric, Figure
from qnerf_core.authoring.skinned import FineBody, SkinnedSubject
from qnerf_core.authoring.sofa import OWN_COLOURS as SOFA_COLOURS
from qnerf_core.authoring.sofa import SofaDesign, SofaState
from qnerf_core.authoring.statue import OWN_STONE, STONES, Sculpture, Statue
from qnerf_core.authoring.subject import Staged
from qnerf_core.body.library import PoseLibrary
from qnerf_core.body.pose import BETA_COUNT, BodyPose
from qnerf_core.proxy.model import DepthProxy

_TRIALS = 77_000_000
"""Sets the seeds of trials apart from those of training data."""

State = TypeVar("State")


@dataclass(frozen=True, eq=False)
class Target:
    """One state of a showpiece: what is rendered, and what a control file says about it."""

    staged: Staged
    control: BodyPose | DepthProxy


@dataclass(frozen=True, eq=False)
class Showpiece:
    """What a capture shows.

    Attributes:
        prompt: Of the capture.
        source: Its state in the photos.
        edits: By name.
        room_seed: Of the room.
        target_height: What the cameras look at, metres above the floor.
        radius: Distance of the cameras from the axis, metres.
    """

    prompt: str
    source: Target
    edits: Mapping[str, Target]
    room_seed: int
    target_height: float
    radius: float


PERSON = Appearance(
    betas=(0.4, -0.5, 0.3, *([0.0] * (BETA_COUNT - 3))),
    skin=(0.86, 0.66, 0.54),
    hair=(0.2, 0.12, 0.07),
    shoes=(0.85, 0.84, 0.8),
    shirt=Fabric(OWN_CLOTHES[0], (0.95, 0.9, 0.85), "plain", 0.1),
    trousers=Fabric(OWN_CLOTHES[1], (0.2, 0.3, 0.6), "plain", 0.1),
    sleeve=0.42,
    leg=0.97,
    hem=0.03,
    looseness=0.014,
    hair_thickness=0.02,
    hair_length=0.06,
)

_HERO = Suit(
    betas=(0.5, -0.7, 0.2, *([0.0] * (BETA_COUNT - 3))),
    main=HERO_COLOURS[0],
    second=(0.95, 0.72, 0.16),
    accent=(0.9, 0.92, 0.95),
    torso="yoke",
    limbs="stripe",
    period=0.1,
    mask="full",
    lens=(0.96, 0.97, 0.98),
    emblem="disc",
    glove=0.62,
    boot=0.6,
    trunks=True,
    skin=(0.8, 0.6, 0.5),
    hair=(0.2, 0.12, 0.07),
    gloss=0.2,
)

_STATUE = Sculpture(
    betas=(-0.4, -0.3, *([0.0] * (BETA_COUNT - 2))),
    stone=OWN_STONE,
    colour=STONES[OWN_STONE],
    relief=0.011,
    folds=13,
    hem=0.52,
    sleeve=0.28,
    hair=0.08,
    pedestal="steps",
    pedestal_stone="granite",
    pedestal_height=0.3,
    pedestal_width=1.0,
    seed=500,
)

_ALLIGATOR = Toy(
    betas=(-0.75, *([0.0] * (BETA_COUNT - 1))),
    colour=ALLIGATOR_COLOURS[0],
    belly=(0.93, 0.87, 0.62),
    accent=(0.16, 0.36, 0.16),
    pattern="plain",
    fat=0.19,
    limb=0.073,
    snout=0.25,
    tail=0.85,
    curl=0.6,
    ridges=True,
    scarf=(0.8, 0.16, 0.14),
    eye=(0.06, 0.06, 0.06),
    seed=40,
)

_SOFA = SofaDesign(
    material="velvet",
    pattern="plain",
    first=SOFA_COLOURS[0],
    second=SOFA_COLOURS[0],
    period=0.1,
    arm_style="rolled",
    arm_width=0.19,
    tufted=False,
    cushion_width=0.62,
    piping=True,
    wood=(0.55, 0.36, 0.2),
    leg=0.12,
    pillows=((0.85, 0.62, 0.18), (0.85, 0.62, 0.18)),
    seed=60,
)

_LAMP = LampDesign(
    base="disc",
    base_width=0.42,
    metal="brass",
    pole=0.024,
    shade_style="cone",
    shade=LAMP_COLOURS[0],
    trim=(0.42, 0.16, 0.1),
    pattern="bands",
    glow=0.4,
    knob=True,
    seed=70,
)

_BOOT = BootDesign(
    material="leather",
    colour=BOOT_COLOURS[0],
    second=(0.33, 0.17, 0.09),
    pattern="plain",
    sole=(0.2, 0.15, 0.12),
    stitch=(0.92, 0.85, 0.6),
    lace=(0.93, 0.9, 0.82),
    laced=True,
    toe_cap=True,
    counter=True,
    cuff="none",
    pointed=0.25,
    width=0.21,
    sole_thickness=0.075,
    wear=0.5,
    seed=80,
)

_USERS_HAND = Looseness(
    growth=np.array([[0.09, 0.12, 0.05], [0.08, 0.06, 0.1], [0.12, 0.1, 0.04], [0.06, 0.09, 0.08], [0.1, 0.05, 0.06]]),
    shift=np.array(
        [[0.02, -0.01, 0.0], [-0.015, 0.02, 0.01], [0.0, 0.015, -0.01], [0.01, 0.0, 0.02], [0.0, 0.02, 0.0]]
    ),
)


def _posed(
    subject: SkinnedSubject,
    prompt: str,
    poses: tuple[str, Mapping[str, str]],
    framing: tuple[int, float, float],
    on_floor: Callable[[BodyPose], BodyPose],
) -> Showpiece:
    library = PoseLibrary.standard()

    def target(name: str) -> Target:
        pose = on_floor(library.load(name))
        return Target(subject.staged(pose), pose)

    source, edits = poses
    return Showpiece(prompt, target(source), {edit: target(name) for edit, name in edits.items()}, *framing)


def _proxy_of(staged: Staged) -> DepthProxy:
    if not isinstance(staged.control, DepthProxy):
        raise TypeError("furniture is controlled by proxies")
    return staged.control


def _drawn(
    design: Design[State], yaw: float, source: State, edits: Mapping[str, State], framing: tuple[int, float, float]
) -> Showpiece:
    placed = PlacedObject(design, _USERS_HAND, yaw, np.zeros(3))

    def target(state: State) -> Target:
        staged = placed.staged(state)
        return Target(staged, _proxy_of(staged))

    targets = {edit: target(state) for edit, state in edits.items()}
    return Showpiece(placed.caption(), target(source), targets, *framing)


def _person(body: FineBody) -> Showpiece:
    figure = Figure(body, PERSON)
    poses = {"raise-arms": "arms-raised", "wide-stance": "wide-stance", "kick": "kick"}
    return _posed(figure, figure.caption(), ("stand", poses), (125, 1.1, 3.4), figure.dressed_pose)


def _hero(body: FineBody) -> Showpiece:
    hero = Hero(body, _HERO)
    poses = {"hands-on-hips": "hands-on-hips", "lunge": "lunge", "reach-up": "reach-up"}
    return _posed(hero, hero.caption(), ("stand", poses), (141, 1.1, 3.4), hero.dressed_pose)


def _statue(body: FineBody) -> Showpiece:
    statue = Statue(body, _STATUE)
    poses = {"wave": "wave", "raise-arms": "arms-raised", "wide-stance": "wide-stance"}
    return _posed(statue, statue.caption(), ("stand", poses), (114, 1.2, 3.5), statue.on_pedestal)


def _alligator(body: FineBody) -> Showpiece:
    toy = Alligator(body, _ALLIGATOR)
    poses = {"wave": "wave", "kick": "kick", "squat": "squat"}
    return _posed(toy, toy.caption(), ("a-pose", poses), (117, 0.9, 3.2), toy.dressed_pose)


def _sofa(_body: FineBody) -> Showpiece:
    source = SofaState(width=1.65, depth=0.9, seat=0.42, arms=0.62, back=0.84)
    edits = {
        "wider": replace(source, width=2.25),
        "high-back": replace(source, back=1.2),
        "armchair": replace(source, width=1.02, arms=0.56),
    }
    return _drawn(_SOFA, 0.0, source, edits, (138, 0.5, 3.3))


def _lamp(_body: FineBody) -> Showpiece:
    source = LampState(height=1.5, reach=0.32, drop=0.16, shade=0.42, shade_height=0.28, tilt=0.2)
    edits = {
        "taller": replace(source, height=1.95),
        "bent": replace(source, reach=0.68, drop=0.42, tilt=0.6),
        "wide-shade": replace(source, shade=0.74, shade_height=0.36),
    }
    return _drawn(_LAMP, 0.6, source, edits, (118, 1.0, 3.1))


def _boot(_body: FineBody) -> Showpiece:
    source = BootState(shaft=0.85, toe=0.5, heel=0.05)
    edits = {
        "high-shaft": replace(source, shaft=1.4),
        "long-toe": replace(source, toe=0.85),
        "high-heel": replace(source, heel=0.3),
    }
    return _drawn(_BOOT, 0.5, source, edits, (133, 0.68, 2.5))


def _floor_of(subject: SkinnedSubject) -> Callable[[BodyPose], BodyPose]:
    return subject.on_pedestal if isinstance(subject, Statue) else subject.dressed_pose


def random_showpiece(family: str, seed: int, body: FineBody) -> Showpiece:
    """A random member of a family in a random room, with one edit named "trial".

    Args:
        family: One of `FAMILIES`.
        seed: Of looks, room, source and edit.
        body: The body of those who have one.
    """
    generator = np.random.default_rng([_TRIALS, seed])
    kind = FAMILIES[family]
    subject = kind.random_subject(generator, body)
    framing = (int(generator.integers(2**31)), kind.target_height, kind.distance[1])
    if isinstance(subject, SkinnedSubject):
        source, edit = generator.choice(PoseLibrary.standard().names(), 2, replace=False)
        return _posed(subject, subject.caption(), (str(source), {"trial": str(edit)}), framing, _floor_of(subject))
    source_state, edit_state = (Target(staged, _proxy_of(staged)) for staged in subject.random_pair(generator))
    return Showpiece(subject.caption(), source_state, {"trial": edit_state}, *framing)


SHOWPIECES: Mapping[str, Callable[[FineBody], Showpiece]] = {
    "person": _person,
    "hero": _hero,
    "statue": _statue,
    "alligator": _alligator,
    "sofa": _sofa,
    "lamp": _lamp,
    "boot": _boot,
}
"""Makers of the captures' subjects, by the captures' names."""
