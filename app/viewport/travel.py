from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from scipy.spatial.transform import Rotation, Slerp

from qnerf_core.scene.camera import Camera

_SECONDS = 0.2
Mixed = TypeVar("Mixed", float, np.ndarray)


@dataclass(frozen=True, eq=False)
class Place:
    """A camera, and how far before it lies what it looks at, metres."""

    camera: Camera
    depth: float


@dataclass(frozen=True, eq=False)
class Travel:
    """The short way from where the view was to where it is, so that nobody loses the thread."""

    start: Place
    began: float

    @classmethod
    def from_here(cls, start: Place) -> Travel:
        return cls(start, time.perf_counter())

    @property
    def share(self) -> float:
        return min((time.perf_counter() - self.began) / _SECONDS, 1.0)

    def camera(self, end: Place) -> Camera:
        """Turns about what is looked at, which moves on a straight line."""
        share = self.share
        share = share * share * (3 - 2 * share)
        first, last = self.start.camera, end.camera
        turns = Rotation.from_matrix([first.camera_to_world[:3, :3], last.camera_to_world[:3, :3]])
        rotation = Slerp([0.0, 1.0], turns)(share).as_matrix()
        focus = _mix(_focus(self.start), _focus(end), share)
        pose = np.eye(4)
        pose[:3, :3] = rotation
        pose[:3, 3] = focus + rotation[:, 2] * _mix(self.start.depth, end.depth, share)
        lens = {name: _mix(getattr(first, name), getattr(last, name), share) for name in ("fx", "fy", "cx", "cy")}
        return replace(last, camera_to_world=pose, **lens)


def _focus(place: Place) -> np.ndarray:
    return place.camera.position + place.camera.forward * place.depth


def _mix(first: Mixed, last: Mixed, share: float) -> Mixed:
    return first + (last - first) * share
