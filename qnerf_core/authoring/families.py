"""All families of subjects, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from qnerf_core.authoring.alligator import random_alligator
from qnerf_core.authoring.boot import random_boot
from qnerf_core.authoring.hero import random_hero
from qnerf_core.authoring.lamp import random_lamp
from qnerf_core.authoring.person import random_person
from qnerf_core.authoring.skinned import FineBody
from qnerf_core.authoring.sofa import random_sofa
from qnerf_core.authoring.statue import random_statue
from qnerf_core.authoring.subject import Subject


@dataclass(frozen=True)
class Family:
    """A kind of subject.

    Attributes:
        control: What edits it.
        random_subject: Draws one.
        target_height: What cameras look at, metres above the floor.
        distance: Least and greatest distance of the cameras of training pictures, metres.
    """

    control: Literal["skeleton", "depth"]
    random_subject: Callable[[np.random.Generator, FineBody], Subject]
    target_height: float
    distance: tuple[float, float]


def _bodiless(draw: Callable[[np.random.Generator], Subject]) -> Callable[[np.random.Generator, FineBody], Subject]:
    def random_subject(generator: np.random.Generator, _body: FineBody) -> Subject:
        return draw(generator)

    return random_subject


FAMILIES: dict[str, Family] = {
    "person": Family("skeleton", random_person, 1.02, (2.5, 3.5)),
    "hero": Family("skeleton", random_hero, 1.02, (2.5, 3.5)),
    "statue": Family("skeleton", random_statue, 1.15, (2.7, 3.6)),
    "alligator": Family("skeleton", random_alligator, 0.9, (2.5, 3.4)),
    "sofa": Family("depth", _bodiless(random_sofa), 0.5, (2.5, 3.5)),
    "lamp": Family("depth", _bodiless(random_lamp), 0.95, (2.4, 3.4)),
    "boot": Family("depth", _bodiless(random_boot), 0.6, (2.0, 3.2)),
}
