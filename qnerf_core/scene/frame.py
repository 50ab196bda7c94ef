"""Where the subject stands in a capture: up, floor, centre and scale, from its cameras and sparse points."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qnerf_core.scene.camera import Camera
from qnerf_core.scene.capture_settings import FrameSettings

USUAL_DISTANCE = 3.0
"""Metres from which a person is photographed; a capture without a scale is brought to it."""

_FEWEST_POINTS = 30
_PLANE_TRIES = 400
_STEEPEST_FLOOR = np.cos(np.radians(25.0))
_LEVEL = 0.25


def find_frame(cameras: Sequence[Camera], points: np.ndarray | None, settings: FrameSettings) -> np.ndarray:
    """Find the similarity that stands a capture upright: floor at z = 0, subject over the origin, metres.

    Up is the direction across which the cameras' horizontal axes lie, refined by the floor if the points show one.
    The centre is the point that all look at. Without a floor among the points, it is taken to lie as far below the
    centre as a person's feet.

    Args:
        cameras: At least one, in the capture's own frame.
        points: (N, 3) sparse points in it, or None.
        settings: What is given instead of found.

    Returns:
        (4, 4) float64 from the capture's own frame to the found one: s R x + t.
    """
    centre = focus_point(cameras) if settings.centre is None else np.array(settings.centre)
    distances = np.linalg.norm(np.stack([camera.position for camera in cameras]) - centre, axis=1)
    distance = float(np.median(distances))
    scale = settings.scale or (USUAL_DISTANCE / distance if distance > 1e-9 else 1.0)
    up = up_of_cameras(cameras) if settings.up is None else _unit(np.array(settings.up))
    near = None
    if points is not None:
        near = points[np.linalg.norm(points - centre, axis=1) < 2 * max(distance, 1e-9)]
    floor = None
    if near is not None and len(near) >= _FEWEST_POINTS:
        plane = floor_plane(near, up, 0.01 * distance)
        if plane is not None:
            normal, floor = plane
            if settings.up is None:
                up = normal
    rotation = _upright(up, cameras[0], settings.turn)
    if floor is None:
        floor = float(up @ centre) - 0.9 / scale
    base = centre + (floor - float(up @ centre)) * up
    frame = np.eye(4)
    frame[:3, :3] = scale * rotation
    frame[:3, 3] = -scale * rotation @ base + np.array([0.0, 0.0, settings.lift])
    return frame


def focus_point(cameras: Sequence[Camera]) -> np.ndarray:
    """Return the point nearest to all viewing axes.

    Args:
        cameras: At least one.

    Returns:
        (3,) float64.
    """
    forward = np.stack([camera.forward for camera in cameras])
    across = np.eye(3) - forward[:, :, None] * forward[:, None, :]
    positions = np.stack([camera.position for camera in cameras])
    # A little of the mean position keeps parallel axes solvable.
    system = across.sum(axis=0) + 1e-6 * np.eye(3)
    right = np.einsum("vij,vj->i", across, positions) + 1e-6 * positions.mean(axis=0)
    return np.asarray(np.linalg.solve(system, right))


def up_of_cameras(cameras: Sequence[Camera]) -> np.ndarray:
    """Return the direction that people who hold their cameras level call up.

    Args:
        cameras: At least one.

    Returns:
        (3,) float64, unit length.
    """
    mean = np.mean([camera.camera_to_world[:3, 1] for camera in cameras], axis=0)
    sideways = np.stack([camera.camera_to_world[:3, 0] for camera in cameras])
    values, vectors = np.linalg.eigh(sideways.T @ sideways / len(sideways))
    # Only cameras that look several ways leave one direction across all their horizontals; some may be held upright.
    if values[1] > 4 * values[0] + 0.02 and abs(vectors[:, 0] @ mean) > _LEVEL * np.linalg.norm(mean):
        return _unit(vectors[:, 0] * np.sign(vectors[:, 0] @ mean))
    return _unit(mean) if np.linalg.norm(mean) > 1e-6 else np.array([0.0, 0.0, 1.0])


def floor_plane(points: np.ndarray, up: np.ndarray, tolerance: float) -> tuple[np.ndarray, float] | None:
    """Find the floor among points: the plane across up with most of them, of which hardly any lie below.

    Args:
        points: (N, 3).
        up: (3,) unit vector, roughly.
        tolerance: How far a point of the plane may lie off it.

    Returns:
        Normal (3,), upwards, and its height along the normal; None where no plane has a tenth of the points.
    """
    random = np.random.default_rng(0)
    # Floors lie low: triples are drawn from the lower half.
    heights = points @ up
    low = points[heights <= np.median(heights)]
    best: tuple[int, np.ndarray, float] | None = None
    for _ in range(_PLANE_TRIES):
        a, b, c = low[random.choice(len(low), 3, replace=False)]
        normal = np.cross(b - a, c - a)
        length = float(np.linalg.norm(normal))
        if length < 1e-12:
            continue
        normal = normal / length * np.sign(normal @ up or 1.0)
        if normal @ up < _STEEPEST_FLOOR:
            continue
        above = points @ normal - a @ normal
        if (above < -3 * tolerance).mean() > 0.05:
            continue
        count = int((np.abs(above) < tolerance).sum())
        if best is None or count > best[0]:
            best = count, normal, float(a @ normal)
    if best is None or best[0] < 0.1 * len(points):
        return None
    on = points[np.abs(points @ best[1] - best[2]) < 2 * tolerance]
    middle = on.mean(axis=0)
    _, _, axes = np.linalg.svd(on - middle, full_matrices=False)
    normal = axes[2] * np.sign(axes[2] @ up or 1.0)
    return normal, float(middle @ normal)


def transformed(camera: Camera, frame: np.ndarray) -> Camera:
    """Return a camera in another frame.

    Args:
        camera: In the frame that `frame` starts from.
        frame: (4, 4) similarity.
    """
    matrix = frame @ camera.camera_to_world
    matrix[:3, :3] /= frame_scale(frame)
    return Camera(matrix, camera.fx, camera.fy, camera.cx, camera.cy, camera.width, camera.height)


def frame_scale(frame: np.ndarray) -> float:
    """Return by how much a similarity enlarges.

    Args:
        frame: (4, 4).
    """
    return float(np.cbrt(np.linalg.det(frame[:3, :3])))


def apply_frame(frame: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Transform points.

    Args:
        frame: (4, 4).
        points: (N, 3).

    Returns:
        (N, 3) float64.
    """
    return np.asarray(points @ frame[:3, :3].T + frame[:3, 3])


