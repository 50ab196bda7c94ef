"""A ray-traced world for tests: a coloured ball and box (the figure) on a patterned floor before the sky.

Everything about it is known analytically: pictures, silhouettes, depth. It can be written as a capture with an edit,
in the layout of the built-in ones.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qnerf_core import assets, files
from qnerf_core.proxy.files import write_proxy
from qnerf_core.proxy.model import DepthProxy, ProxyPart
from qnerf_core.scene.camera import Camera
from qnerf_core.scene.scene import write_depth

BOUNDS = np.array([[-1.5, -1.5, -0.05], [1.5, 1.5, 2.0]])
BALL_COLOUR = np.array([0.85, 0.2, 0.15])
BOX_COLOUR = np.array([0.15, 0.25, 0.8])
SKY_COLOUR = np.array([0.75, 0.85, 0.95])
FLOOR_RADIUS = 3.0


@dataclass(frozen=True)
class Picture:
    """What one camera sees: colour (3, H, W) float32, mask (H, W) bool, depth (H, W) float32 (0 = sky)."""

    colour: np.ndarray
    mask: np.ndarray
    depth: np.ndarray


def ring_of_cameras(count: int, size: int = 64, radius: float = 3.2, height: float = 1.5) -> list[Camera]:
    """Cameras evenly around the z axis, looking at the middle of the figure."""
    cameras = []
    target = np.array([0.0, 0.0, 0.6])
    for angle in np.arange(count) * 2 * np.pi / count:
        position = np.array([radius * np.cos(angle), radius * np.sin(angle), height])
        backward = (position - target) / np.linalg.norm(position - target)
        right = np.cross([0.0, 0.0, 1.0], backward)
        right /= np.linalg.norm(right)
        matrix = np.eye(4)
        matrix[:3, :3] = np.stack([right, np.cross(backward, right), backward], axis=1)
        matrix[:3, 3] = position
        focal = 1.1 * size
        cameras.append(Camera(matrix, focal, focal, size / 2, size / 2, size, size))
    return cameras


def ray_trace(camera: Camera, ball: tuple[float, float, float], shadow: float = 1.0, figure: bool = True) -> Picture:
    """Trace one picture. The box stands at the origin, the ball where told; ``shadow`` < 1 darkens the floor below."""
    origins, directions = (part.astype(np.float64) for part in camera.rays())
    distance = np.full(directions.shape[:2], np.inf)
    colour = np.broadcast_to(SKY_COLOUR, directions.shape).copy()
    mask = np.zeros(directions.shape[:2], dtype=bool)

    with np.errstate(divide="ignore"):
        to_floor = np.where(directions[..., 2] < 0, -origins[..., 2] / directions[..., 2], np.inf)
    hit = np.isfinite(to_floor)
    where = origins + np.where(hit, to_floor, 0.0)[..., None] * directions
    hit &= np.hypot(where[..., 0], where[..., 1]) < FLOOR_RADIUS
    pattern = 0.5 + 0.12 * np.sin(5 * where[..., 0]) * np.sin(5 * where[..., 1])
    floor = pattern[..., None] * np.array([1.0, 0.95, 0.8])
    below = np.hypot(where[..., 0] - ball[0], where[..., 1] - ball[1]) < 0.35
    floor = np.where((below & figure)[..., None], floor * shadow, floor)
    distance[hit], colour[hit] = to_floor[hit], floor[hit]

    if figure:
        for entry, paint in ((_box(origins, directions), BOX_COLOUR), (_ball(origins, directions, ball), BALL_COLOUR)):
            nearer = entry < distance
            point = origins + np.where(nearer, entry, 0.0)[..., None] * directions
            shade = (0.8 + 0.2 * np.sin(9 * point[..., 2]))[..., None] * paint
            distance[nearer], colour[nearer] = entry[nearer], shade[nearer]
            mask |= nearer
    along = directions @ camera.forward
    depth = np.where(np.isfinite(distance), np.where(np.isfinite(distance), distance, 0.0) * along, 0.0)
    return Picture(np.clip(colour, 0, 1).transpose(2, 0, 1).astype(np.float32), mask, depth.astype(np.float32))


def _box(origins: np.ndarray, directions: np.ndarray) -> np.ndarray:
    low, high = np.array([-0.22, -0.22, 0.0]), np.array([0.22, 0.22, 0.9])
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b = (low - origins) / directions, (high - origins) / directions
    near, far = np.minimum(a, b).max(axis=-1), np.maximum(a, b).min(axis=-1)
    return np.where((near < far) & (near > 0), near, np.inf)


def _ball(origins: np.ndarray, directions: np.ndarray, centre: tuple[float, float, float]) -> np.ndarray:
    offset = origins - np.array(centre)
    half = (offset * directions).sum(axis=-1)
    root = half**2 - (offset**2).sum(axis=-1) + 0.28**2
    return np.where(root > 0, -half - np.sqrt(np.maximum(root, 0.0)), np.inf)


BEFORE = (0.35, 0.0, 0.3)
AFTER = (0.1, 0.0, 1.1)
OTHER = (0.0, 0.4, 0.3)


def write_capture(folder: Path, views: int = 8, size: int = 64, heldout: int = 2) -> Path:
    """Write a capture with the edits ``up`` and ``aside`` in the layout of the built-in scenes."""
    cameras = ring_of_cameras(views, size)
    names = [f"{index:03d}" for index in range(views)]
    for sub, ball in (("", BEFORE), ("edits/up", AFTER), ("edits/aside", OTHER)):
        place = folder / sub
        frames = []
        for name, camera in zip(names, cameras, strict=True):
            picture = ray_trace(camera, ball)
            files.write_image(
                place / f"images/{name}.png", np.rint(picture.colour.transpose(1, 2, 0) * 255).astype(np.uint8)
            )
            files.write_image(place / f"masks/{name}.png", picture.mask.astype(np.uint8) * 255)
            write_depth(place / f"depth/{name}.png", picture.depth)
            frames.append(
                {
                    "file_path": f"images/{name}.png",
                    "mask_path": f"masks/{name}.png",
                    "depth_file_path": f"depth/{name}.png",
                    "transform_matrix": camera.camera_to_world.tolist(),
                }
            )
        shared = {"camera_model": "OPENCV", "fl_x": cameras[0].fx, "fl_y": cameras[0].fy, "cx": cameras[0].cx,
                  "cy": cameras[0].cy, "w": size, "h": size}  # fmt: skip
        files.write_json(place / "transforms.json", shared | {"frames": frames})
    for sub in ("source_pose.json", "edits/up/pose.json", "edits/aside/pose.json"):
        shutil.copy(assets.poses_folder() / "stand.json", folder / sub)
    files.write_json(
        folder / "capture.json",
        {
            "version": 1,
            "name": folder.name,
            "prompt": "a ball and a box",
            "bounds": BOUNDS.tolist(),
            "heldout": names[:: max(1, views // heldout)][:heldout],
            "source_pose": "source_pose.json",
            "edits": {
                edit: {"pose": f"edits/{edit}/pose.json", "truth": f"edits/{edit}/transforms.json"}
                for edit in ("up", "aside")
            },
        },
    )
    return folder


def proxy_of(ball: tuple[float, float, float], growth: float = 0.0) -> DepthProxy:
    """The box and the ball as a proxy, larger by a share."""
    size = 1.0 + growth
    box = ProxyPart("box", "box", np.array([0.0, 0.0, 0.45]), np.zeros(3), np.array([0.44, 0.44, 0.9]) * size)
    return DepthProxy((box, ProxyPart("ball", "ellipsoid", np.array(ball), np.zeros(3), np.full(3, 0.56) * size)))


def write_depth_capture(folder: Path, boundary: bool = True, growth: float = 0.0, **sizes: int) -> Path:
    """Write the same capture, edited by proxies; with the depth of the empty scene if `boundary`."""
    write_capture(folder, **sizes)
    for sub, ball in (("source_proxy.json", BEFORE), ("edits/up/proxy.json", AFTER), ("edits/aside/proxy.json", OTHER)):
        write_proxy(folder / sub, proxy_of(ball, growth))
    content = files.read_json(folder / "capture.json")
    del content["source_pose"]
    content |= {"control": "depth", "source_proxy": "source_proxy.json"}
    for edit, entry in content["edits"].items():
        del entry["pose"]
        entry["proxy"] = f"edits/{edit}/proxy.json"
    files.write_json(folder / "capture.json", content)
    if boundary:
        for index, camera in enumerate(ring_of_cameras(sizes.get("views", 8), sizes.get("size", 64))):
            write_depth(folder / f"boundary/{index:03d}.png", ray_trace(camera, BEFORE, figure=False).depth)
    return folder
