"""Light baked into colours: soft key light, ambient light with occlusion, light thrown back by the floor.

Occlusion is found by splatting a mesh's vertices into one small depth grid per direction: no ray casting, and some tens
of milliseconds for 30,000 vertices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter, zoom

from qnerf_core.authoring.mesh import SurfaceMesh, smoothed, vertex_normals
from qnerf_core.authoring.room import TEXTURE_SIZE, Room
from qnerf_core.scene.directions import evenly_spread

_CELL = 0.03
_OFFSET = 0.03
_BIAS = 0.02
_AMBIENT_DIRECTIONS = 32
_KEY_DIRECTIONS = 6
_KEY_SPREAD = 0.16
_WRAP = 0.2
_GAMMA = 2.2
_SHADOW_SIZE = TEXTURE_SIZE // 2
_SHADOW_DIRECTIONS = 10


def _around(direction: np.ndarray, count: int) -> np.ndarray:
    """(count, 3) unit vectors in a cone about a unit vector."""
    across = np.cross(direction, [0.3, -0.5, 0.8])
    across /= np.linalg.norm(across)
    index = np.arange(count) + 0.5
    radius, angle = _KEY_SPREAD * np.sqrt(index / count), np.pi * (1 + 5**0.5) * index
    ring = np.cos(angle)[:, None] * across + np.sin(angle)[:, None] * np.cross(direction, across)
    vectors = direction + radius[:, None] * ring
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def visibility(points: np.ndarray, normals: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """(V, K) bool: whether the way from a surface point in a direction is free of the other points.

    Args:
        points: (V, 3), no farther apart than about 3 cm.
        normals: (V, 3) unit.
        directions: (K, 3) unit.
    """
    first = np.cross(directions, [0.36, 0.48, 0.8])
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    axes = np.concatenate([first, np.cross(directions, first), directions]).T.astype(np.float32)
    own = points.astype(np.float32) @ axes
    raised = own + (_OFFSET * normals.astype(np.float32)) @ axes
    count = len(directions)
    low = own[:, : 2 * count].min(0) - 2 * _OFFSET
    size = int((own[:, : 2 * count].max(0) - low).max() / _CELL) + 4
    plane = np.arange(count, dtype=np.int32) * size**2

    def cells(place: np.ndarray) -> np.ndarray:
        at = ((place[:, : 2 * count] - low) * np.float32(1 / _CELL)).astype(np.int32)
        return plane + at[:, :count] * size + at[:, count:]

    nearest = np.full(count * size**2, -np.inf, dtype=np.float32)
    np.maximum.at(nearest, cells(own).ravel(), own[:, 2 * count :].ravel())
    return raised[:, 2 * count :] > nearest[cells(raised)] - _BIAS


@dataclass(frozen=True, eq=False)
class Light:
    """The light of a room, from a few directions.

    Attributes:
        directions: (K, 3) unit vectors of the ambient light.
        radiance: (K, 3) its colours, linear.
        key_directions: (J, 3).
        key: (3,) colour of the key light.
    """

    directions: np.ndarray
    radiance: np.ndarray
    key_directions: np.ndarray
    key: np.ndarray

    @classmethod
    def of(cls, room: Room) -> Light:
        """What a room's walls, ceiling, floor and lamp send to its middle."""
        directions = evenly_spread(_AMBIENT_DIRECTIONS)
        floor = (room.floor.mean((0, 1)) ** _GAMMA) * 0.8
        wall = np.mean([texture.mean((0, 1)) for texture in room.walls], axis=0) ** _GAMMA
        wall = 0.55 + 0.45 * wall
        up = np.clip(directions[:, 2:], 0, 1)
        radiance = np.where(directions[:, 2:] < 0, floor, wall * (1 - up) + 1.15 * up)
        # Light comes rather from the key's side, since the walls there are lit too.
        toward = 1 + 0.35 * directions @ (room.light * [1, 1, 0])
        return cls(
            directions,
            room.ambient * radiance * toward[:, None],
            _around(room.light, _KEY_DIRECTIONS),
            (1.55 - room.ambient) * np.array([1.0, 0.97, 0.92]),
        )


