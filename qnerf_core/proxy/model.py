"""The proxy: named parts with a place, a rotation and a size, in groups; every change gives a new one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, Literal, cast, get_args

import numpy as np
from scipy.spatial.transform import Rotation

from qnerf_core.proxy import solids
from qnerf_core.proxy.blobs import blob_mesh, joined
from qnerf_core.proxy.solids import Mesh

PartKind = Literal["box", "ellipsoid", "capsule", "cylinder", "blob", "mesh"]

SMALLEST = 1e-4
"""No part is thinner than this, metres: its unit frame must be invertible."""


@dataclass(frozen=True, eq=False)
class ProxyPart:
    """One solid. Its unit frame is the cube from -0.5 to 0.5: world = centre + rotation (size * unit).

    Attributes:
        name: Unique in its proxy.
        kind: A capsule and a cylinder stand along their own z; a blob is an ellipsoid that flows together with the
            proxy's other blobs.
        centre: (3,) world, metres.
        rotation: (3,) axis-angle, radians, own axes to world.
        size: (3,) full extents along the own axes, metres.
        group: Name of the group it belongs to, empty for none.
        vertices: (V, 3) of a mesh, in the unit frame (sculpting may leave the cube); None for other kinds.
        faces: (F, 3) of a mesh, counter-clockwise seen from outside; None for other kinds.
    """

    name: str
    kind: PartKind
    centre: np.ndarray
    rotation: np.ndarray
    size: np.ndarray
    group: str = ""
    vertices: np.ndarray | None = None
    faces: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.kind not in get_args(PartKind):
            raise ValueError(f"unknown kind of part {self.kind!r}")
        for field in ("centre", "rotation", "size"):
            array = np.array(getattr(self, field), dtype=np.float64)
            if array.shape != (3,) or not np.isfinite(array).all():
                raise ValueError(f"the {field} of {self.name!r} should be three finite numbers")
            self._keep(field, np.maximum(array, SMALLEST) if field == "size" else array)
        if (self.kind == "mesh") != (self.vertices is not None and self.faces is not None):
            raise ValueError(f"{self.name!r}: a mesh, and nothing else, has vertices and faces")
        if self.vertices is None or self.faces is None:
            return
        vertices, faces = _unshared(self.vertices, np.float64), _unshared(self.faces, np.int64)
        if vertices.ndim != 2 or vertices.shape[1] != 3 or faces.ndim != 2 or faces.shape[1] != 3:
            raise ValueError(f"{self.name!r}: vertices should be (V, 3), faces (F, 3)")
        if not np.isfinite(vertices).all() or (faces.size and (faces.min() < 0 or faces.max() >= len(vertices))):
            raise ValueError(f"{self.name!r}: a vertex is not finite, or a face names one that does not exist")
        self._keep("vertices", vertices)
        self._keep("faces", faces)

    def _keep(self, field: str, array: np.ndarray) -> None:
        array.flags.writeable = False
        object.__setattr__(self, field, array)

    @cached_property
    def axes(self) -> np.ndarray:
        """(3, 3) rotation whose columns are the own axes in the world."""
        return cast(np.ndarray, Rotation.from_rotvec(np.array(self.rotation)).as_matrix())

    def to_world(self, points: np.ndarray) -> np.ndarray:
        """Return points (N, 3) of the unit frame in the world, metres."""
        return self.centre + (points * self.size) @ self.axes.T

    def to_unit(self, points: np.ndarray) -> np.ndarray:
        """Return world points (N, 3) in the unit frame."""
        return ((points - self.centre) @ self.axes) / self.size

    @cached_property
    def mesh(self) -> Mesh:
        """Its own surface in the world: vertices (V, 3) in metres and faces (F, 3)."""
        if self.vertices is not None and self.faces is not None:
            vertices, faces = self.vertices, self.faces
        elif self.kind == "capsule":
            vertices, faces = solids.capsule(self.size)
        elif self.kind == "box":
            vertices, faces = solids.box()
        else:
            vertices, faces = solids.cylinder() if self.kind == "cylinder" else solids.ellipsoid()
        return self.to_world(vertices), faces

    def has_faces_of(self, other: ProxyPart) -> bool:
        """Return whether both are meshes that differ in their vertices' places only."""
        return self.faces is not None and other.faces is not None and np.array_equal(self.faces, other.faces)

    def replaced(self, **changes: Any) -> ProxyPart:
        """Return it with other attributes."""
        return replace(self, **changes)

    def moved(self, offset: np.ndarray) -> ProxyPart:
        """Return it moved by (3,) metres of the world."""
        return self.replaced(centre=self.centre + offset)

    def rotated(self, rotation: np.ndarray, pivot: np.ndarray | None = None) -> ProxyPart:
        """Return it turned by an axis-angle (3,) of the world, radians, about a point (its centre)."""
        turn = Rotation.from_rotvec(np.array(rotation))
        pivot = self.centre if pivot is None else np.asarray(pivot)
        composed = (turn * Rotation.from_rotvec(np.array(self.rotation))).as_rotvec()
        return self.replaced(centre=pivot + turn.apply(self.centre - pivot), rotation=composed)

    def scaled(self, factors: np.ndarray, pivot: np.ndarray | None = None, *, along_own: bool = True) -> ProxyPart:
        """Return it scaled about a point.

        Args:
            factors: (3,), along its own axes or the world's.
            pivot: (3,) world, metres; None for its centre.
            along_own: Along its own axes, which is exact. Along the world's, a part that is not aligned with them
                would have to be sheared: instead it keeps its angles, and each extent grows as a line along it does.
        """
        factors = np.abs(np.asarray(factors, dtype=np.float64))
        offset = np.zeros(3) if pivot is None else self.centre - pivot
        if along_own:
            size, offset_after = self.size * factors, self.axes @ (factors * (self.axes.T @ offset))
        else:
            size = self.size * np.linalg.norm(factors[:, None] * self.axes, axis=0)
            offset_after = factors * offset
        return self.replaced(size=size, centre=self.centre - offset + offset_after)


