from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from qnerf_core.scene.camera import Camera

_STEEPEST = np.radians(85.0)
_NEAREST, _FARTHEST = 0.3, 30.0


@dataclass(frozen=True, eq=False)
class Orbit:
    """A camera that looks at a point: angles in radians, distance in metres; z is up."""

    target: np.ndarray
    azimuth: float
    elevation: float
    distance: float
    template: Camera

    @classmethod
    def of(cls, camera: Camera, centre: np.ndarray) -> Orbit:
        """Around the point of a camera's axis that is nearest to a centre."""
        along = max(_NEAREST, float((centre - camera.position) @ camera.forward))
        target = camera.position + along * camera.forward
        backward = -camera.forward
        return cls(target, float(np.arctan2(backward[1], backward[0])), float(np.arcsin(backward[2])), along, camera)

    def turned(self, azimuth: float, elevation: float) -> Orbit:
        steep = float(np.clip(self.elevation + elevation, -_STEEPEST, _STEEPEST))
        return replace(self, azimuth=self.azimuth + azimuth, elevation=steep)

    def zoomed(self, factor: float) -> Orbit:
        return replace(self, distance=float(np.clip(self.distance / factor, _NEAREST, _FARTHEST)))

    def panned(self, right: float, down: float) -> Orbit:
        """By shares of the picture's width and height."""
        matrix = self.camera().camera_to_world
        metres = self.distance * np.array(
            [self.template.width / self.template.fx, self.template.height / self.template.fy]
        )
        return replace(self, target=self.target - right * metres[0] * matrix[:3, 0] + down * metres[1] * matrix[:3, 1])

    def camera(self) -> Camera:
        flat = np.cos(self.elevation)
        backward = np.array([flat * np.cos(self.azimuth), flat * np.sin(self.azimuth), np.sin(self.elevation)])
        right = np.array([-np.sin(self.azimuth), np.cos(self.azimuth), 0.0])
        matrix = np.eye(4)
        matrix[:3, :3] = np.stack([right, np.cross(backward, right), backward], axis=1)
        matrix[:3, 3] = self.target + self.distance * backward
        one = self.template
        return Camera(matrix, one.fx, one.fy, one.cx, one.cy, one.width, one.height)
