"""Reading and exact writing of nerfstudio's `transforms.json`.

Its world is taken as it is (right-handed, z up) and its cameras have the axes used here (OpenGL), so nothing is
converted. One own key, `qnerf`, holds a scene's name, prompt, bounds and region; other tools ignore it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from qnerf_core import files
from qnerf_core.errors import CaptureError
from qnerf_core.scene.camera import Camera
from qnerf_core.scene.problems import raise_first_error
from qnerf_core.scene.scene import Scene, View
from qnerf_core.scene.transforms_parser import FILE_NAME, parse_transforms

__all__ = ["FILE_NAME", "read_transforms", "scene_metadata", "write_transforms"]


def read_transforms(path: Path | str) -> Scene:
    """Read a `transforms.json`.

    Args:
        path: The file, or the folder that holds it.

    Returns:
        The scene, with absolute paths.

    Raises:
        FileFormatError: The file is missing or not JSON.
        CaptureError: A frame or a key is wrong, or a lens distorts.
    """
    parsed = parse_transforms(path)
    title = f"Cannot use the capture {path}"
    raise_first_error(title, parsed.problems)
    distorted = [view for view in parsed.views if not view.lens.is_pinhole]
    if distorted:
        raise CaptureError(
            title, f"{distorted[0].key}: its lens distorts", "Open it as a capture, which undistorts the pictures."
        )
    views = (
        View(view.name, view.camera, view.image_path, view.mask_path, view.depth_path, view.heldout)
        for view in parsed.views
    )
    return Scene(parsed.name, parsed.root, tuple(views), parsed.bounds, parsed.prompt, parsed.region)


def write_transforms(views: Sequence[View], path: Path | str, *, extra: Mapping[str, Any] | None = None) -> None:
    """Write views as a `transforms.json`; numbers keep all their digits.

    Intrinsics that all views share are written once, others in every frame. Paths are written relative to the file.

    Args:
        views: The views; their files must lie in the folder of `path` or below.
        path: The file to write.
        extra: More keys for the top level, for example `scene_metadata(scene)`.

    Raises:
        ValueError: A file lies outside the folder, or a number is not finite.
    """
    path = Path(path)
    folder = Path(os.path.abspath(path)).parent
    intrinsics = [_intrinsics(view.camera) for view in views]
    shared = bool(intrinsics) and all(entry == intrinsics[0] for entry in intrinsics)
    frames: list[dict[str, Any]] = []
    for view, entry in zip(views, intrinsics, strict=True):
        frame: dict[str, Any] = {"file_path": _relative(view.image_path, folder)}
        if view.mask_path is not None:
            frame["mask_path"] = _relative(view.mask_path, folder)
        if view.depth_path is not None:
            frame["depth_file_path"] = _relative(view.depth_path, folder)
        if not shared:
            frame.update(entry)
        frame["transform_matrix"] = view.camera.camera_to_world.tolist()
        frames.append(frame)
    content: dict[str, Any] = {"camera_model": "OPENCV", **(extra or {})}
    if shared:
        content.update(intrinsics[0])
    if any(view.heldout for view in views):
        content["train_filenames"] = [_relative(view.image_path, folder) for view in views if not view.heldout]
        content["val_filenames"] = [_relative(view.image_path, folder) for view in views if view.heldout]
        content["test_filenames"] = content["val_filenames"]
    content["frames"] = frames
    files.write_json(path, content)


def scene_metadata(scene: Scene) -> dict[str, Any]:
    """Return the own key that keeps a scene's name, prompt, bounds and region through `write_transforms`.

    Args:
        scene: The scene.
    """
    entry: dict[str, Any] = {"name": scene.name, "prompt": scene.prompt}
    if scene.bounds is not None:
        entry["bounds"] = scene.bounds.tolist()
    if scene.region is not None:
        entry["region"] = scene.region.tolist()
    return {"qnerf": entry}


def _intrinsics(camera: Camera) -> dict[str, float | int]:
    return {
        "fl_x": float(camera.fx),
        "fl_y": float(camera.fy),
        "cx": float(camera.cx),
        "cy": float(camera.cy),
        "w": int(camera.width),
        "h": int(camera.height),
    }


def _relative(path: Path, folder: Path) -> str:
    return Path(os.path.abspath(path)).relative_to(folder).as_posix()
