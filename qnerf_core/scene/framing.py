"""What becomes of every picture: undistorted, turned upright, resized, and cut or bordered to one shape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from PIL import Image
from scipy import ndimage

from qnerf_core.scene.camera import Camera
from qnerf_core.scene.capture_settings import CaptureSettings
from qnerf_core.scene.lens import Lens
from qnerf_core.scene.pictures import Header, turned
from qnerf_core.scene.raw import RawView

# A distorted picture is looked up in one so much finer than the result.
_FINENESS = 1.5
_QUARTERS = {3: 2, 6: 3, 8: 1}
"""By EXIF's orientation, how often a picture is turned a quarter against the clock to be upright."""


@dataclass(frozen=True, eq=False)
class PicturePlan:
    """How one picture is prepared.

    Attributes:
        lens: Of the picture as its pose knows it.
        orientation: EXIF's, applied to the stored picture before anything else; 1 = nothing.
        whole: The undistorted, resized picture's camera, not turned yet, in the capture's own frame.
        quarters: How often it is then turned a quarter against the clock, with its camera.
        upright: `whole` after that.
        camera: The final one, in the capture's own frame; differs from `upright` by `offset` and size only.
        offset: (x, y) of the final picture's corner in the upright one, pixels; negative where it is bordered.
    """

    lens: Lens
    orientation: int
    whole: Camera
    quarters: int
    upright: Camera
    camera: Camera
    offset: tuple[int, int]


