from __future__ import annotations

import math

import numpy as np
import pyvista as pv
from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper, vtkRenderer

from app.viewport.look import Look

_CELLS = 20
_STRONG_EVERY = 2


class Floor:
    """A grid that fades with the distance from its middle; x and y have their colours."""

    def __init__(self, renderer: vtkRenderer) -> None:
        self._mapper = vtkPolyDataMapper()
        self._mapper.SetScalarModeToUsePointData()
        self._mapper.SetInputData(pv.PolyData())
        self._actor = vtkActor()
        self._actor.SetMapper(self._mapper)
        surface = self._actor.GetProperty()
        surface.LightingOff()
        renderer.AddActor(self._actor)
        self.spacing = 0.5
        self._height = 0.0
        self._look: Look | None = None

    def place(self, radius: float, height: float) -> None:
        """For a scene of that size, metres: twenty cells to each side, each a half, one or two of a power of ten."""
        decade = 10.0 ** math.floor(math.log10(radius / _CELLS))
        self.spacing = next(decade * step for step in (1.0, 2.0, 5.0, 10.0) if decade * step * _CELLS >= radius)
        self._height = height
        self._rebuild()

    def set_look(self, look: Look) -> None:
        self._look = look
        self._rebuild()

    def set_visible(self, visible: bool) -> None:
        self._actor.SetVisibility(visible)

    def _rebuild(self) -> None:
        if self._look is None:
            return
        points, colours = grid_lines(self._look)
        places = np.column_stack([points * self.spacing, np.full(len(points), self._height)])
        mesh = pv.PolyData(places.astype(np.float32), lines=line_cells(len(points)))
        mesh.point_data.set_array(colours, "colours")
        mesh.point_data.active_scalars_name = "colours"
        self._mapper.SetInputData(mesh)


def line_cells(count: int) -> np.ndarray:
    """VTK's cells for points that are the two ends of lines, one after the other."""
    ends = np.arange(count).reshape(-1, 2)
    return np.column_stack([np.full(len(ends), 2), ends]).ravel()


def grid_lines(look: Look) -> tuple[np.ndarray, np.ndarray]:
    """Ends (2n, 2) in cells of the pieces of all lines, and their colours (2n, 4) uint8 with alpha."""
    steps = np.arange(-_CELLS, _CELLS + 1, dtype=np.float64)
    where, start = (axis.ravel() for axis in np.meshgrid(steps, steps[:-1], indexing="ij"))
    along = np.stack([np.stack([start, where], axis=1), np.stack([start + 1, where], axis=1)], axis=1)
    colours = np.empty((len(where), 4))
    colours[:] = (*look.rgb8("grid"), 0.45)
    colours[where % _STRONG_EVERY == 0] = (*look.rgb8("grid_strong"), 0.6)
    x_lines, y_lines = colours.copy(), colours.copy()
    x_lines[where == 0] = (*look.rgb8("axis_x"), 0.9)
    y_lines[where == 0] = (*look.rgb8("axis_y"), 0.9)
    ends = np.concatenate([along, along[..., ::-1]]).reshape(-1, 2)
    rgba = np.repeat(np.concatenate([x_lines, y_lines]), 2, axis=0)
    fade = np.clip(1.0 - np.linalg.norm(ends, axis=1) / _CELLS, 0.0, 1.0)
    rgba[:, 3] *= 255.0 * fade
    seen = (rgba[:, 3].reshape(-1, 2) > 1.0).any(axis=1).repeat(2)
    return ends[seen], rgba[seen].round().astype(np.uint8)
