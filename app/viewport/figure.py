from __future__ import annotations

import numpy as np
import pyvista as pv
from scipy import sparse
from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper, vtkRenderer


class Figure:
    """A body's surface: the mesh is made once, points and normals are replaced in place."""

    def __init__(self, renderer: vtkRenderer) -> None:
        self._mesh = pv.PolyData()
        self._incidence: sparse.csr_matrix | None = None
        self._faces = np.empty((0, 3), dtype=np.int64)
        self._mapper = vtkPolyDataMapper()
        self._mapper.ScalarVisibilityOff()
        self._mapper.SetInputData(self._mesh)
        self._actor = vtkActor()
        self._actor.SetMapper(self._mapper)
        self._actor.VisibilityOff()
        surface = self._actor.GetProperty()
        # Half of the time of a frame on a processor; the inside of a body is never seen.
        surface.BackfaceCullingOn()
        surface.SetAmbient(0.22)
        surface.SetDiffuse(0.85)
        surface.SetSpecular(0.06)
        surface.SetSpecularPower(12.0)
        renderer.AddActor(self._actor)

    @property
    def triangles(self) -> int:
        return len(self._faces) if self._actor.GetVisibility() else 0

    def set_faces(self, faces: np.ndarray, vertex_count: int) -> None:
        self._faces = faces
        self._mesh = pv.PolyData.from_regular_faces(np.zeros((vertex_count, 3), dtype=np.float32), faces)
        corners = (np.ones(faces.size, dtype=np.float32), (faces.ravel(), np.repeat(np.arange(len(faces)), 3)))
        self._incidence = sparse.csr_matrix(corners, shape=(vertex_count, len(faces)))
        self._mesh.point_data.active_normals = np.zeros((vertex_count, 3), dtype=np.float32)
        self._mapper.SetInputData(self._mesh)

    def set_vertices(self, vertices: np.ndarray) -> None:
        assert self._incidence is not None
        self._mesh.points[:] = vertices
        normals = self._mesh.GetPointData().GetNormals()
        self._mesh.point_data.active_normals[:] = vertex_normals(vertices, self._faces, self._incidence)
        normals.Modified()
        self._mesh.GetPoints().Modified()

    def set_visible(self, visible: bool) -> None:
        self._actor.SetVisibility(visible)

    def set_colour(self, rgb: tuple[float, float, float]) -> None:
        self._actor.GetProperty().SetColor(*rgb)

    def recede(self) -> None:
        """Where this figure coincides with another, the other one is seen."""
        self._mapper.SetResolveCoincidentTopologyToPolygonOffset()
        self._mapper.SetRelativeCoincidentTopologyPolygonOffsetParameters(2.0, 600.0)

    def set_opacity(self, opacity: float) -> None:
        self._actor.GetProperty().SetOpacity(opacity)


def vertex_normals(vertices: np.ndarray, faces: np.ndarray, incidence: sparse.csr_matrix) -> np.ndarray:
    """Unit normals (V, 3): the sums of the faces' normals, which weigh by area; `incidence` is (V, F)."""
    # One coordinate at a time: contiguous numbers make this four times faster.
    first, second, third = np.ascontiguousarray(faces.T)
    edges = []
    for coordinate in np.ascontiguousarray(vertices.T, dtype=np.float32):
        start = coordinate[first]
        edges.append((coordinate[second] - start, coordinate[third] - start))
    (ax, bx), (ay, by), (az, bz) = edges
    across = np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], axis=1)
    sums = incidence @ across
    sums /= np.sqrt(np.maximum(np.einsum("ij,ij->i", sums, sums), 1e-30))[:, None]
    return sums
