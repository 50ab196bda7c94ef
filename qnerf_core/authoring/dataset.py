"""Training pictures for the built-in model: random subjects in random rooms, in shards that can be made again.

Pictures come in pairs, numbers 2n and 2n + 1: the same subject in the same room seen by the same camera, in two states.
That is what an edit turns into each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from qnerf_core.authoring.families import FAMILIES
from qnerf_core.authoring.render import Renderer, look_at
from qnerf_core.authoring.room import Room, random_room
from qnerf_core.authoring.skinned import FineBody
from qnerf_core.authoring.subject import PosedBody, Staged
from qnerf_core.authoring.training import to_tensor
from qnerf_core.body.model import BodyModel
from qnerf_core.control.loose_depth import depth_control_image, proxy_depth, room_depth
from qnerf_core.control.raster import rasterise_depth
from qnerf_core.editing.body_motion import BodyMotion
from qnerf_core.editing.correspondence import surface_maps
from qnerf_core.editing.draft import drafts
from qnerf_core.editing.photographs import Photographs
from qnerf_core.editing.seen_behind import Behind
from qnerf_core.editing.subject import Subject
from qnerf_core.files import atomic_path
from qnerf_core.proxy.model import DepthProxy
from qnerf_core.scene.camera import Camera

PICTURE_SIZE = 256
CELLS = 32
SHARD_SIZE = 256
VERTICAL_FOV = 45.0
MIXED = "mixed"
_CAMERAS_A_SUBJECT = 2
_SUBJECTS_A_ROOM = 4
_KEYPOINTS = 18


@dataclass(frozen=True, eq=False)
class Sample:
    """One training picture.

    Attributes:
        image: uint8 (H, W, 3).
        keypoints: OpenPose keypoints (18, 3) in the world; zeros if the control is depth.
        camera: Its camera.
        caption: The prompt.
        kind: What controls it.
        depth_control: uint8 (H, W), near is bright: the loose depth picture; None if the control is a skeleton.
        places: float16 (4, h, w), where on its subject each cell is, see `SurfaceMaps`.
        expected: The same, as an edit of the other picture of its pair expects it.
        draft: uint8 (H, W, 3), what that edit starts from.
    """

    image: np.ndarray
    keypoints: np.ndarray
    camera: Camera
    caption: str
    places: np.ndarray
    expected: np.ndarray
    draft: np.ndarray
    kind: Literal["skeleton", "depth"] = "skeleton"
    depth_control: np.ndarray | None = None


def random_camera(generator: np.random.Generator, family: str = "person") -> Camera:
    """A camera like those of a capture: around the subject, which it sees whole or nearly so."""
    kind = FAMILIES[family]
    azimuth = generator.uniform(0, 2 * np.pi)
    distance = generator.uniform(*kind.distance)
    position = np.array([distance * np.cos(azimuth), distance * np.sin(azimuth), generator.uniform(0.6, 2.2)])
    target = np.array([0.0, 0.0, kind.target_height]) + generator.normal(0, [0.1, 0.1, 0.08])
    return look_at(position, target, PICTURE_SIZE, VERTICAL_FOV)


def loose_depth_picture(staged: Staged, room: Room, camera: Camera) -> np.ndarray:
    """(H, W) uint8 loose depth picture of a subject's proxy in its room."""
    if isinstance(staged.control, PosedBody):
        raise ValueError("the subject is controlled by a skeleton")
    depth = proxy_depth(*staged.control.mesh(), camera, room_depth(camera, room.bounds))
    return depth_control_image(depth)[..., 0]


def _pair_of_pictures(
    renderer: Renderer, room: Room, states: tuple[Staged, Staged], cameras: Sequence[Camera], caption: str
) -> Iterator[Sample]:
    """Samples of two states, camera by camera."""
    images = []
    for staged in states:
        renderer.stage(room, staged)
        images.append(np.stack([renderer.image(camera) for camera in cameras]))
    depths = [[_subject_depth(staged, camera) for camera in cameras] for staged in states]
    forth, back = (
        _led(states[before], states[1 - before], cameras, images[before], depths[before], room) for before in (0, 1)
    )
    places, expected, drafted = (forth[0], back[0]), (back[1], forth[1]), (back[2], forth[2])
    for number, camera in enumerate(cameras):
        for state, staged in enumerate(states):
            body = staged.control if isinstance(staged.control, PosedBody) else None
            yield Sample(
                image=images[state][number],
                keypoints=np.zeros((_KEYPOINTS, 3)) if body is None else body.keypoints,
                camera=camera,
                caption=caption,
                places=places[state][number],
                expected=expected[state][number],
                draft=drafted[state][number],
                kind="depth" if body is None else "skeleton",
                depth_control=loose_depth_picture(staged, room, camera) if body is None else None,
            )


def _subject_depth(staged: Staged, camera: Camera) -> np.ndarray:
    """(H, W) depth of the subject where it is seen, else 0."""
    depth = rasterise_depth(staged.mesh.vertices, staged.mesh.faces, camera)
    if staged.fixture is None:
        return depth
    before = rasterise_depth(staged.fixture.vertices, staged.fixture.faces, camera)
    return np.where((before == 0) | (depth < before), depth, np.float32(0))


