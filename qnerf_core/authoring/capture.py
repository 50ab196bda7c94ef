"""Renders the built-in capture `person` with its edits and their true pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from qnerf_core import files
from qnerf_core.authoring.dataset import PICTURE_SIZE, VERTICAL_FOV
from qnerf_core.authoring.person import Appearance, Fabric, Figure
from qnerf_core.authoring.render import Renderer, look_at
from qnerf_core.authoring.room import Room, random_room
from qnerf_core.authoring.skinned import FineBody
from qnerf_core.body.library import PoseLibrary
from qnerf_core.body.model import BodyModel
from qnerf_core.body.pose import BETA_COUNT, BodyPose
from qnerf_core.body.pose_file import write_pose
from qnerf_core.scene.camera import Camera
from qnerf_core.scene.nerfstudio import write_transforms
from qnerf_core.scene.scene import View, write_depth

VIEW_COUNT = 32
HELD_OUT_EVERY = 4
_RING_RADIUS = 3.4
_RING_HEIGHTS = (1.0, 1.5, 1.9)
_ROOM_SEED = 28
_EDITS = {"raise-arms": "arms-raised", "wide-stance": "wide-stance", "kick": "kick"}

PERSON = Appearance(
    betas=(0.4, -0.5, 0.3, *([0.0] * (BETA_COUNT - 3))),
    skin=(0.86, 0.66, 0.54),
    hair=(0.2, 0.12, 0.07),
    shoes=(0.85, 0.84, 0.8),
    shirt=Fabric((0.78, 0.14, 0.12), (0.95, 0.9, 0.85), "plain", 0.1),
    trousers=Fabric((0.12, 0.2, 0.45), (0.2, 0.3, 0.6), "plain", 0.1),
    sleeve=0.42,
    leg=0.97,
    hem=0.03,
    looseness=0.014,
    hair_thickness=0.02,
    hair_length=0.06,
)


def ring_of_cameras(count: int = VIEW_COUNT) -> list[Camera]:
    """Cameras all around the figure, at changing heights."""
    cameras = []
    for index in range(count):
        # The first camera looks the figure in the face: it faces -y.
        azimuth = -np.pi / 2 + 2 * np.pi * index / count
        height = _RING_HEIGHTS[index % len(_RING_HEIGHTS)]
        position = np.array([_RING_RADIUS * np.cos(azimuth), _RING_RADIUS * np.sin(azimuth), height])
        cameras.append(look_at(position, np.array([0.0, 0.0, 1.1]), PICTURE_SIZE, VERTICAL_FOV))
    return cameras


def _held_out(index: int) -> bool:
    return index % HELD_OUT_EVERY == HELD_OUT_EVERY - 1


def _render_views(
    folder: Path, renderer: Renderer, room: Room, figure: Figure, pose: BodyPose, cameras: Sequence[Camera]
) -> None:
    """Writes images, masks, depth and `transforms.json`."""
    renderer.stage(room, figure.staged(pose))
    views = []
    for index, camera in enumerate(cameras):
        name = f"{index:03d}"
        picture = renderer.picture(camera)
        image, mask, depth = (
            folder / kind / f"{name}.{suffix}"
            for kind, suffix in (("images", "jpg"), ("masks", "png"), ("depth", "png"))
        )
        for path in (image, mask, depth):
            path.parent.mkdir(parents=True, exist_ok=True)
        files.write_image(image, picture.image)
        files.write_image(mask, (picture.mask * 255).astype(np.uint8))
        write_depth(depth, picture.depth)
        views.append(View(name, camera, image, mask, depth, heldout=_held_out(index)))
    write_transforms(views, folder / "transforms.json")


def make_person(folder: Path) -> None:
    """Writes the capture `person`: 32 views, the source pose, and three edits with their truth."""
    body, renderer = FineBody(BodyModel.load()), Renderer(PICTURE_SIZE)
    room = replace(random_room(np.random.default_rng(_ROOM_SEED)), half_size=4.2)
    figure = Figure(body, PERSON)
    cameras = ring_of_cameras()
    library = PoseLibrary.standard()
    source = figure.dressed_pose(library.load("stand"))
    folder.mkdir(parents=True, exist_ok=True)
    write_pose(folder / "source_pose.json", source)
    _render_views(folder, renderer, room, figure, source, cameras)
    edits = {}
    for edit, pose_name in _EDITS.items():
        target = figure.dressed_pose(library.load(pose_name))
        edit_folder = folder / "edits" / edit
        edit_folder.mkdir(parents=True, exist_ok=True)
        write_pose(edit_folder / "pose.json", target)
        _render_views(edit_folder, renderer, room, figure, target, cameras)
        edits[edit] = {"pose": f"edits/{edit}/pose.json", "truth": f"edits/{edit}/transforms.json"}
    held_out = [f"{index:03d}" for index in range(VIEW_COUNT) if _held_out(index)]
    files.write_json(
        folder / "capture.json",
        {
            "version": 1,
            "name": "person",
            "prompt": PERSON.caption(),
            "bounds": [[-room.half_size, -room.half_size, 0.0], [room.half_size, room.half_size, room.height]],
            "heldout": held_out,
            "source_pose": "source_pose.json",
            "edits": edits,
        },
    )
    renderer.close()