@dataclass(frozen=True, eq=False)
class DepthProxy:
    """All parts of a subject's proxy.

    Attributes:
        parts: With different names.
        blend: Distance over which blobs flow together, metres.
    """

    parts: tuple[ProxyPart, ...] = ()
    blend: float = 0.05

    def __post_init__(self) -> None:
        if len({part.name for part in self.parts}) < len(self.parts):
            raise ValueError("two parts of a proxy have the same name")
        if not (np.isfinite(self.blend) and self.blend >= 0):
            raise ValueError("blend should be a finite number, zero or more")

    @property
    def names(self) -> tuple[str, ...]:
        """Of all parts, in order."""
        return tuple(part.name for part in self.parts)

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of all groups, in the order of their first parts."""
        return tuple(dict.fromkeys(part.group for part in self.parts if part.group))

    def members(self, group: str) -> tuple[str, ...]:
        """Return the names of a group's parts."""
        return tuple(part.name for part in self.parts if part.group == group)

    def part(self, name: str) -> ProxyPart:
        """Return the part of that name.

        Raises:
            KeyError: There is none.
        """
        for part in self.parts:
            if part.name == name:
                return part
        raise KeyError(name)

    def free_name(self, wanted: str) -> str:
        """Return the name, with a number behind it if it is taken."""
        numbered = (wanted if number == 1 else f"{wanted} {number}" for number in range(1, len(self.parts) + 2))
        return next(name for name in numbered if name not in self.names)

    def mesh(self, blob_resolution: int = 64) -> Mesh:
        """Return the surface of all parts in the world; solids may run through each other.

        Args:
            blob_resolution: Cells along the longest side of all blobs.

        Returns:
            Vertices (V, 3), metres, and faces (F, 3).
        """
        blobs = tuple(part for part in self.parts if part.kind == "blob")
        meshes = [part.mesh for part in self.parts if part.kind != "blob"]
        if blobs:
            meshes.append(_blobs(blobs, self.blend, blob_resolution))
        return joined(meshes)

    def box(self, names: Iterable[str] | None = None) -> np.ndarray:
        """Return the box (2, 3) around parts, world, metres; zeros if there are none.

        Args:
            names: Which; None for all.
        """
        chosen = set(self.names if names is None else names)
        vertices = joined([part.mesh for part in self.parts if part.name in chosen])[0]
        return np.stack([vertices.min(axis=0), vertices.max(axis=0)]) if len(vertices) else np.zeros((2, 3))

    def with_part(self, part: ProxyPart) -> DepthProxy:
        """Return it with one more part, or with the part of the same name replaced."""
        if part.name not in self.names:
            return replace(self, parts=(*self.parts, part))
        return replace(self, parts=tuple(part if old.name == part.name else old for old in self.parts))

    def without(self, names: Iterable[str]) -> DepthProxy:
        """Return it without some parts."""
        gone = set(names)
        return replace(self, parts=tuple(part for part in self.parts if part.name not in gone))

    def grouped(self, names: Iterable[str], group: str) -> DepthProxy:
        """Return it with some parts put into a group, or taken out of theirs by the empty name."""
        return self._changed(names, lambda part: part.replaced(group=group))

    def moved(self, names: Iterable[str] | None, offset: np.ndarray) -> DepthProxy:
        """Return it with parts (None: all) moved by (3,) metres."""
        return self._changed(names, lambda part: part.moved(offset))

    def rotated(self, names: Iterable[str] | None, rotation: np.ndarray, pivot: np.ndarray | None = None) -> DepthProxy:
        """Return it with parts (None: all) turned together by an axis-angle (3,) about a point (their box's middle)."""
        names = self._chosen(names)
        pivot = self._pivot(names) if pivot is None else pivot
        return self._changed(names, lambda part: part.rotated(rotation, pivot))

    def scaled(self, names: Iterable[str] | None, factors: np.ndarray, pivot: np.ndarray | None = None) -> DepthProxy:
        """Return it with parts (None: all) scaled about a point (their box's middle).

        One part is scaled along its own axes, several along the world's (see `ProxyPart.scaled`).

        Args:
            names: Which.
            factors: (3,).
            pivot: (3,) world, metres.
        """
        names = self._chosen(names)
        pivot = self._pivot(names) if pivot is None else pivot
        return self._changed(names, lambda part: part.scaled(factors, pivot, along_own=len(names) == 1))

    def _chosen(self, names: Iterable[str] | None) -> tuple[str, ...]:
        return self.names if names is None else tuple(names)

    def _pivot(self, names: tuple[str, ...]) -> np.ndarray:
        if len(names) == 1:
            return self.part(names[0]).centre
        return cast(np.ndarray, self.box(names).mean(axis=0))

    def _changed(self, names: Iterable[str] | None, change: Any) -> DepthProxy:
        chosen = set(self._chosen(names))
        return replace(self, parts=tuple(change(part) if part.name in chosen else part for part in self.parts))


