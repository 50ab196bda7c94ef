from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache

import numpy as np
import pyvista as pv
from scipy import sparse
from vtkmodules.vtkCommonMath import vtkMatrix4x4
from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper, vtkRenderer

from app.viewport.figure import vertex_normals
from qnerf_core.proxy import solids
from qnerf_core.proxy.model import DepthProxy, ProxyPart
from qnerf_core.proxy.solids import Mesh

_BLOBS = "\0blobs"
_SHARP_DEGREES = 40.0
_SHARP = ("box", "cylinder")
Rgb = tuple[float, float, float]


class _Shape:
    """One surface. Its place, turn and size are a matrix, so that moving it uploads nothing."""

    def __init__(self, renderer: vtkRenderer) -> None:
        self._renderer = renderer
        self._mesh = pv.PolyData()
        self._faces: np.ndarray | None = None
        self._incidence: sparse.csr_matrix | None = None
        self._vertices: np.ndarray | None = None
        self._key: object = None
        self._mapper = vtkPolyDataMapper()
        self._mapper.ScalarVisibilityOff()
        self._actor = vtkActor()
        self._actor.SetMapper(self._mapper)
        surface = self._actor.GetProperty()
        surface.BackfaceCullingOn()
        surface.SetAmbient(0.25)
        surface.SetDiffuse(0.82)
        surface.SetSpecular(0.05)
        surface.SetSpecularPower(12.0)
        renderer.AddActor(self._actor)
        self._edges = _line_actor()
        renderer.AddActor(self._edges)

    @property
    def triangles(self) -> int:
        return self._mesh.n_cells if self._actor.GetVisibility() else 0

    def show(self, part: ProxyPart) -> None:
        if part.kind in _SHARP:
            if self._key != part.kind:
                self._take(*_sharp(part.kind), part.kind)
        else:
            self.show_surface(*_unit_surface(part))
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = part.axes * part.size, part.centre
        kept = vtkMatrix4x4()
        kept.DeepCopy(matrix.ravel().tolist())
        self._actor.SetUserMatrix(kept)
        self._edges.SetUserMatrix(kept)

    def show_surface(self, vertices: np.ndarray, faces: np.ndarray, *, live: bool = False) -> None:
        """Points are replaced in place while the faces are the same; `live` vertices may have changed themselves."""
        if faces is not self._faces and not (self._faces is not None and np.array_equal(faces, self._faces)):
            self._mesh = pv.PolyData.from_regular_faces(np.zeros((len(vertices), 3), dtype=np.float32), faces)
            corners = (np.ones(faces.size, dtype=np.float32), (faces.ravel(), np.repeat(np.arange(len(faces)), 3)))
            self._incidence = sparse.csr_matrix(corners, shape=(len(vertices), len(faces)))
            self._mesh.point_data.active_normals = np.zeros((len(vertices), 3), dtype=np.float32)
            self._mapper.SetInputData(self._mesh)
            self._vertices = self._key = None
        self._faces = faces
        if live or vertices is not self._vertices:
            self._vertices = vertices
            assert self._incidence is not None
            self._mesh.points[:] = vertices
            normals = self._mesh.GetPointData().GetNormals()
            self._mesh.point_data.active_normals[:] = vertex_normals(vertices, faces, self._incidence)
            normals.Modified()
            self._mesh.GetPoints().Modified()

    def _take(self, mesh: pv.PolyData, edges: pv.PolyData, key: object) -> None:
        self._mesh, self._key = mesh, key
        self._faces = self._incidence = self._vertices = None
        self._mapper.SetInputData(mesh)
        self._edges.GetMapper().SetInputData(edges)

    def set_visible(self, visible: bool) -> None:
        self._actor.SetVisibility(visible)
        self._edges.SetVisibility(visible and self._key is not None)

    def dress(self, rgb: Rgb, edge: Rgb, opacity: float) -> None:
        for actor, colour in ((self._actor, rgb), (self._edges, edge)):
            actor.GetProperty().SetColor(*colour)
            actor.GetProperty().SetOpacity(opacity)

    def recede(self) -> None:
        self._mapper.SetResolveCoincidentTopologyToPolygonOffset()
        self._mapper.SetRelativeCoincidentTopologyPolygonOffsetParameters(2.0, 600.0)

    def remove(self) -> None:
        self._renderer.RemoveActor(self._actor)
        self._renderer.RemoveActor(self._edges)


