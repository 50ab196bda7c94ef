from __future__ import annotations

import numpy as np
import pyvista as pv
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkUnsignedCharArray
from vtkmodules.vtkCommonMath import vtkMatrix4x4

from app.viewport.figure import Figure
from app.viewport.floor import Floor
from app.viewport.frusta import Frusta
from app.viewport.look import Look
from app.viewport.proxy_figures import ProxyFigures
from app.viewport.view_camera import projection_matrix
from qnerf_core.scene.camera import Camera


class Stage:
    """The scene in pyvista, drawn off screen into a picture with transparency.

    A picture that Qt paints costs a third of the processor that a QOpenGLWidget takes when no graphics card helps
    (26 against 83 ms a frame of 1280x800), and has no context to lose when a window closes.
    """

    def __init__(self) -> None:
        self._plotter = pv.Plotter(off_screen=True, lighting="none")
        renderer = self._plotter.renderer
        renderer.SetBackground(0.0, 0.0, 0.0)
        renderer.SetBackgroundAlpha(0.0)
        # Order-independent transparency costs full-screen passes that one ghost does not need.
        renderer.SetUseOIT(False)
        renderer.GetCullers().RemoveAllItems()
        for place, strength in (((0.35, 0.6, 1.0), 0.82), ((-0.9, 0.1, 0.5), 0.28)):
            light = pv.Light(position=place, intensity=strength, light_type="camera light")
            self._plotter.add_light(light)
        self._window = self._plotter.render_window
        # Multisampling costs a processor six times a frame; resting pictures are smoothed by `Viewport` instead.
        self._window.SetMultiSamples(0)
        self._window.SetAlphaBitPlanes(1)
        self._window.SwapBuffersOff()
        self._camera = renderer.GetActiveCamera()
        self._pixels = vtkUnsignedCharArray()
        self._size = (1, 1)
        self.floor = Floor(renderer)
        self.frusta = Frusta(renderer)
        self.body = Figure(renderer)
        self.ghost = Figure(renderer)
        self.ghost.recede()
        self.proxy = ProxyFigures(renderer)
        self.proxy_ghost = ProxyFigures(renderer, recedes=True)

    @property
    def triangles(self) -> int:
        return sum(shown.triangles for shown in (self.body, self.ghost, self.proxy, self.proxy_ghost))

    def set_look(self, look: Look) -> None:
        self.floor.set_look(look)
        self.body.set_colour(look.rgb("body"))
        self.ghost.set_colour(look.rgb("ghost"))

    def resize(self, width: int, height: int) -> None:
        self._size = (width, height)
        self._window.SetSize(width, height)

    def set_camera(self, camera: Camera, near: float, far: float) -> None:
        self._camera.SetPosition(camera.position)
        self._camera.SetFocalPoint(camera.position + camera.forward)
        self._camera.SetViewUp(camera.camera_to_world[:3, 1])
        self._camera.SetClippingRange(near, far)
        matrix = vtkMatrix4x4()
        matrix.DeepCopy(projection_matrix(camera, near, far).ravel().tolist())
        self._camera.SetExplicitProjectionTransformMatrix(matrix)
        self._camera.UseExplicitProjectionTransformMatrixOn()

    def render(self) -> np.ndarray:
        """Draws; (H, W, 4) uint8 RGBA with multiplied alpha, upper row first."""
        width, height = self._size
        self._window.Render()
        self._window.GetRGBACharPixelData(0, 0, width - 1, height - 1, 0, self._pixels)
        return np.ascontiguousarray(vtk_to_numpy(self._pixels).reshape(height, width, 4)[::-1])

    def close(self) -> None:
        self._plotter.close()
