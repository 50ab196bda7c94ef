"""Meshes in and out of proxies: GLB and the other formats that trimesh reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import trimesh

from qnerf_core import files
from qnerf_core.errors import ProxyError
from qnerf_core.proxy.model import DepthProxy, ProxyPart, mesh_part
from qnerf_core.scene.axes import Z_UP_TO_Y_UP

MESH_SUFFIXES = (".glb", ".gltf", ".obj", ".ply", ".stl", ".off")
_Y_UP = {".glb", ".gltf", ".obj"}
_BLOBS = "blobs"
# Beyond this a proxy can no longer be dragged, and a depth picture shows nothing of it.
MOST_FACES = 500_000


def write_proxy_glb(path: Path | str, proxy: DepthProxy) -> None:
    """Write a proxy as binary glTF (y up, metres): one mesh per part, all blobs as one.

    Args:
        path: Ends with `.glb`; replaced atomically.
        proxy: At least one part.

    Raises:
        ProxyError: It has no part.
    """
    if not proxy.parts:
        raise ProxyError(f"Cannot write {path}", "the proxy is empty", "Add a part.")
    solids = [part for part in proxy.parts if part.kind != "blob"]
    meshes = {part.name: part.mesh for part in solids}
    blobs = proxy.without(part.name for part in solids)
    if blobs.parts:
        meshes[proxy.free_name(_BLOBS)] = blobs.mesh()
    scene = trimesh.Scene(
        {name: trimesh.Trimesh(vertices, faces, process=False) for name, (vertices, faces) in meshes.items()}
    )
    scene.apply_transform(Z_UP_TO_Y_UP)
    files.write_bytes(path, scene.export(file_type="glb"))


def read_mesh_parts(path: Path | str, y_up: bool | None = None) -> tuple[ProxyPart, ...]:
    """Read a mesh file as parts, one per mesh in it, in its own place and scale.

    Args:
        path: A file of one of `MESH_SUFFIXES`.
        y_up: Whether its world has y up; None goes by its suffix (glTF and OBJ have y up, PLY, STL and OFF z).

    Raises:
        ProxyError: It cannot be read, holds no triangles, or far too many.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    title = f"Cannot import {path}"
    if suffix not in MESH_SUFFIXES:
        raise ProxyError(title, f"{suffix or 'no suffix'} is not read", f"Use one of {', '.join(MESH_SUFFIXES)}.")
    try:
        scene = trimesh.load_scene(path, process=False)
        meshes = [mesh for mesh in scene.dump() if isinstance(mesh, trimesh.Trimesh) and len(mesh.faces)]
    # trimesh's readers raise whatever their parsing runs into.
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, NotImplementedError) as error:
        raise ProxyError(title, f"it is damaged or not a mesh ({error})", "Choose another file.") from error
    count = sum(len(mesh.faces) for mesh in meshes)
    if not meshes or count > MOST_FACES:
        cause = f"it has {count:,} triangles, at most {MOST_FACES:,} are read" if count else "it holds no triangles"
        raise ProxyError(title, cause, "Choose another file." if not count else "Simplify it first.")
    proxy = DepthProxy()
    turn = np.linalg.inv(Z_UP_TO_Y_UP)[:3, :3] if (suffix in _Y_UP if y_up is None else y_up) else np.eye(3)
    for mesh in meshes:
        name = proxy.free_name(str(mesh.metadata.get("name") or path.stem))
        # Readers split vertices where colours or normals change; a brush would tear the mesh there.
        mesh.merge_vertices(merge_tex=True, merge_norm=True)
        proxy = proxy.with_part(mesh_part(name, np.asarray(mesh.vertices) @ turn.T, np.asarray(mesh.faces)))
    return proxy.parts
