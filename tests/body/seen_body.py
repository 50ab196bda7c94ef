"""A subject whose keypoints are known, looked at by cameras around it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from qnerf_core.body.keypoints import KEYPOINTS, Keypoints, Sighting
from qnerf_core.body.pose import SMPL_JOINTS, BodyPose
from qnerf_core.body.surface import BodySurface
from qnerf_core.scene.camera import Camera
from qnerf_core.scene.scene import Scene, View

_EXTRA = [SMPL_JOINTS.index(name) for name in ("left_hand", "right_hand", "left_foot", "right_foot")]


def places(body: BodySurface, pose: BodyPose) -> np.ndarray:
    """(22, 3) of `KEYPOINTS`."""
    return np.concatenate([body.keypoints(pose), body.joints(pose)[_EXTRA]])


def ring(count: int, around: np.ndarray, distance: float = 3.4) -> Scene:
    views = []
    for index in range(count):
        angle = 2 * np.pi * index / count
        back = np.array([np.sin(angle), -np.cos(angle), 0.0])
        matrix = np.eye(4)
        matrix[:3, 0] = np.cross([0.0, 0.0, 1.0], back)
        matrix[:3, 1], matrix[:3, 2], matrix[:3, 3] = (0, 0, 1), back, around + distance * back
        camera = Camera(matrix, 309.0, 309.0, 128.0, 128.0, 256, 256)
        views.append(View(f"{index:03d}", camera, Path(f"{index:03d}.jpg")))
    return Scene("ring", Path(), tuple(views))


def seen(scene: Scene, points: np.ndarray, noise: float = 0.0, wrong: float = 0.0, seed: int = 0) -> Keypoints:
    generator = np.random.default_rng(seed)
    found: list[Sighting] = []
    for view in scene.views:
        pixels, _ = view.camera.project(points)
        pixels = pixels + generator.normal(0, noise, pixels.shape)
        lost = generator.random(len(pixels)) < wrong
        pixels[lost] = generator.uniform(60, 200, (int(lost.sum()), 2))
        found += [Sighting(view.name, name, *pixel) for name, pixel in zip(KEYPOINTS, pixels.tolist(), strict=True)]
    return Keypoints(tuple(found))


def only(keypoints: Keypoints, names: Sequence[str]) -> Keypoints:
    return Keypoints(tuple(one for one in keypoints if one.keypoint in names))
