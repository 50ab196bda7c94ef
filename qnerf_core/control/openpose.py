"""OpenPose body-18 pictures as the pose ControlNets of Stable Diffusion expect them (method card, section 2)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from qnerf_core.scene.camera import Camera

DrawingStyle = Literal["v1.0", "v1.1"]

LIMBS: tuple[tuple[int, int], ...] = (
    (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10),
    (1, 11), (11, 12), (12, 13), (1, 0), (0, 14), (14, 16), (0, 15), (15, 17),
)  # fmt: skip
"""The 17 limbs in drawing order, as pairs of OpenPose-18 indices."""

COLOURS: tuple[tuple[int, int, int], ...] = (
    (255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0), (170, 255, 0), (85, 255, 0),
    (0, 255, 0), (0, 255, 85), (0, 255, 170), (0, 255, 255), (0, 170, 255), (0, 85, 255),
    (0, 0, 255), (85, 0, 255), (170, 0, 255), (255, 0, 255), (255, 0, 170), (255, 0, 85),
)  # fmt: skip
"""RGB; limb i and keypoint i share colour i."""

LIMB_STRENGTH = 0.6
REFERENCE_HEIGHT = 512
# OpenCV fills a radius of r pixels over 2 r + 1 pixels: the boundary pixels belong to the figure.
REFERENCE_RADIUS = 4.5

_LIMB_LABEL, _JOINT_LABEL = 1, 1 + len(LIMBS)
_LIMB_COLOURS = [tuple(int(LIMB_STRENGTH * channel) for channel in colour) for colour in COLOURS[: len(LIMBS)]]
_PALETTE = np.array([(0, 0, 0), *_LIMB_COLOURS, *COLOURS], dtype=np.uint8)

_NOSE, _RIGHT_EYE, _LEFT_EYE, _RIGHT_EAR, _LEFT_EAR = 0, 14, 15, 16, 17
_NEAREST_DEPTH = 0.01
_FARTHEST_PIXEL = 1e7
# Cosines between a face point's outward direction and the direction to the camera below which OpenPose loses the point.
# The nose stands out, so it survives a little more than a full profile; an ear is seen well past the side of the head,
# front and back.
_NOSE_LIMIT = -0.3
_EYE_LIMIT = 0.0
_EAR_LIMIT = -0.45
_EYE_OUTWARD = np.radians(30.0)


def draw_openpose(
    pixels: np.ndarray, visible: np.ndarray, width: int, height: int, style: DrawingStyle = "v1.1"
) -> np.ndarray:
    """Draws one figure on a black canvas.

    Limbs are filled ellipses of half-width 4 px at an image height of 512, joints filled circles of radius 4 px;
    both scale with the height. Edges are hard, as OpenCV draws them by default. Unlike the original code, positions
    are not cut to whole pixels, so that the picture follows small movements at small sizes (edges differ by at most a
    pixel).

    Args:
        pixels: (18, 2) positions in pixels, x right, y down, pixel centres at +0.5. May lie outside the image.
        visible: (18,) bool. A point that is not visible or not finite is skipped with its limbs.
        width: image width in pixels.
        height: image height in pixels.
        style: "v1.0" paints the joints first and blends each limb 0.6 over them (`lllyasviel/sd-controlnet-openpose`);
            "v1.1" paints the limbs at 0.6 of their colour and the joints on top at full colour
            (`lllyasviel/control_v11p_sd15_openpose`).

    Returns:
        (height, width, 3) uint8 RGB.

    Raises:
        ValueError: wrong shapes or an unknown style.
    """
    points = np.asarray(pixels, dtype=np.float64)
    shown = np.asarray(visible, dtype=bool)
    if points.shape != (18, 2) or shown.shape != (18,):
        raise ValueError(f"expected pixels (18, 2) and visible (18,), got {points.shape} and {shown.shape}")
    if style not in ("v1.0", "v1.1"):
        raise ValueError(f"unknown drawing style {style!r}: use 'v1.0' or 'v1.1'")
    # A point in the camera's own plane projects towards infinity: nothing sensible can be drawn of it (nor of NaN).
    shown = shown & (np.abs(points) < _FARTHEST_PIXEL).all(axis=1)
    radius = REFERENCE_RADIUS * height / REFERENCE_HEIGHT
    disc = (1.0, 0.0, radius, radius)
    joints = [_Ellipse(x, y, *disc) if seen else None for (x, y), seen in zip(points.tolist(), shown, strict=True)]
    limbs = [
        _limb(points[start].tolist(), points[end].tolist(), radius) if shown[start] and shown[end] else None
        for start, end in LIMBS
    ]
    # One byte a pixel while painting, looked up once at the end: three times faster than painting three channels.
    labels = np.zeros((height, width), dtype=np.uint8)
    if style == "v1.0":
        _paint(labels, joints, first_label=_JOINT_LABEL)
        canvas = _PALETTE.take(labels, axis=0)
        for ellipse, colour in zip(limbs, COLOURS[: len(LIMBS)], strict=True):
            if ellipse is not None:
                _blend(canvas, ellipse, colour)
        return canvas
    _paint(labels, limbs, first_label=_LIMB_LABEL)
    _paint(labels, joints, first_label=_JOINT_LABEL)
    return _PALETTE.take(labels, axis=0)


def skeleton_image(keypoints: np.ndarray, camera: Camera, style: DrawingStyle = "v1.1") -> np.ndarray:
    """Draws the figure that a camera sees.

    Args:
        keypoints: (18, 3) OpenPose-18 keypoints in the world, metres.
        camera: the view; gives the size of the picture.
        style: see `draw_openpose`.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    pixels, depth = camera.project(np.asarray(keypoints, dtype=np.float64))
    visible = (depth > _NEAREST_DEPTH) & visible_face_points(keypoints, camera.position)
    return draw_openpose(pixels, visible, camera.width, camera.height, style)


