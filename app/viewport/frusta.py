from __future__ import annotations

import math

import numpy as np
import pyvista as pv
from vtkmodules.vtkCommonDataModel import vtkImageData
from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper, vtkRenderer, vtkTexture

from app.viewport.floor import line_cells
from app.viewport.frustum_shapes import EDGES, TILE, FrustumShapes


class Frusta:
    """All cameras of a capture: one mesh of lines, one of pictures with one texture."""

    def __init__(self, renderer: vtkRenderer) -> None:
        self._lines, self._lines_actor = pv.PolyData(), vtkActor()
        self._lines_mapper = vtkPolyDataMapper()
        self._lines_mapper.SetScalarModeToUsePointData()
        self._lines_actor.SetMapper(self._lines_mapper)
        self._lines_actor.GetProperty().LightingOff()
        self._lines_actor.GetProperty().SetLineWidth(1.4)
        self._quads, self._quads_actor = pv.PolyData(), vtkActor()
        self._quads_mapper = vtkPolyDataMapper()
        self._quads_actor.SetMapper(self._quads_mapper)
        self._quads_actor.GetProperty().LightingOff()
        self._texture, self._image = vtkTexture(), vtkImageData()
        self._texture.InterpolateOn()
        self._texture.SetInputData(self._image)
        self._quads_actor.SetTexture(self._texture)
        self._atlas = np.zeros((TILE, TILE, 3), dtype=np.uint8)
        self._columns = 1
        self._count = 0
        self._shapes = np.zeros((0, 8, 3), dtype=np.float32)
        self._hidden = np.zeros(0, dtype=bool)
        for actor in (self._lines_actor, self._quads_actor):
            renderer.AddActor(actor)
        self.set_visible(False)

    def set_shapes(self, shapes: FrustumShapes, empty: tuple[int, int, int]) -> None:
        self._count = count = len(shapes.points)
        if not count:
            return
        self._shapes = shapes.points.astype(np.float32)
        self._hidden = np.zeros(count, dtype=bool)
        points = self._shapes[:, np.array(EDGES)].reshape(-1, 3)
        self._lines = pv.PolyData(points, lines=line_cells(len(points)))
        self._lines.point_data.set_array(np.zeros((len(points), 3), dtype=np.uint8), "colours")
        self._lines.point_data.active_scalars_name = "colours"
        self._lines_mapper.SetInputData(self._lines)
        self._set_quads(self._shapes[:, 1:5])
        self._atlas[:] = empty

    def set_thumbnail(self, index: int, pixels: np.ndarray) -> None:
        """Puts a picture (TILE, TILE, 3) into the atlas; it shows at the next `upload_thumbnails`."""
        row, column = divmod(index, self._columns)
        # VTK's first row is the lowest.
        bottom = self._atlas.shape[0] - row * TILE
        self._atlas[bottom - TILE : bottom, column * TILE : (column + 1) * TILE] = pixels[::-1]

    def upload_thumbnails(self) -> None:
        self._image.GetPointData().GetScalars().Modified()
        self._image.Modified()

    def set_colours(self, colours: np.ndarray) -> None:
        """Colours (V, 3) uint8, one a view."""
        if self._count:
            self._lines.point_data["colours"][:] = np.repeat(colours, 2 * len(EDGES), axis=0)
            self._lines.GetPointData().GetScalars().Modified()
            self._lines.Modified()

    def hide_those(self, hidden: np.ndarray) -> None:
        """Hides some of them, (V,) bool: those in the way."""
        if np.array_equal(hidden, self._hidden):
            return
        self._hidden = hidden
        # One point has no extent, so nothing of it is drawn.
        shown = np.where(hidden[:, None, None], self._shapes[:, :1], self._shapes)
        for mesh, points in ((self._lines, shown[:, np.array(EDGES)]), (self._quads, shown[:, 1:5])):
            mesh.points[:] = points.reshape(-1, 3)
            mesh.GetPoints().Modified()

    def set_visible(self, visible: bool) -> None:
        for actor in (self._lines_actor, self._quads_actor):
            actor.SetVisibility(visible and self._count > 0)

    def _set_quads(self, corners: np.ndarray) -> None:
        count = self._count
        self._columns = math.ceil(math.sqrt(count))
        rows = math.ceil(count / self._columns)
        self._atlas = np.empty((rows * TILE, self._columns * TILE, 3), dtype=np.uint8)
        image = pv.ImageData(dimensions=(self._columns * TILE, rows * TILE, 1))
        image.point_data.set_array(self._atlas.reshape(-1, 3), "pixels")
        image.point_data.active_scalars_name = "pixels"
        self._image = image
        self._texture.SetInputData(image)
        quads = np.column_stack([np.full(count, 4), np.arange(4 * count).reshape(-1, 4)])
        self._quads = pv.PolyData(corners.reshape(-1, 3), faces=quads.ravel())
        self._quads.point_data.active_texture_coordinates = _tile_corners(count, self._columns, rows)
        self._quads_mapper.SetInputData(self._quads)


def _tile_corners(count: int, columns: int, rows: int) -> np.ndarray:
    row, column = np.divmod(np.arange(count), columns)
    # Half a pixel inside, so that neighbours do not bleed in.
    inset = 0.5 / TILE
    left, right = (column + inset) / columns, (column + 1 - inset) / columns
    top, bottom = 1 - (row + inset) / rows, 1 - (row + 1 - inset) / rows
    corners = np.stack([left, top, right, top, right, bottom, left, bottom], axis=1)
    return corners.reshape(-1, 2).astype(np.float32)