class ProxyFigures:
    """The parts of a proxy, one surface each; the blobs, which flow together, have one."""

    def __init__(self, renderer: vtkRenderer, *, recedes: bool = False) -> None:
        self._renderer, self._recedes = renderer, recedes
        self._shapes: dict[str, _Shape] = {}
        self._shown: dict[str, object] = {}

    @property
    def triangles(self) -> int:
        return sum(shape.triangles for shape in self._shapes.values())

    def show(self, proxy: DepthProxy, live: Mapping[str, np.ndarray], blob_cells: int) -> None:
        """Brings the shapes to the proxy's parts; `live` are unit vertices of meshes that a brush is changing."""
        blobs = proxy.without(part.name for part in proxy.parts if part.kind != "blob")
        parts = {part.name: part for part in proxy.parts if part.kind != "blob"}
        for name in self._shapes.keys() - parts.keys() - ({_BLOBS} if blobs.parts else set()):
            self._shapes.pop(name).remove()
            del self._shown[name]
        for name, part in parts.items():
            if name in live:
                assert part.faces is not None
                self._shape(name).show_surface(live[name], part.faces, live=True)
                self._shown[name] = None
            elif self._shown.get(name) is not part:
                self._shape(name).show(part)
                self._shown[name] = part
        if blobs.parts:
            key = (blobs.parts, blobs.blend, blob_cells)
            if self._shown.get(_BLOBS) != key:
                self._shape(_BLOBS).show_surface(*blobs.mesh(blob_cells))
                self._shown[_BLOBS] = key

    def dress(self, plain: Rgb, chosen: Rgb, edge: Rgb, selected: Collection[str], opacity: float) -> None:
        for name, shape in self._shapes.items():
            shape.dress(chosen if name in selected else plain, edge, opacity)

    def set_visible(self, visible: bool) -> None:
        for shape in self._shapes.values():
            shape.set_visible(visible)

    def _shape(self, name: str) -> _Shape:
        if name not in self._shapes:
            self._shapes[name] = _Shape(self._renderer)
            if self._recedes:
                self._shapes[name].recede()
        return self._shapes[name]


def _unit_surface(part: ProxyPart) -> Mesh:
    if part.vertices is not None and part.faces is not None:
        return part.vertices, part.faces
    return solids.capsule(part.size) if part.kind == "capsule" else _ball()


@lru_cache(maxsize=1)
def _ball() -> Mesh:
    return solids.ellipsoid()


@lru_cache(maxsize=2)
def _sharp(kind: str) -> tuple[pv.PolyData, pv.PolyData]:
    """A unit solid with sharp edges, and these edges as lines."""
    vertices, faces = solids.box() if kind == "box" else solids.cylinder()
    mesh = pv.PolyData.from_regular_faces(vertices.astype(np.float32), faces)
    surface = mesh.compute_normals(
        cell_normals=False,
        split_vertices=True,
        feature_angle=_SHARP_DEGREES,
        consistent_normals=False,
        auto_orient_normals=False,
    )
    return surface, mesh.extract_feature_edges(feature_angle=_SHARP_DEGREES)


def _line_actor() -> vtkActor:
    mapper = vtkPolyDataMapper()
    mapper.ScalarVisibilityOff()
    # Lines lie on the surface that they are the edges of.
    mapper.SetResolveCoincidentTopologyToPolygonOffset()
    mapper.SetRelativeCoincidentTopologyLineOffsetParameters(-1.0, -24.0)
    actor = vtkActor()
    actor.SetMapper(mapper)
    actor.GetProperty().LightingOff()
    actor.GetProperty().SetLineWidth(1.4)
    return actor
