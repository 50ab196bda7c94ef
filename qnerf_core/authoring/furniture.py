"""What sofa, lamp and boot share: a place in the room, and pairs of states of one object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np

from qnerf_core.authoring.loose import Looseness, placed
from qnerf_core.authoring.mesh import SurfaceMesh
from qnerf_core.authoring.solids import turn
from qnerf_core.authoring.subject import Staged
from qnerf_core.proxy.model import ProxyPart

State = TypeVar("State")


class Design(Protocol[State]):
    """The looks of an object, and its shape in any state; it faces -y and stands on z = 0."""

    def caption(self) -> str:
        """The prompt that names it."""
        ...

    def mesh(self, state: State) -> SurfaceMesh:
        """Its surface."""
        ...

    def parts(self, state: State) -> list[ProxyPart]:
        """The few boxes and cylinders that a user would draw for it."""
        ...

    def random_state(self, generator: np.random.Generator) -> State:
        """Usual proportions."""
        ...

    def edited(self, state: State, generator: np.random.Generator) -> State:
        """Some proportions changed clearly, as an edit does."""
        ...


@dataclass(frozen=True, eq=False)
class PlacedObject(Generic[State]):
    """An object somewhere in the room."""

    design: Design[State]
    looseness: Looseness
    yaw: float
    position: np.ndarray

    def caption(self) -> str:
        """The prompt that names it."""
        return self.design.caption()

    def staged(self, state: State) -> Staged:
        """The object in a state, with the proxy of it."""
        mesh = self.design.mesh(state).moved(turn(2, self.yaw), self.position)
        drawn = self.looseness.applied(self.design.parts(state))
        return Staged(mesh, placed(drawn, self.yaw, self.position))

    def random_pair(self, generator: np.random.Generator) -> tuple[Staged, Staged]:
        """Usual proportions and edited ones."""
        state = self.design.random_state(generator)
        return self.staged(state), self.staged(self.design.edited(state, generator))


def put_anywhere(design: Design[State], generator: np.random.Generator) -> PlacedObject[State]:
    """Places an object near the middle of the room, turned at random."""
    position = np.append(generator.normal(0, 0.06, 2), 0.0)
    return PlacedObject(design, Looseness.random(generator), float(generator.uniform(-np.pi, np.pi)), position)
