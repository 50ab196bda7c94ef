"""Small real captures, written to disk for tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from qnerf_core import files
from qnerf_core.scene.camera import Camera
from qnerf_core.scene.nerfstudio import write_transforms
from qnerf_core.scene.scene import View, write_depth

WIDTH, HEIGHT = 24, 16


def look_at(position: ArrayLike, target: ArrayLike = (0.0, 0.0, 1.0)) -> np.ndarray:
    position = np.asarray(position, dtype=np.float64)
    back = position - np.asarray(target, dtype=np.float64)
    back /= np.linalg.norm(back)
    right = np.cross([0.0, 0.0, 1.0], back)
    right /= np.linalg.norm(right)
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack([right, np.cross(back, right), back], axis=1)
    matrix[:3, 3] = position
    return matrix


def ring_camera(angle: float, width: int = WIDTH, height: int = HEIGHT) -> Camera:
    position = (3.0 * np.cos(angle), 3.0 * np.sin(angle), 1.3)
    return Camera(look_at(position), 30.1, 30.7, width / 2 + 0.3, height / 2 - 0.2, width, height)


def write_capture(folder: Path, count: int = 4, *, masks: bool = True, heldout: tuple[int, ...] = (3,)) -> list[View]:
    """Write `count` views on a ring with pictures, masks, depth and transforms.json."""
    random = np.random.default_rng(5)
    views = []
    for index in range(count):
        name = f"{index:03d}"
        image = folder / "images" / f"{name}.png"
        files.write_image(image, random.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8))
        mask = depth = None
        if masks:
            mask, depth = folder / "masks" / f"{name}.png", folder / "depth" / f"{name}.png"
            files.write_image(
                mask, np.repeat(np.array([[255] * 8 + [0] * (WIDTH - 8)], dtype=np.uint8), HEIGHT, axis=0)
            )
            write_depth(depth, np.full((HEIGHT, WIDTH), 2.5 + index))
        camera = ring_camera(2.0 * np.pi * index / count)
        views.append(View(name, camera, image, mask, depth, index in heldout))
    write_transforms(views, folder / "transforms.json")
    return views


def edit_json(path: Path, **changes: Any) -> None:
    """Change top-level keys of a JSON file; None removes a key."""
    content = json.loads(path.read_text())
    for key, value in changes.items():
        if value is None:
            content.pop(key, None)
        else:
            content[key] = value
    path.write_text(json.dumps(content))


def edit_frame(folder: Path, index: int, **changes: Any) -> None:
    """Change keys of one frame of a transforms.json; None removes a key."""
    path = folder / "transforms.json"
    content = json.loads(path.read_text())
    for key, value in changes.items():
        if value is None:
            content["frames"][index].pop(key, None)
        else:
            content["frames"][index][key] = value
    path.write_text(json.dumps(content))