def scene_bounds(cameras: Sequence[Camera], points: np.ndarray | None) -> np.ndarray:
    """Return a box for what is seen around the origin of a found frame.

    Args:
        cameras: In the found frame.
        points: (N, 3) sparse points in it, or None.

    Returns:
        (2, 3) float64, metres.
    """
    reach = float(np.max([np.linalg.norm(camera.position[:2]) for camera in cameras]))
    reach = max(reach, 0.5)
    height = max(float(np.max([camera.position[2] for camera in cameras])), 0.5 * reach)
    box = np.array([[-reach, -reach, -0.1], [reach, reach, max(height, 0.7 * reach)]])
    if points is None or len(points) < _FEWEST_POINTS:
        return box
    near = points[(np.abs(points[:, :2]) < 2 * reach).all(axis=1) & (np.abs(points[:, 2]) < 2 * reach)]
    if len(near) < _FEWEST_POINTS:
        return box
    low, high = np.quantile(near, [0.01, 0.99], axis=0)
    margin = 0.1 * (high - low) + 0.05
    return np.stack([np.minimum(low - margin, [-0.5, -0.5, -0.1]), np.maximum(high + margin, 0.5)])


def _upright(up: np.ndarray, first: Camera, turn: float) -> np.ndarray:
    """Rotation that makes `up` z, and lets the first camera look along y, so that a subject in front of it faces -y."""
    forward = first.forward - (first.forward @ up) * up
    if np.linalg.norm(forward) < 1e-6:
        forward = first.camera_to_world[:3, 1] - (first.camera_to_world[:3, 1] @ up) * up
    forward = _unit(forward)
    rotation = np.stack([np.cross(forward, up), forward, up])
    angle = np.radians(turn)
    about = np.array([[np.cos(angle), -np.sin(angle), 0.0], [np.sin(angle), np.cos(angle), 0.0], [0.0, 0.0, 1.0]])
    return np.asarray(about @ rotation)


def _unit(vector: np.ndarray) -> np.ndarray:
    return np.asarray(vector / np.linalg.norm(vector))