def visible_face_points(keypoints: np.ndarray, viewpoint: np.ndarray) -> np.ndarray:
    """Says which keypoints OpenPose would report, given the way the head faces (method card, section 1.8).

    The nose and the eyes go when the head looks away, the far eye in profile, and the far ear: otherwise a ControlNet
    paints a second face on the back of the head. Points of the body always stay.

    Args:
        keypoints: (18, 3) world positions.
        viewpoint: (3,) world position of the camera.

    Returns:
        (18,) bool.
    """
    points = np.asarray(keypoints, dtype=np.float64)
    visible = np.ones(18, dtype=bool)
    centre = 0.5 * (points[_LEFT_EAR] + points[_RIGHT_EAR])
    left = _unit(points[_LEFT_EAR] - points[_RIGHT_EAR])
    ahead = points[_NOSE] - centre
    ahead = _unit(ahead - left * (ahead @ left))
    to_camera = np.asarray(viewpoint, dtype=np.float64) - centre
    to_camera = _unit(to_camera)
    facing, sideways = float(ahead @ to_camera), float(left @ to_camera)
    nose = facing > _NOSE_LIMIT
    cos_eye, sin_eye = np.cos(_EYE_OUTWARD), np.sin(_EYE_OUTWARD)
    visible[_NOSE] = nose
    visible[_LEFT_EYE] = nose and cos_eye * facing + sin_eye * sideways > _EYE_LIMIT
    visible[_RIGHT_EYE] = nose and cos_eye * facing - sin_eye * sideways > _EYE_LIMIT
    visible[_LEFT_EAR] = sideways > _EAR_LIMIT
    visible[_RIGHT_EAR] = -sideways > _EAR_LIMIT
    return visible


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(float(np.linalg.norm(vector)), 1e-12)


class _Ellipse(NamedTuple):
    """Centre, unit direction of the first axis and half axes, pixels."""

    x: float
    y: float
    cos: float
    sin: float
    half_length: float
    half_width: float

    def cover(self, height: int, width: int) -> tuple[tuple[slice, slice], np.ndarray] | None:
        """The part of the image that holds the ellipse and a mask of the pixel centres inside; None when outside."""
        reach_x = math.hypot(self.half_length * self.cos, self.half_width * self.sin)
        reach_y = math.hypot(self.half_length * self.sin, self.half_width * self.cos)
        left, right = max(int(self.x - reach_x), 0), min(int(self.x + reach_x) + 1, width)
        top, bottom = max(int(self.y - reach_y), 0), min(int(self.y + reach_y) + 1, height)
        if left >= right or top >= bottom:
            return None
        x = np.arange(left, right) + (0.5 - self.x)
        y = (np.arange(top, bottom) + (0.5 - self.y))[:, None]
        along = (self.cos / self.half_length) * x + (self.sin / self.half_length) * y
        across = (self.cos / self.half_width) * y - (self.sin / self.half_width) * x
        return (slice(top, bottom), slice(left, right)), along * along + across * across <= 1.0


def _limb(start: list[float], end: list[float], radius: float) -> _Ellipse:
    along_x, along_y = end[0] - start[0], end[1] - start[1]
    length = math.hypot(along_x, along_y)
    cos, sin = (along_x / length, along_y / length) if length > 1e-9 else (1.0, 0.0)
    # The tips reach half a (scaled) pixel further for the same reason that a radius of 4 covers 9 pixels.
    half_length = 0.5 * length + radius / (2.0 * REFERENCE_RADIUS)
    return _Ellipse(0.5 * (start[0] + end[0]), 0.5 * (start[1] + end[1]), cos, sin, half_length, radius)


def _paint(labels: np.ndarray, ellipses: Sequence[_Ellipse | None], first_label: int) -> None:
    for label, ellipse in enumerate(ellipses, first_label):
        covered = ellipse.cover(*labels.shape) if ellipse is not None else None
        if covered is not None:
            np.copyto(labels[covered[0]], label, where=covered[1], casting="unsafe")


def _blend(canvas: np.ndarray, ellipse: _Ellipse, colour: tuple[int, int, int]) -> None:
    covered = ellipse.cover(*canvas.shape[:2])
    if covered is not None:
        region = canvas[covered[0]]
        mixed = region * np.float32(1.0 - LIMB_STRENGTH) + (LIMB_STRENGTH * np.asarray(colour, np.float32))
        np.copyto(region, np.rint(mixed).astype(np.uint8), where=covered[1][..., None])
