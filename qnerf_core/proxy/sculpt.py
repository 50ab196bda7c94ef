"""Brushes on a mesh part: grab, inflate, smooth, flatten, pinch.

A stroke changes the vertices of a `SculptMesh` in place, fast enough to be seen while the mouse moves: 20,000 vertices
take a few milliseconds a step. What it did comes out as a small change that undoes and redoes itself on parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np

from qnerf_core.proxy.model import ProxyPart
from qnerf_core.proxy.topology import Topology

BrushKind = Literal["grab", "inflate", "smooth", "flatten", "pinch"]
Falloff = Literal["smooth", "sphere", "sharp", "linear", "constant"]

# Share of the radius between two dabs of a stroke, and the most dabs that one step makes up for.
_SPACING = 0.15
_MOST_DABS = 4
# Of the radius (inflate) or of the way to the goal that a dab of full strength goes.
_INFLATE, _SMOOTH, _SHARPEN, _FLATTEN, _PINCH = 0.1, 0.8, 0.3, 0.4, 0.15


@dataclass(frozen=True)
class Brush:
    """A brush.

    Attributes:
        kind: "grab" moves what lies within the radius at the beginning along with the pointer; the others work in dabs
            along the way.
        radius: Metres.
        strength: 0 to 1. A grab follows the pointer whatever it is.
        falloff: How the effect falls from the middle to the radius.
        symmetry: Repeat it behind the planes through the part's centre, across its own x, y and z.
        invert: Deflate, sharpen, raise off the plane, push apart. A grab has no inverse.
    """

    kind: BrushKind
    radius: float
    strength: float = 0.5
    falloff: Falloff = "smooth"
    symmetry: tuple[bool, bool, bool] = (False, False, False)
    invert: bool = False


@dataclass(frozen=True, eq=False)
class SculptChange:
    """What a stroke did, in the part's unit frame: it holds wherever the part is moved to meanwhile.

    Attributes:
        indices: (N,) changed vertices.
        before: (N, 3).
        after: (N, 3).
    """

    indices: np.ndarray
    before: np.ndarray
    after: np.ndarray

    def redone(self, part: ProxyPart) -> ProxyPart:
        """Return the part with the stroke."""
        return self._put(part, self.after)

    def undone(self, part: ProxyPart) -> ProxyPart:
        """Return the part as it was before the stroke."""
        return self._put(part, self.before)

    def _put(self, part: ProxyPart, values: np.ndarray) -> ProxyPart:
        vertices = np.array(part.vertices)
        vertices[self.indices] = values
        return part.replaced(vertices=vertices)


class SculptMesh:
    """The mesh of a part while it is being sculpted, in the part's own axes about its centre, metres.

    Attributes:
        vertices: (V, 3), changed in place.
        topology: Neighbours.
    """

    def __init__(self, part: ProxyPart, topology: Topology | None = None) -> None:
        """Take the mesh of a part.

        Args:
            part: Of kind "mesh" (see `remesh.remeshed`).
            topology: Of a mesh made of the same part earlier; it is used if the faces are still the same.

        Raises:
            ValueError: The part is no mesh.
        """
        if part.vertices is None or part.faces is None:
            raise ValueError(f"{part.name!r} is no mesh")
        self._part = part
        self.vertices: np.ndarray = part.vertices * part.size
        if topology is None or topology.faces is not part.faces:
            topology = Topology.of(part.faces, len(part.vertices))
        self.topology = topology

    def part(self) -> ProxyPart:
        """Return the part as it is now."""
        return self._part.replaced(vertices=self.vertices / self._part.size)

    def world(self, indices: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Return vertices in the world.

        Args:
            indices: Which; all by default.
        """
        return self._part.centre + self.vertices[indices] @ self._part.axes.T

    def local(self, points: np.ndarray) -> np.ndarray:
        """Return world points (..., 3) in the part's own axes about its centre."""
        return np.asarray((points - self._part.centre) @ self._part.axes)

    def change(self, indices: np.ndarray, before: np.ndarray) -> SculptChange:
        """Return what changed since some vertices (N,) were at `before` (N, 3), in the part's own axes."""
        return SculptChange(indices, before / self._part.size, self.vertices[indices] / self._part.size)