def mesh_part(name: str, vertices: np.ndarray, faces: np.ndarray, group: str = "") -> ProxyPart:
    """Make a part of a mesh in the world.

    Args:
        name: Of the part.
        vertices: (V, 3) world, metres; at least one.
        faces: (F, 3), counter-clockwise seen from outside.
        group: Of the part.
    """
    lower, upper = vertices.min(axis=0), vertices.max(axis=0)
    centre, size = 0.5 * (lower + upper), np.maximum(upper - lower, SMALLEST)
    return ProxyPart(name, "mesh", centre, np.zeros(3), size, group, (vertices - centre) / size, faces)


def _unshared(values: np.ndarray, dtype: type) -> np.ndarray:
    # What is read-only is a part's already: sculpting keeps the faces, and what is known of them.
    if isinstance(values, np.ndarray) and values.dtype == dtype and not values.flags.writeable:
        return values
    return np.array(values, dtype=dtype)


# While one part is dragged the blobs stand still: their mesh is made once. Parts are known by identity.
@lru_cache(maxsize=4)
def _blobs(parts: tuple[ProxyPart, ...], blend: float, resolution: int) -> Mesh:
    centres, axes, sizes = (np.stack([getattr(part, field) for part in parts]) for field in ("centre", "axes", "size"))
    return blob_mesh(centres, axes, sizes, blend, resolution)