def lit_colours(mesh: SurfaceMesh, light: Light) -> np.ndarray:
    """(V, 3) colours of a mesh as displayed, 0 to 1, in a light; it stands on the floor z = 0."""
    points, normals = mesh.vertices, vertex_normals(mesh.vertices, mesh.faces)
    free = visibility(points, normals, np.concatenate([light.directions, light.key_directions]))
    ambient_free, key_free = np.split(free, [len(light.directions)], axis=1)
    facing = np.clip(normals.astype(np.float32) @ light.directions.T.astype(np.float32), 0, None) * ambient_free
    # Near the floor, the object's own shadow lies on it.
    below = light.directions[:, 2] < 0
    under = 1 - 0.75 * np.exp(-np.clip(points[:, 2:], 0, None) / 0.25)
    facing[:, below] *= under
    ambient = facing @ light.radiance * (4 / len(light.directions))
    key_facing = np.clip((normals @ light.key_directions.T + _WRAP) / (1 + _WRAP), 0, None)
    key = (key_facing * key_free).mean(1, keepdims=True)
    shine = ((key_facing**24) * key_free).mean(1, keepdims=True)
    received = smoothed(np.concatenate([ambient, key, shine], 1), mesh.faces, 2)
    ambient, key, shine = received[:, :3], received[:, 3:4], received[:, 4:]
    albedo = np.clip(mesh.albedo, 0, 1) ** _GAMMA
    colour = albedo * (ambient + key * light.key) + 0.5 * mesh.gloss[:, None] * shine * light.key
    colour = colour * (1 - mesh.glow[:, None]) + mesh.glow[:, None] * albedo**0.5 * [1.1, 1.02, 0.85]
    # A soft shoulder instead of clipping.
    bright = np.clip(colour - 0.75, 0, None)
    colour = np.minimum(colour, 0.75) + 0.25 * (1 - np.exp(-bright / 0.25))
    return np.clip(colour, 0, 1) ** (1 / _GAMMA)


def shadowed_floor(room: Room, vertices: np.ndarray) -> np.ndarray:
    """The floor's texture (S, S, 3) with the soft shadow of a mesh, sharper where the mesh is near."""
    ambient = evenly_spread(2 * _SHADOW_DIRECTIONS + 8)
    ambient = ambient[ambient[:, 2] > 0.25]
    ambient_weight = ambient[:, 2] / ambient[:, 2].sum()
    key = _around(room.light, _SHADOW_DIRECTIONS)
    key_strength = (1.55 - room.ambient) * room.light[2]
    lost = room.ambient * gaussian_filter(_cover(room, vertices, ambient, ambient_weight), 1.8, truncate=2.5)
    weight = np.full(len(key), 1 / len(key))
    lost += key_strength * np.clip(gaussian_filter(_cover(room, vertices, key, weight), 0.9), 0, 1)
    share = 1 - 0.92 * np.clip(lost / (room.ambient + key_strength), 0, 1)
    return room.floor * zoom(share ** (1 / _GAMMA), TEXTURE_SIZE // _SHADOW_SIZE, order=1)[..., None]


def _cover(room: Room, vertices: np.ndarray, directions: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(S', S') share of the light from the directions that a mesh keeps from the floor."""
    slope = (directions[:, :2] / directions[:, 2:]).astype(np.float32)
    points = vertices.astype(np.float32)
    landing = points[:, None, :2] - np.clip(points[:, None, 2:], 0, None) * slope
    cell = ((landing + np.float32(room.half_size)) * np.float32(_SHADOW_SIZE / (2 * room.half_size))).astype(np.int32)
    inside = ((cell >= 0) & (cell < _SHADOW_SIZE)).all(-1)
    plane = np.broadcast_to(np.arange(len(directions), dtype=np.int32) * _SHADOW_SIZE**2, inside.shape)
    # Texture rows run from +y down to -y, as images do.
    flat = plane + (_SHADOW_SIZE - 1 - cell[..., 1]) * _SHADOW_SIZE + cell[..., 0]
    covered = np.zeros(len(directions) * _SHADOW_SIZE**2, dtype=np.float32)
    covered[flat[inside]] = 1.0
    return np.tensordot(weights, covered.reshape(len(directions), _SHADOW_SIZE, _SHADOW_SIZE), 1)
