"""Renders subjects in rooms off screen with VTK: picture, mask and depth of a camera."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pyvista as pv

from qnerf_core.authoring.light import Light, lit_colours, shadowed_floor
from qnerf_core.authoring.mesh import SurfaceMesh, joined
from qnerf_core.authoring.room import Room
from qnerf_core.authoring.subject import Staged
from qnerf_core.scene.camera import Camera

_MASK_COLOURS = (1.0, 0.0, 1.0), (0.0, 1.0, 0.0)


@dataclass(frozen=True, eq=False)
class Picture:
    """What a camera sees.

    Attributes:
        image: uint8 (H, W, 3).
        mask: bool (H, W), the subject.
        depth: float32 (H, W), along the viewing axis, metres.
    """

    image: np.ndarray
    mask: np.ndarray
    depth: np.ndarray


def _quad(corners: list[list[float]]) -> pv.PolyData:
    mesh = pv.PolyData(np.array(corners, dtype=np.float32), np.array([4, 0, 1, 2, 3]))
    mesh.active_texture_coordinates = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], dtype=np.float32)
    return mesh


def _texture(image: np.ndarray) -> pv.Texture:
    texture = pv.Texture((np.clip(image, 0, 1) * 255).round().astype(np.uint8))
    texture.SetInterpolate(True)
    texture.MipmapOn()
    return texture


def _coloured(mesh: SurfaceMesh, colours: np.ndarray) -> pv.PolyData:
    surface = pv.PolyData.from_regular_faces(mesh.vertices.astype(np.float32), mesh.faces)
    surface["colour"] = (colours * 255).round().astype(np.uint8)
    return surface


class Renderer:
    """An off-screen VTK window that is reused from picture to picture."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._plotter = pv.Plotter(off_screen=True, window_size=[size, size], lighting="none")
        self._plotter.enable_anti_aliasing("msaa", multi_samples=8)
        self._subject = pv.PolyData()
        self._room: Room | None = None
        self._light: Light | None = None

    def stage(self, room: Room, staged: Staged) -> None:
        """Puts a subject into a room; the following pictures show it."""
        if self._light is None or room is not self._room:
            self._light = self._build(room)
        parts = [staged.mesh] if staged.fixture is None else [staged.mesh, staged.fixture]
        whole = joined(parts)
        half = room.half_size
        floor = _quad([[-half, -half, 0], [half, -half, 0], [half, half, 0], [-half, half, 0]])
        self._plotter.add_mesh(
            floor, texture=_texture(shadowed_floor(room, whole.vertices)), lighting=False, name="floor", render=False
        )
        colours = np.split(lit_colours(whole, self._light), [len(staged.mesh.vertices)])
        self._subject = _coloured(staged.mesh, colours[0])
        self._plotter.add_mesh(self._subject, scalars="colour", rgb=True, lighting=False, name="subject", render=False)
        self._plotter.remove_actor("fixture", render=False)
        if staged.fixture is not None:
            fixture = _coloured(staged.fixture, colours[1])
            self._plotter.add_mesh(fixture, scalars="colour", rgb=True, lighting=False, name="fixture", render=False)

    def _build(self, room: Room) -> Light:
        self._plotter.clear()
        self._room = room
        half, top = room.half_size, room.height
        corners = [(half, -half), (half, half), (-half, half), (-half, -half)]
        for index, texture in enumerate(room.walls):
            (x0, y0), (x1, y1) = corners[index], corners[(index + 1) % 4]
            wall = _quad([[x0, y0, 0], [x1, y1, 0], [x1, y1, top], [x0, y0, top]])
            brightness = 0.85 + 0.15 * float(np.dot(room.light[:2], [-(x0 + x1) / 2 / half, -(y0 + y1) / 2 / half]))
            self._plotter.add_mesh(wall, texture=_texture(texture * brightness), lighting=False, render=False)
        ceiling = _quad([[-half, -half, top], [half, -half, top], [half, half, top], [-half, half, top]])
        self._plotter.add_mesh(ceiling, color=(0.92, 0.92, 0.9), lighting=False, render=False)
        return Light.of(room)

    def _aim(self, camera: Camera) -> None:
        view = self._plotter.camera
        pose = camera.camera_to_world
        view.position = pose[:3, 3]
        view.focal_point = pose[:3, 3] - pose[:3, 2]
        view.up = pose[:3, 1]
        view.view_angle = math.degrees(2 * math.atan(camera.height / 2 / camera.fy))
        view.clipping_range = (0.1, 20.0)
        # Without this, pyvista puts a camera of its own in place before the first picture.
        view.is_set = True

    def image(self, camera: Camera) -> np.ndarray:
        """(H, W, 3) uint8 picture of what is staged; the camera is centred and of the renderer's size."""
        self._aim(camera)
        self._plotter.render()
        return np.asarray(self._plotter.screenshot(return_img=True))

    def picture(self, camera: Camera) -> Picture:
        """Picture, mask and depth of what is staged."""
        image = self.image(camera)
        depth = -np.asarray(self._plotter.get_image_depth(fill_value=None))
        mask = np.ones(depth.shape, dtype=bool)
        # In two colours: a room may have one of them.
        for colour in _MASK_COLOURS:
            self._plotter.add_mesh(self._subject, color=colour, lighting=False, name="subject", render=False)
            mask &= np.abs(self.image(camera).astype(int) - np.array(colour) * 255).sum(-1) < 200
        self._plotter.add_mesh(self._subject, scalars="colour", rgb=True, lighting=False, name="subject", render=False)
        return Picture(image=image, mask=mask, depth=depth.astype(np.float32))

    def close(self) -> None:
        """Frees the window."""
        self._plotter.close()


def look_at(position: np.ndarray, target: np.ndarray, size: int, vertical_fov: float) -> Camera:
    """A centred square camera at `position` (metres) that looks at `target`; field of view in degrees."""
    backward = position - target
    backward = backward / np.linalg.norm(backward)
    right = np.cross([0.0, 0.0, 1.0], backward)
    right = right / np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(backward, right), backward], axis=1)
    pose[:3, 3] = position
    focal = size / 2 / math.tan(math.radians(vertical_fov) / 2)
    return Camera(camera_to_world=pose, fx=focal, fy=focal, cx=size / 2, cy=size / 2, width=size, height=size)
