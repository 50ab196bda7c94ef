"""Loose proxies as a user would draw them: a few boxes and cylinders around a subject, not too exact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.spatial.transform import Rotation

from qnerf_core.proxy.model import DepthProxy, ProxyPart


def box(name: str, low: tuple[float, float, float], high: tuple[float, float, float]) -> ProxyPart:
    """An upright box between two corners."""
    corners = np.array([low, high])
    return ProxyPart(name, "box", corners.mean(0), np.zeros(3), corners[1] - corners[0])


def column(name: str, centre: tuple[float, float], low: float, high: float, width: float) -> ProxyPart:
    """An upright cylinder between two heights."""
    middle = np.array([*centre, (low + high) / 2])
    return ProxyPart(name, "cylinder", middle, np.zeros(3), np.array([width, width, high - low]))


def beam(name: str, kind: Literal["box", "cylinder"], start: np.ndarray, end: np.ndarray, width: float) -> ProxyPart:
    """A long part from one point (3,) to another, its own z axis along it."""
    length = float(np.linalg.norm(end - start))
    direction = (end - start) / length
    axis = np.cross([0.0, 0.0, 1.0], direction)
    sine = float(np.linalg.norm(axis))
    rotation = axis / max(sine, 1e-9) * np.arctan2(sine, direction[2])
    return ProxyPart(name, kind, (start + end) / 2, rotation, np.array([width, width, length]))


@dataclass(frozen=True, eq=False)
class Looseness:
    """How roughly a user draws: every part is too large by its own shares, and not quite at its place.

    Attributes:
        growth: (P, 3) shares by which sizes grow along the own axes; parts take them in turn.
        shift: (P, 3) offsets as shares of the size, likewise.
    """

    growth: np.ndarray
    shift: np.ndarray

    @classmethod
    def random(cls, generator: np.random.Generator) -> Looseness:
        """Draws a user's hand."""
        return cls(np.clip(generator.normal(0.07, 0.06, (8, 3)), -0.04, 0.22), generator.normal(0, 0.02, (8, 3)))

    def applied(self, parts: Sequence[ProxyPart]) -> DepthProxy:
        """The parts as this user draws them."""
        drawn = []
        for index, part in enumerate(parts):
            growth, shift = (values[index % len(values)] for values in (self.growth, self.shift))
            drawn.append(part.moved(part.axes @ (part.size * shift)).replaced(size=part.size * (1 + growth)))
        return DepthProxy(tuple(drawn))


def placed(proxy: DepthProxy, yaw: float, position: np.ndarray) -> DepthProxy:
    """A proxy turned about the world's vertical axis by `yaw` radians, then shifted by `position` (3,)."""
    turn = Rotation.from_rotvec([0.0, 0.0, yaw])
    parts = tuple(
        part.replaced(
            centre=turn.apply(np.array(part.centre)) + position,
            rotation=(turn * Rotation.from_rotvec(np.array(part.rotation))).as_rotvec(),
        )
        for part in proxy.parts
    )
    return DepthProxy(parts, proxy.blend)
