"""Renders the built-in captures with their edits and the true pictures of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from qnerf_core import files
from qnerf_core.authoring.dataset import PICTURE_SIZE, VERTICAL_FOV
from qnerf_core.authoring.render import Renderer, look_at
from qnerf_core.authoring.room import Room, random_room
from qnerf_core.authoring.showpieces import SHOWPIECES, Showpiece, Target, random_showpiece
from qnerf_core.authoring.skinned import FineBody
from qnerf_core.body.model import BodyModel
from qnerf_core.body.pose import BodyPose
from qnerf_core.body.pose_file import write_pose
from qnerf_core.control.loose_depth import room_depth
from qnerf_core.errors import AssetError
from qnerf_core.proxy.files import write_proxy
from qnerf_core.scene.camera import Camera
from qnerf_core.scene.capture import BOUNDARY_FOLDER
from qnerf_core.scene.nerfstudio import write_transforms
from qnerf_core.scene.scene import View, write_depth

VIEW_COUNT = 32
HELD_OUT_EVERY = 4
_RING_HEIGHTS = (1.0, 1.5, 1.9)
_HALF_ROOM = 4.2
_JPEG_QUALITY = 91
_SOURCE_DEPTH_STEP, _TRUTH_DEPTH_STEP = 0.002, 0.004
"""Depth is rounded to these, metres: PNGs of finer depth are twice as large."""


def ring_of_cameras(count: int = VIEW_COUNT, target_height: float = 1.1, radius: float = 3.4) -> list[Camera]:
    """Cameras all around the subject, at changing heights."""
    cameras = []
    for index in range(count):
        # The first camera looks the subject in the face: it faces -y.
        azimuth = -np.pi / 2 + 2 * np.pi * index / count
        height = _RING_HEIGHTS[index % len(_RING_HEIGHTS)]
        position = np.array([radius * np.cos(azimuth), radius * np.sin(azimuth), height])
        cameras.append(look_at(position, np.array([0.0, 0.0, target_height]), PICTURE_SIZE, VERTICAL_FOV))
    return cameras


def _held_out(index: int) -> bool:
    return index % HELD_OUT_EVERY == HELD_OUT_EVERY - 1


def _write_photo(path: Path, image: np.ndarray) -> None:
    with files.atomic_path(path) as temporary:
        Image.fromarray(image).save(temporary, format="JPEG", quality=_JPEG_QUALITY, subsampling=0, optimize=True)


def _write_rounded_depth(path: Path, depth: np.ndarray, step: float) -> None:
    write_depth(path, np.rint(depth / step) * step)


def _render_views(
    folder: Path, renderer: Renderer, room: Room, target: Target, cameras: Sequence[Camera], *, is_truth: bool
) -> None:
    """Writes images, masks, depth and `transforms.json`; the truth of kept-out views has no depth."""
    renderer.stage(room, target.staged)
    for kind in ("images", "masks", "depth"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    views = []
    for index, camera in enumerate(cameras):
        name = f"{index:03d}"
        picture = renderer.picture(camera)
        image, mask = folder / "images" / f"{name}.jpg", folder / "masks" / f"{name}.png"
        depth = None if is_truth and _held_out(index) else folder / "depth" / f"{name}.png"
        _write_photo(image, picture.image)
        files.write_image(mask, (picture.mask * 255).astype(np.uint8))
        if depth is not None:
            _write_rounded_depth(depth, picture.depth, _TRUTH_DEPTH_STEP if is_truth else _SOURCE_DEPTH_STEP)
        views.append(View(name, camera, image, mask, depth, heldout=_held_out(index)))
    write_transforms(views, folder / "transforms.json")


def _write_control(folder: Path, prefix: str, target: Target) -> dict[str, str]:
    """Writes a pose or proxy file; returns the entry of `capture.json` that names it."""
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(target.control, BodyPose):
        write_pose(folder / f"{prefix}pose.json", target.control)
        return {f"{prefix}pose": f"{prefix}pose.json"}
    write_proxy(folder / f"{prefix}proxy.json", target.control)
    return {f"{prefix}proxy": f"{prefix}proxy.json"}


def make_capture(name: str, folder: Path) -> None:
    """Writes a built-in capture: 32 views, the source's pose or proxy, and its edits with their truth.

    Args:
        name: One of `SHOWPIECES`.
        folder: Where to; files of the same names are replaced.

    Raises:
        AssetError: There is no such showpiece.
    """
    if name not in SHOWPIECES:
        raise AssetError(f"There is no capture {name!r} to make", next_step=f"Choose of {', '.join(SHOWPIECES)}.")
    _write_capture(name, SHOWPIECES[name](FineBody(BodyModel.load())), folder)


def make_trial(family: str, seed: int, folder: Path) -> None:
    """Writes a capture like the built-in ones, of a random member of a family with one random edit.

    Settings are chosen by such captures and figures reported of the built-in ones.

    Args:
        family: One of `FAMILIES`.
        seed: Of looks, room and edit.
        folder: Where to; files of the same names are replaced.
    """
    _write_capture(folder.name, random_showpiece(family, seed, FineBody(BodyModel.load())), folder)


def _write_capture(name: str, showpiece: Showpiece, folder: Path) -> None:
    renderer = Renderer(PICTURE_SIZE)
    room = replace(random_room(np.random.default_rng(showpiece.room_seed)), half_size=_HALF_ROOM)
    cameras = ring_of_cameras(VIEW_COUNT, showpiece.target_height, showpiece.radius)
    content: dict[str, Any] = {
        "version": 1,
        "name": name,
        "prompt": showpiece.prompt,
        "bounds": room.bounds.tolist(),
        "heldout": [f"{index:03d}" for index in range(VIEW_COUNT) if _held_out(index)],
    }
    if not isinstance(showpiece.source.control, BodyPose):
        content["control"] = "depth"
        (folder / BOUNDARY_FOLDER).mkdir(parents=True, exist_ok=True)
        for index, camera in enumerate(cameras):
            empty = room_depth(camera, room.bounds)
            _write_rounded_depth(folder / BOUNDARY_FOLDER / f"{index:03d}.png", empty, _SOURCE_DEPTH_STEP)
    content |= _write_control(folder, "source_", showpiece.source)
    _render_views(folder, renderer, room, showpiece.source, cameras, is_truth=False)
    edits = {}
    for edit, target in showpiece.edits.items():
        place = f"edits/{edit}"
        entry = _write_control(folder / place, "", target)
        _render_views(folder / place, renderer, room, target, cameras, is_truth=True)
        edits[edit] = {kind: f"{place}/{file}" for kind, file in entry.items()} | {"truth": f"{place}/transforms.json"}
    files.write_json(folder / "capture.json", content | {"edits": edits})
    renderer.close()
