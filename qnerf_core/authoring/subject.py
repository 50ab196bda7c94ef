"""What all families of subjects have in common: something that can be put into a room in different states."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from qnerf_core.authoring.mesh import SurfaceMesh
from qnerf_core.editing.subject import Mesh
from qnerf_core.proxy.model import DepthProxy


@dataclass(frozen=True, eq=False)
class PosedBody:
    """The body under a subject in one pose.

    Attributes:
        keypoints: OpenPose keypoints (18, 3) in the world.
        mesh: Vertices (V, 3) in the world, and faces.
        rest: (V, 3) the vertices in rest pose.
        joints: (V,) the SMPL joint that each vertex goes with most.
    """

    keypoints: np.ndarray
    mesh: Mesh
    rest: np.ndarray
    joints: np.ndarray


@dataclass(frozen=True, eq=False)
class Staged:
    """A subject in one state, as it stands in the room.

    Attributes:
        mesh: The subject.
        control: What an edit is told about the state: a body or a loose proxy.
        fixture: What stands in the room with it and no edit changes, such as a pedestal.
    """

    mesh: SurfaceMesh
    control: PosedBody | DepthProxy
    fixture: SurfaceMesh | None = None


class Subject(Protocol):
    """One member of a family, with its looks."""

    def caption(self) -> str:
        """The prompt that names it."""
        ...

    def random_pair(self, generator: np.random.Generator) -> tuple[Staged, Staged]:
        """Two random states at one place in the room: what an edit turns into each other."""
        ...