class Stroke:
    """One stroke of a brush, from press to release."""

    def __init__(self, mesh: SculptMesh, brush: Brush, point: np.ndarray) -> None:
        """Press the brush on the surface; all but a grab leave a first dab.

        Args:
            mesh: What is sculpted.
            brush: With what.
            point: (3,) world, where.
        """
        self._mesh = mesh
        self._brush = brush
        self._start = self._last = mesh.local(np.asarray(point, dtype=np.float64))
        self._original = mesh.vertices.copy()
        self._touched = np.zeros(len(mesh.vertices), dtype=bool)
        signs = [(1.0, -1.0) if across else (1.0,) for across in brush.symmetry]
        self._images = [np.array(image) for image in product(*signs)]
        # A grab holds what it took hold of.
        self._held = self._weights(self._start) if brush.kind == "grab" else None
        if self._held is None:
            self._dab(self._start)

    def step(self, point: np.ndarray) -> np.ndarray:
        """Move on; dabs come at even distances however often this is called.

        Args:
            point: (3,) world: on the surface, or for a grab wherever the pointer drags it to.

        Returns:
            (N,) indices of all vertices that this stroke has changed so far.
        """
        place = self._mesh.local(np.asarray(point, dtype=np.float64))
        if self._held is not None:
            self._apply(*self._held, [image * (place - self._start) for image in self._images], self._original)
            return self.changed
        spacing = _SPACING * self._brush.radius
        way = place - self._last
        length = float(np.linalg.norm(way))
        count = int(length / spacing)
        if count > _MOST_DABS:
            spacing, count = length / _MOST_DABS, _MOST_DABS
        for _ in range(count):
            self._last = self._last + way / length * spacing
            self._dab(self._last)
        return self.changed

    @property
    def changed(self) -> np.ndarray:
        """(N,) indices of the vertices that this stroke has changed."""
        return np.flatnonzero(self._touched)

    def finish(self) -> SculptChange:
        """Release the brush.

        Returns:
            What the stroke did.
        """
        return self._mesh.change(self.changed, self._original[self.changed])

    def cancel(self) -> None:
        """Take everything back."""
        self._mesh.vertices[:] = self._original
        self._touched[:] = False

    def _weights(self, place: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
        """Vertices (N,) that a dab reaches, and for every image of it their weights (N,)."""
        ways = (self._mesh.vertices - image * place for image in self._images)
        squares = [np.einsum("ij,ij->i", way, way) for way in ways]
        reached = np.flatnonzero(np.min(squares, axis=0) < self._brush.radius**2)
        distances = [np.sqrt(square[reached]) / self._brush.radius for square in squares]
        return reached, [_falloff(np.minimum(distance, 1.0), self._brush.falloff) for distance in distances]

    def _dab(self, place: np.ndarray) -> None:
        reached, weights = self._weights(place)
        if len(reached) == 0:
            return
        brush, topology, vertices = self._brush, self._mesh.topology, self._mesh.vertices
        here = vertices[reached]
        sign = -1.0 if brush.invert else 1.0
        offsets: list[np.ndarray] = []
        if brush.kind == "smooth":
            reach = -_SHARPEN if brush.invert else _SMOOTH
            offset = brush.strength * reach * (topology.means(vertices, reached) - here)
            offsets = [offset] * len(weights)
        else:
            normals = topology.normals(vertices, reached)
            for image, weight in zip(self._images, weights, strict=True):
                if brush.kind == "inflate":
                    offset = sign * _INFLATE * brush.radius * normals
                else:
                    across = (weight[:, None] * normals).sum(axis=0)
                    across = across / max(float(np.linalg.norm(across)), 1e-20)
                    if brush.kind == "flatten":
                        middle = (weight[:, None] * here).sum(axis=0) / max(float(weight.sum()), 1e-20)
                        offset = -sign * _FLATTEN * ((here - middle) @ across)[:, None] * across
                    else:
                        inward = image * place - here
                        offset = sign * _PINCH * (inward - (inward @ across)[:, None] * across)
                offsets.append(brush.strength * offset)
        self._apply(reached, weights, offsets, vertices)

    def _apply(
        self, reached: np.ndarray, weights: list[np.ndarray], offsets: list[np.ndarray], base: np.ndarray
    ) -> None:
        # Where images of the brush overlap they share: on the plane of symmetry a drag across it cancels, and one along
        # it is not doubled.
        total = np.maximum(np.sum(weights, axis=0), 1e-20)
        mixed = sum(weight[:, None] * offset for weight, offset in zip(weights, offsets, strict=True))
        self._mesh.vertices[reached] = base[reached] + mixed * (np.max(weights, axis=0) / total)[:, None]
        self._touched[reached] = True


def _falloff(distance: np.ndarray, kind: Falloff) -> np.ndarray:
    """Weights for distances as shares of the radius, 1 in the middle."""
    rest = 1.0 - distance
    if kind == "smooth":
        return np.asarray(rest * rest * (3.0 - 2.0 * rest))
    if kind == "sphere":
        return np.sqrt(np.maximum(1.0 - distance * distance, 0.0))
    if kind == "sharp":
        return np.asarray(rest * rest)
    return np.asarray(rest if kind == "linear" else (distance < 1.0).astype(np.float64))
