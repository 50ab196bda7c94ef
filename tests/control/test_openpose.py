from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qnerf_core.control.openpose import draw_openpose, skeleton_image, visible_face_points
from qnerf_core.scene.camera import Camera

# Written out again from the method card, so that a slip in the module's tables shows.
LIMBS_FROM_ONE = "2-3 2-6 3-4 4-5 6-7 7-8 2-9 9-10 10-11 2-12 12-13 13-14 2-1 1-15 15-17 1-16 16-18"
COLOURS = [
    (255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0), (170, 255, 0), (85, 255, 0), (0, 255, 0), (0, 255, 85),
    (0, 255, 170), (0, 255, 255), (0, 170, 255), (0, 85, 255), (0, 0, 255), (85, 0, 255), (170, 0, 255), (255, 0, 255),
    (255, 0, 170), (255, 0, 85),
]  # fmt: skip

# A figure 1.7 m tall facing world -y (its left is +x), as keypoints in the world.
FIGURE = np.array([
    (0, -0.12, 1.6), (0, 0, 1.42), (-0.18, 0, 1.4), (-0.25, 0, 1.12), (-0.27, -0.03, 0.87), (0.18, 0, 1.4),
    (0.25, 0, 1.12), (0.27, -0.03, 0.87), (-0.1, 0, 0.9), (-0.11, 0, 0.5), (-0.11, 0.03, 0.08), (0.1, 0, 0.9),
    (0.11, 0, 0.5), (0.11, 0.03, 0.08), (-0.035, -0.1, 1.64), (0.035, -0.1, 1.64), (-0.075, 0, 1.62), (0.075, 0, 1.62),
])  # fmt: skip
NOSE, RIGHT_EYE, LEFT_EYE, RIGHT_EAR, LEFT_EAR = 0, 14, 15, 16, 17


def camera_at(angle: float, distance: float = 3.0, size: int = 128) -> Camera:
    """Looks at the figure's middle; angle 0 is in front of it (world -y), positive towards its left."""
    position = np.array([distance * math.sin(angle), -distance * math.cos(angle), 1.0])
    back = (position - np.array([0, 0, 0.9])) / np.linalg.norm(position - np.array([0, 0, 0.9]))
    right = np.cross([0, 0, 1.0], back)
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :4] = np.stack([right, np.cross(back, right), back, position], axis=1)
    return Camera(pose, 1.2 * size, 1.2 * size, size / 2, size / 2, size, size)


def slow_reference(pixels: np.ndarray, visible: np.ndarray, width: int, height: int, style: str) -> np.ndarray:
    """Pixel by pixel, figure after figure, in plain Python."""
    scale = height / 512
    limbs = [tuple(int(n) - 1 for n in pair.split("-")) for pair in LIMBS_FROM_ONE.split()]
    canvas = [[(0.0, 0.0, 0.0) for _ in range(width)] for _ in range(height)]

    def joints() -> None:
        for joint in range(18):
            if not visible[joint]:
                continue
            for row in range(height):
                for column in range(width):
                    if math.hypot(column + 0.5 - pixels[joint][0], row + 0.5 - pixels[joint][1]) <= 4.5 * scale:
                        canvas[row][column] = COLOURS[joint]

    if style == "v1.0":
        joints()
    for limb, (a, b) in enumerate(limbs):
        if not (visible[a] and visible[b]):
            continue
        middle = (pixels[a] + pixels[b]) / 2
        angle = math.atan2(pixels[b][1] - pixels[a][1], pixels[b][0] - pixels[a][0])
        half = math.dist(pixels[a], pixels[b]) / 2 + 0.5 * scale
        for row in range(height):
            for column in range(width):
                dx, dy = column + 0.5 - middle[0], row + 0.5 - middle[1]
                along = dx * math.cos(angle) + dy * math.sin(angle)
                across = dy * math.cos(angle) - dx * math.sin(angle)
                if (along / half) ** 2 + (across / (4.5 * scale)) ** 2 > 1:
                    continue
                if style == "v1.0":
                    mixed = zip(canvas[row][column], COLOURS[limb], strict=True)
                    canvas[row][column] = tuple(round(0.4 * old + 0.6 * new) for old, new in mixed)
                else:
                    canvas[row][column] = tuple(int(0.6 * new) for new in COLOURS[limb])
    if style == "v1.1":
        joints()
    return np.array(canvas, dtype=np.uint8)