def plan_pictures(views: Sequence[RawView], headers: Sequence[Header], settings: CaptureSettings) -> list[PicturePlan]:
    """Decide what becomes of every picture.

    Args:
        views: Of a capture.
        headers: Of their pictures.
        settings: Of the capture.

    Returns:
        One plan per view.
    """
    posed = [_posed(view, header) for view, header in zip(views, headers, strict=True)]
    sizes = []
    for lens, _, quarters in posed:
        sizes.append((lens.height, lens.width) if quarters % 2 else (lens.width, lens.height))
    shape = settings.shape
    if shape == "auto":
        same = len(set(sizes)) == 1 and settings.aspect is None
        shape = "keep" if same else "crop"
    canvas = _canvas(sizes, settings)
    plans = []
    for view, (lens, orientation, quarters), size in zip(views, posed, sizes, strict=True):
        if shape == "keep":
            scale = min(1.0, settings.longest_side / max(size))
        else:
            across, down = canvas[0] / size[0], canvas[1] / size[1]
            scale = max(across, down) if shape == "crop" else min(across, down)
        pinhole = lens.undistorted()
        whole = pinhole.camera(view.camera_to_world).scaled(
            max(1, round(pinhole.width * scale)), max(1, round(pinhole.height * scale))
        )
        upright = turned_camera(whole, quarters)
        final = canvas if shape != "keep" else (upright.width, upright.height)
        offset = ((upright.width - final[0]) // 2, (upright.height - final[1]) // 2)
        camera = replace(upright, cx=upright.cx - offset[0], cy=upright.cy - offset[1], width=final[0], height=final[1])
        plans.append(PicturePlan(lens, orientation, whole, quarters, upright, camera, offset))
    return plans


def turned_camera(camera: Camera, quarters: int) -> Camera:
    """Return the camera of a picture turned against the clock.

    Args:
        camera: Of the picture before.
        quarters: How many quarters of a turn, as `numpy.rot90`.
    """
    for _ in range(quarters % 4):
        matrix = camera.camera_to_world.copy()
        right, up = matrix[:3, 0].copy(), matrix[:3, 1].copy()
        matrix[:3, 0], matrix[:3, 1] = -up, right
        camera = Camera(matrix, camera.fy, camera.fx, camera.cy, camera.width - camera.cx, camera.height, camera.width)
    return camera


def decoding_side(plan: PicturePlan) -> int:
    """Return how long the longer side of a decoded picture must be at least, in pixels.

    Args:
        plan: Of the picture.
    """
    return round(_FINENESS * max(plan.whole.width, plan.whole.height))


def whole_picture(pixels: np.ndarray, plan: PicturePlan, *, smooth: bool = True) -> np.ndarray:
    """Undistort, resize and turn a decoded picture.

    Args:
        pixels: (H, W) or (H, W, C), as stored; a smaller copy of it will do.
        plan: Of the picture.
        smooth: Interpolate, as light wants; False takes the nearest, as depth wants.

    Returns:
        The upright picture, uint8 or the type of `pixels`.
    """
    pixels = turned(pixels, plan.orientation)
    whole = plan.whole
    if plan.lens.is_pinhole:
        if pixels.shape[1::-1] != (whole.width, whole.height):
            how = Image.Resampling.LANCZOS if smooth else Image.Resampling.NEAREST
            pixels = np.asarray(Image.fromarray(pixels).resize((whole.width, whole.height), how))
    else:
        pixels = _undistorted(pixels, plan, smooth)
    return np.ascontiguousarray(np.rot90(pixels, plan.quarters))


def final_picture(upright: np.ndarray, plan: PicturePlan, border: int = 0) -> np.ndarray:
    """Cut or border an upright picture.

    Args:
        upright: (H, W) or (H, W, C).
        plan: Of the picture.
        border: Value of what is added.
    """
    x, y = plan.offset
    width, height = plan.camera.width, plan.camera.height
    if (x, y) == (0, 0) and upright.shape[1::-1] == (width, height):
        return upright
    result = np.full((height, width, *upright.shape[2:]), border, dtype=upright.dtype)
    left, top = max(0, x), max(0, y)
    part = upright[top : y + height, left : x + width]
    result[top - y : top - y + part.shape[0], left - x : left - x + part.shape[1]] = part
    return result


def _undistorted(pixels: np.ndarray, plan: PicturePlan, smooth: bool) -> np.ndarray:
    whole, lens = plan.whole, plan.lens
    if smooth:
        # Resampled at the scale of the result, a picture needs no further smoothing.
        scale = min(1.0, whole.fx / lens.fx * lens.width / pixels.shape[1] * _FINENESS)
        size = max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale))
        if size != pixels.shape[1::-1]:
            pixels = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0))
    found = _lookup(lens, whole.fx, whole.fy, whole.cx, whole.cy, whole.width, whole.height)
    columns = found[..., 0] * (pixels.shape[1] / lens.width) - 0.5
    rows = found[..., 1] * (pixels.shape[0] / lens.height) - 0.5
    layers = pixels[..., None] if pixels.ndim == 2 else pixels
    order = 1 if smooth else 0
    result = np.stack(
        [
            ndimage.map_coordinates(layers[..., index], [rows, columns], order=order, mode="nearest")
            for index in range(layers.shape[2])
        ],
        axis=-1,
    )
    return result[..., 0] if pixels.ndim == 2 else result


@lru_cache(maxsize=2)
def _lookup(lens: Lens, fx: float, fy: float, cx: float, cy: float, width: int, height: int) -> np.ndarray:
    """For the pictures of one lens, which mostly come one after the other."""
    return lens.lookup(Camera(np.eye(4), fx, fy, cx, cy, width, height))


def _posed(view: RawView, header: Header) -> tuple[Lens, int, int]:
    """The lens, how the stored picture is turned for it, and how it is turned afterwards with its camera."""
    lens, orientation = view.lens, header.orientation
    stored, upright = (header.width, header.height), header.upright_size
    size = (lens.width, lens.height)
    before = view.turned if view.turned is not None else size == upright != stored
    if before:
        return lens, orientation, 0
    return lens, 1, _QUARTERS.get(orientation, 0)


def _canvas(sizes: Sequence[tuple[int, int]], settings: CaptureSettings) -> tuple[int, int]:
    width, height = Counter(sizes).most_common(1)[0][0]
    aspect = settings.aspect or width / height
    longest = min(settings.longest_side, max(width, height))
    if aspect >= 1:
        return longest, max(1, round(longest / aspect))
    return max(1, round(longest * aspect)), longest