def _led(
    before: Staged,
    after: Staged,
    cameras: Sequence[Camera],
    images: np.ndarray,
    depths: Sequence[np.ndarray],
    room: Room,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What leads the edit of one state into another.

    Returns:
        (N, 4, h, w) float16 of both states, see `SurfaceMaps`, and (N, H, W, 3) uint8 drafts.
    """
    if isinstance(before.control, PosedBody) and isinstance(after.control, PosedBody):
        rest = before.control.rest, after.control.rest
        (vertices, faces), (moved, _) = meshes = before.control.mesh, after.control.mesh
        motion = BodyMotion(vertices, moved, faces, before.control.joints)
        subject = Subject("skeleton", *meshes, places=rest, motion=motion)
    elif isinstance(before.control, DepthProxy) and isinstance(after.control, DepthProxy):
        subject = Subject.of(before.control, after.control, None)
    else:
        raise TypeError("one state is controlled by a body and the other by a proxy")
    figures = [depth > 0 for depth in depths]
    maps = surface_maps(subject, cameras, (CELLS, CELLS), figures)
    behind = [Behind.rendered(room_depth(camera, room.bounds)) for camera in cameras]
    photographs = Photographs.of(subject.source, cameras, to_tensor(images), figures, behind, depths)
    drafted = drafts(subject, photographs)
    return (
        maps.source.half().numpy(),
        maps.target.half().numpy(),
        drafted.mul(255).round().byte().permute(0, 2, 3, 1).numpy(),
    )


def make_shard(path: Path, index: int, seed: int, renderer: Renderer, body: FineBody, families: Sequence[str]) -> None:
    """Renders shard number `index`, the same pictures for the same seed.

    Args:
        path: `.npz` with images (N, H, W, 3) uint8, keypoints (N, 18, 3), camera_to_world (N, 4, 4), focal (N,),
            captions (N,), kinds (N,), places and expected (N, 4, h, w) float16, drafts (N, H, W, 3) uint8 and, of the
            samples controlled by depth, in order, depth_controls (M, H, W) uint8.
        index: Number of the shard.
        seed: Of the whole data set.
        renderer: Of `PICTURE_SIZE`.
        body: The body of those who have one.
        families: Subjects are of each in turn.
    """
    generator = np.random.default_rng([seed, index])
    samples: list[Sample] = []
    subjects = 0
    while len(samples) < SHARD_SIZE:
        if subjects % _SUBJECTS_A_ROOM == 0:
            room = random_room(generator)
        name = families[(index + subjects) % len(families)]
        subject = FAMILIES[name].random_subject(generator, body)
        cameras = [random_camera(generator, name) for _ in range(_CAMERAS_A_SUBJECT)]
        samples.extend(_pair_of_pictures(renderer, room, subject.random_pair(generator), cameras, subject.caption()))
        subjects += 1
    depths = [sample.depth_control for sample in samples if sample.depth_control is not None]
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(
            file,
            images=np.stack([sample.image for sample in samples]),
            keypoints=np.stack([sample.keypoints for sample in samples]).astype(np.float32),
            camera_to_world=np.stack([sample.camera.camera_to_world for sample in samples]),
            focal=np.array([sample.camera.fx for sample in samples]),
            captions=np.array([sample.caption for sample in samples]),
            kinds=np.array([sample.kind for sample in samples]),
            places=np.stack([sample.places for sample in samples]),
            expected=np.stack([sample.expected for sample in samples]),
            drafts=np.stack([sample.draft for sample in samples]),
            depth_controls=np.stack(depths) if depths else np.zeros((0, PICTURE_SIZE, PICTURE_SIZE), np.uint8),
        )


def chosen_families(names: str) -> list[str]:
    """The families that a text names: one, several with commas between them, or "mixed" for all.

    Raises:
        ValueError: There is no such family.
    """
    chosen = list(FAMILIES) if names == MIXED else names.split(",")
    unknown = sorted(set(chosen) - set(FAMILIES))
    if unknown:
        raise ValueError(f"no such family: {', '.join(unknown)}; there are {', '.join([*FAMILIES, MIXED])}")
    return chosen


def make_dataset(folder: Path, shards: range, seed: int, families: Sequence[str]) -> Iterator[Path]:
    """Renders those of the shards that are missing in `folder`; yields each one's path when it is there."""
    folder.mkdir(parents=True, exist_ok=True)
    renderer, body = Renderer(PICTURE_SIZE), FineBody(BodyModel.load())
    for index in shards:
        path = folder / f"shard-{index:04d}.npz"
        if not path.is_file():
            make_shard(path, index, seed, renderer, body, families)
        yield path
    renderer.close()


def read_shard(path: Path) -> list[Sample]:
    """The samples of a shard."""
    with np.load(path) as shard:
        arrays = {key: shard[key] for key in shard.files}
    size, count = arrays["images"].shape[1], len(arrays["images"])
    kinds = [str(kind) for kind in arrays["kinds"]]
    place = np.cumsum([kind == "depth" for kind in kinds]) - 1
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
            places=arrays["places"][n],
            expected=arrays["expected"][n],
            draft=arrays["drafts"][n],
            kind="depth" if kinds[n] == "depth" else "skeleton",
            depth_control=arrays["depth_controls"][place[n]] if kinds[n] == "depth" else None,
        )
        for n in range(count)
    ]