@pytest.mark.parametrize("style", ["v1.0", "v1.1"])
@pytest.mark.parametrize("missing", [(), (3, 14)])
def test_matches_a_slow_drawing(style: str, missing: tuple[int, ...]) -> None:
    pixels, _ = camera_at(0.5, size=96).project(FIGURE)
    visible = np.ones(18, dtype=bool)
    visible[list(missing)] = False
    drawn = draw_openpose(pixels, visible, 80, 96, style)
    expected = slow_reference(pixels, visible, 80, 96, style)
    # A pixel centre exactly on an edge may fall either way.
    assert (drawn != expected).any(axis=-1).sum() <= 3


def test_joint_covers_what_opencv_covers_at_512() -> None:
    visible = np.zeros(18, dtype=bool)
    visible[0] = True
    drawn = draw_openpose(np.full((18, 2), 100.5), visible, 512, 512)
    rows, columns = np.nonzero(drawn.any(axis=-1))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (96, 104, 96, 104)
    assert (drawn[100, 100] == COLOURS[0]).all()


def test_styles_differ_as_documented() -> None:
    pixels = np.full((18, 2), np.nan)
    pixels[1], pixels[2] = (60.5, 100.5), (140.5, 100.5)
    visible = np.zeros(18, dtype=bool)
    visible[[1, 2]] = True
    old, new = (draw_openpose(pixels, visible, 200, 512, style) for style in ("v1.0", "v1.1"))
    assert tuple(new[100, 100]) == (153, 0, 0)
    assert tuple(old[100, 100]) == (153, 0, 0)
    assert tuple(new[100, 60]) == COLOURS[1]
    assert tuple(old[100, 61]) == (255, round(0.4 * 85), 0)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), min_size=36, max_size=36))
def test_any_input_is_drawn_or_skipped(values: list[float]) -> None:
    drawn = draw_openpose(np.array(values).reshape(18, 2), np.ones(18, dtype=bool), 40, 32)
    assert drawn.shape == (32, 40, 3)
    assert drawn.dtype == np.uint8


def test_scaled_picture_is_the_small_picture() -> None:
    large = skeleton_image(FIGURE, camera_at(0.3, size=512)).astype(float)
    small = skeleton_image(FIGURE, camera_at(0.3, size=256)).astype(float)
    halved = large.reshape(256, 2, 256, 2, 3).mean(axis=(1, 3))
    covered = (large.any(axis=-1).mean(), small.any(axis=-1).mean())
    assert covered[1] == pytest.approx(covered[0], rel=0.05)
    assert np.abs(halved - small).mean() < 2.0


def test_face_points_follow_the_head() -> None:
    def seen(degrees: float) -> set[int]:
        visible = visible_face_points(FIGURE, camera_at(math.radians(degrees)).position)
        assert visible[1:14].all()
        return {int(i) for i in np.flatnonzero(visible)} - set(range(1, 14))

    assert seen(0) == {NOSE, RIGHT_EYE, LEFT_EYE, RIGHT_EAR, LEFT_EAR}
    assert seen(90) == {NOSE, LEFT_EYE, LEFT_EAR}
    assert seen(-90) == {NOSE, RIGHT_EYE, RIGHT_EAR}
    assert seen(180) == {RIGHT_EAR, LEFT_EAR}
    assert seen(130) == {LEFT_EAR}
    assert seen(-130) == {RIGHT_EAR}


def test_back_view_has_no_face() -> None:
    front, back = (skeleton_image(FIGURE, camera_at(angle, size=256)) for angle in (0.0, math.pi))
    nose_to_neck = np.array([int(0.6 * c) for c in COLOURS[12]])
    assert (front == nose_to_neck).all(axis=-1).any()
    assert not (back == nose_to_neck).all(axis=-1).any()
    assert not (back == COLOURS[NOSE]).all(axis=-1).any()


def test_points_behind_the_camera_are_dropped() -> None:
    # 10 cm before the chest: the arms lie beside the camera, what is behind it must leave no trace.
    inside = camera_at(0.0, distance=-0.05)
    in_front = inside.project(FIGURE)[1] > 0.01
    assert 0 < in_front.sum() < 18
    drawn = skeleton_image(FIGURE, inside)
    for joint in np.flatnonzero(~in_front):
        assert not (drawn == COLOURS[joint]).all(axis=-1).any()


def test_wrong_input_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(18, 2\)"):
        draw_openpose(np.zeros((17, 2)), np.ones(17, dtype=bool), 8, 8)
    with pytest.raises(ValueError, match="style"):
        draw_openpose(np.zeros((18, 2)), np.ones(18, dtype=bool), 8, 8, "v2")  # type: ignore[arg-type] # meant to fail
