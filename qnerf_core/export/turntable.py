"""A camera's way around the subject, filmed from a radiance field."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import imageio_ffmpeg
import numpy as np
from PIL import Image

from qnerf_core import files
from qnerf_core.field.radiance import RadianceField
from qnerf_core.scene.camera import Camera

FRAMES_PER_SECOND = 24


def centre_of_attention(cameras: Sequence[Camera]) -> np.ndarray:
    """The point (3,) closest to all viewing axes, in the least-squares sense, metres."""
    axes = np.stack([camera.forward for camera in cameras])
    positions = np.stack([camera.position for camera in cameras])
    projectors = np.eye(3) - axes[:, :, None] * axes[:, None, :]
    right_side = (projectors @ positions[..., None]).sum(axis=0)[:, 0]
    centre: np.ndarray = np.linalg.lstsq(projectors.sum(axis=0), right_side, rcond=None)[0]
    return centre


def orbit(cameras: Sequence[Camera], frames: int, size: tuple[int, int] | None = None) -> list[Camera]:
    """Cameras on a full circle like the one that the given ones stand on.

    The centre is the point closest to all viewing axes; radius and height are the mean of the given cameras. The
    world's z axis is up.

    Args:
        cameras: At least two, not all looking along one direction.
        frames: How many to make.
        size: (width, height) in pixels; None keeps the first camera's.

    Returns:
        ``frames`` cameras, the first one above the first given camera's direction, going counter-clockwise from above.
    """
    centre = centre_of_attention(cameras)
    offsets = np.stack([camera.position for camera in cameras]) - centre
    radius = float(np.hypot(offsets[:, 0], offsets[:, 1]).mean())
    height = float(offsets[:, 2].mean())
    first = float(np.arctan2(offsets[0, 1], offsets[0, 0]))
    template = cameras[0].scaled(*size) if size else cameras[0]
    result = []
    for angle in first + np.arange(frames) * 2 * np.pi / frames:
        offset = np.array([radius * np.cos(angle), radius * np.sin(angle), height])
        backward = offset / np.linalg.norm(offset)
        right = np.array([-np.sin(angle), np.cos(angle), 0.0])
        matrix = np.eye(4)
        matrix[:3, :3] = np.stack([right, np.cross(backward, right), backward], axis=1)
        matrix[:3, 3] = centre + offset
        result.append(
            Camera(matrix, template.fx, template.fy, template.cx, template.cy, template.width, template.height)
        )
    return result


def render_frames(
    field: RadianceField, cameras: Sequence[Camera], progress: Callable[[int, int], None] | None = None
) -> list[np.ndarray]:
    """Render a field from every camera.

    Args:
        field: The field.
        cameras: Where from.
        progress: Called with frames done and their number.

    Returns:
        uint8 (H, W, 3) pictures.
    """
    frames = []
    for index, camera in enumerate(cameras):
        rgb = field.render(camera).rgb.clamp(0, 1).mul(255).round().byte()
        frames.append(rgb.permute(1, 2, 0).contiguous().numpy())
        if progress:
            progress(index + 1, len(cameras))
    return frames


def write_video(frames: Sequence[np.ndarray], path: Path | str, fps: int = FRAMES_PER_SECOND) -> None:
    """Write pictures as an mp4 (H.264, 4:2:0, plays in browsers).

    Args:
        frames: uint8 (H, W, 3), all of one size; an odd last row or column is left out, as the format demands.
        path: Ends with ``.mp4``.
        fps: Frames per second.

    Raises:
        ValueError: There are no frames.
    """
    if not frames:
        raise ValueError("a video needs at least one frame")
    height, width = (length - length % 2 for length in frames[0].shape[:2])
    with files.atomic_path(path) as temporary:
        writer = imageio_ffmpeg.write_frames(
            str(temporary),
            (width, height),
            fps=fps,
            codec="libx264",
            quality=8,
            macro_block_size=1,
            output_params=["-movflags", "+faststart", "-threads", "1"],
            ffmpeg_log_level="error",
        )
        writer.send(None)
        for frame in frames:
            writer.send(np.ascontiguousarray(frame[:height, :width]))
        writer.close()


def contact_sheet(frames: Sequence[np.ndarray], columns: int = 6) -> np.ndarray:
    """All pictures in one, row by row.

    Args:
        frames: uint8 (H, W, 3), all of one size, at least one.
        columns: Pictures in a row.

    Returns:
        uint8 picture; unused places are white.
    """
    height, width = frames[0].shape[:2]
    columns = min(columns, len(frames))
    rows = -(-len(frames) // columns)
    sheet = Image.new("RGB", (columns * width, rows * height), "white")
    for index, frame in enumerate(frames):
        sheet.paste(Image.fromarray(frame), (index % columns * width, index // columns * height))
    return np.asarray(sheet)


def export_turntable(
    field: RadianceField,
    cameras: Sequence[Camera],
    out: Path | str,
    frames: int = 48,
    size: tuple[int, int] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[np.ndarray]:
    """Film a turntable: ``turntable.mp4`` and a contact sheet of twelve frames, ``turntable.png``.

    Args:
        field: The field.
        cameras: Of the capture; the way goes where they stand.
        out: Folder.
        frames: Length of the video in frames.
        size: (width, height) of the video; None is the cameras' own.
        progress: Called with frames done and their number.

    Returns:
        The frames, uint8 (H, W, 3).
    """
    pictures = render_frames(field, orbit(cameras, frames, size), progress)
    write_video(pictures, Path(out) / "turntable.mp4")
    files.write_image(Path(out) / "turntable.png", contact_sheet(pictures[:: max(1, frames // 12)][:12]))
    return pictures
