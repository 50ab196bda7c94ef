"""Training pictures for the built-in model: random people in random rooms, in shards that can be made again.

Pictures come in pairs, numbers 2n and 2n + 1: the same person in the same room seen by the same camera, in two poses.
That is what an edit turns into each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qnerf_core.authoring.figure import Figure, random_appearance
from qnerf_core.authoring.random_pose import random_pose
from qnerf_core.authoring.render import Renderer, look_at
from qnerf_core.authoring.room import random_room
from qnerf_core.body.model import BodyModel
from qnerf_core.files import atomic_path
from qnerf_core.scene.camera import Camera

PICTURE_SIZE = 256
SHARD_SIZE = 256
VERTICAL_FOV = 45.0
_CAMERAS_A_FIGURE = 2
_FIGURES_A_ROOM = 4


@dataclass(frozen=True, eq=False)
class Sample:
    """One training picture: image uint8 (H, W, 3), OpenPose keypoints (18, 3) in the world, its camera and caption."""

    image: np.ndarray
    keypoints: np.ndarray
    camera: Camera
    caption: str


def random_camera(generator: np.random.Generator) -> Camera:
    """A camera like those of a capture: around the figure, which it sees whole or nearly so."""
    azimuth = generator.uniform(0, 2 * np.pi)
    distance = generator.uniform(2.5, 3.5)
    position = np.array([distance * np.cos(azimuth), distance * np.sin(azimuth), generator.uniform(0.6, 2.2)])
    target = np.array([0.0, 0.0, 1.02]) + generator.normal(0, [0.1, 0.1, 0.08])
    return look_at(position, target, PICTURE_SIZE, VERTICAL_FOV)


def make_shard(path: Path, index: int, seed: int, renderer: Renderer, body: BodyModel) -> None:
    """Renders shard number `index`, the same pictures for the same seed.

    Args:
        path: `.npz` with images (N, H, W, 3) uint8, keypoints (N, 18, 3), camera_to_world (N, 4, 4), focal (N,),
            captions (N,).
        index: Number of the shard.
        seed: Of the whole data set.
        renderer: Of `PICTURE_SIZE`.
        body: The body under the clothes.
    """
    generator = np.random.default_rng([seed, index])
    images: list[np.ndarray] = []
    keypoints: list[np.ndarray] = []
    cameras: list[Camera] = []
    captions: list[str] = []
    while len(images) < SHARD_SIZE:
        figures = len(images) // (2 * _CAMERAS_A_FIGURE)
        if figures % _FIGURES_A_ROOM == 0:
            room = random_room(generator)
        figure = Figure(body, random_appearance(generator))
        seen_by = [random_camera(generator) for _ in range(_CAMERAS_A_FIGURE)]
        seen: list[list[np.ndarray]] = []
        points = []
        for _ in range(2):
            pose = figure.dressed_pose(random_pose(generator))
            renderer.stage(room, figure, pose)
            points.append(body(pose).keypoints)
            seen.append([renderer.image(camera) for camera in seen_by])
        for camera, pair in zip(seen_by, zip(*seen, strict=True), strict=True):
            images.extend(pair)
            keypoints.extend(points)
            cameras.extend([camera] * 2)
            captions.extend([figure.appearance.caption()] * 2)
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(
            file,
            images=np.stack(images),
            keypoints=np.stack(keypoints).astype(np.float32),
            camera_to_world=np.stack([camera.camera_to_world for camera in cameras]),
            focal=np.array([camera.fx for camera in cameras]),
            captions=np.array(captions),
        )


def make_dataset(folder: Path, shards: range, seed: int) -> Iterator[Path]:
    """Renders those of the shards that are missing in `folder`; yields each one's path when it is there."""
    folder.mkdir(parents=True, exist_ok=True)
    renderer, body = Renderer(PICTURE_SIZE), BodyModel.load()
    for index in shards:
        path = folder / f"shard-{index:04d}.npz"
        if not path.is_file():
            make_shard(path, index, seed, renderer, body)
        yield path
    renderer.close()


def read_shard(path: Path) -> list[Sample]:
    """The samples of a shard."""
    with np.load(path) as shard:
        arrays = {key: shard[key] for key in shard.files}
    size = arrays["images"].shape[1]
    return [
        Sample(
            image=arrays["images"][n],
            keypoints=arrays["keypoints"][n].astype(np.float64),
            camera=Camera(
                camera_to_world=arrays["camera_to_world"][n],
                fx=float(arrays["focal"][n]),
                fy=float(arrays["focal"][n]),
                cx=size / 2,
                cy=size / 2,
                width=size,
                height=size,
            ),
            caption=str(arrays["captions"][n]),
        )
        for n in range(len(arrays["images"]))
    ]
