from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from qnerf_core import files
from qnerf_core.errors import Cancelled, CaptureError
from qnerf_core.export.original_frame import write_original_frame
from qnerf_core.scene.camera import Camera
from qnerf_core.scene.capture import load_scene
from qnerf_core.scene.capture_settings import CaptureSettings, FrameSettings, write_settings
from qnerf_core.scene.frame import find_frame, transformed
from qnerf_core.scene.lens import Lens
from qnerf_core.scene.opening import open_capture
from qnerf_core.scene.scene import Scene, load_image, load_images, load_mask
from qnerf_core.scene.validation import inspect_capture
from tests.scene.captures import edit_frame, edit_json, look_at, write_capture


def smooth(columns: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """A picture that is known everywhere, by its place on the image plane."""
    return np.stack(
        [0.5 + 0.4 * np.sin(5 * columns), 0.5 + 0.4 * np.cos(4 * rows), 0.5 + 0.4 * np.sin(columns * 6 - 3 * rows)]
    )


def plane_of(camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    columns, rows = np.meshgrid(np.arange(camera.width) + 0.5, np.arange(camera.height) + 0.5)
    return (columns - camera.cx) / camera.fx, (rows - camera.cy) / camera.fy


def render(lens: Lens) -> np.ndarray:
    """The picture of a distorted lens, by inverting it pixel by pixel."""
    columns, rows = np.meshgrid(np.arange(lens.width) + 0.5, np.arange(lens.height) + 0.5)
    wanted = np.stack([columns, rows], axis=-1)
    plane = (wanted - [lens.cx, lens.cy]) / [lens.fx, lens.fy]
    for _ in range(60):
        plane = plane - (lens.pixels(plane) - wanted) / [lens.fx, lens.fy]
    assert np.abs(lens.pixels(plane) - wanted).max() < 1e-6
    return np.rint(smooth(plane[..., 0], plane[..., 1]).transpose(1, 2, 0) * 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("keys", "lens"),
    [
        (
            {"k1": -0.1, "k2": 0.02, "p1": 0.002, "p2": -0.001},
            Lens(150, 152, 98, 73, 200, 150, "perspective", (-0.1, 0.02, 0, 0), (0, 0, 0), (0.002, -0.001)),
        ),
        (
            {"camera_model": "OPENCV_FISHEYE", "k1": 0.01, "k2": -0.005, "k3": 0.0, "k4": 0.0},
            Lens(150, 152, 98, 73, 200, 150, "fisheye", (0.01, -0.005, 0.0, 0.0)),
        ),
    ],
)
def test_a_distorted_picture_becomes_what_a_pinhole_sees(
    tmp_path: Path, keys: dict[str, float | str], lens: Lens
) -> None:
    write_capture(tmp_path, masks=False, heldout=())
    edit_json(tmp_path / "transforms.json", fl_x=150, fl_y=152, cx=98, cy=73, w=200, h=150, **keys)
    for index in range(4):
        files.write_image(tmp_path / "images" / f"{index:03d}.png", render(lens))
    scene = open_capture(tmp_path)
    camera = scene.views[2].camera
    expected = smooth(*plane_of(camera))
    assert np.abs(load_image(scene.views[2]) - expected).mean() < 0.006
    assert np.abs(load_image(scene.views[2]) - expected).max() < 0.05
    np.testing.assert_array_equal(camera.camera_to_world, open_capture(tmp_path).views[2].camera.camera_to_world)


def test_a_plain_capture_is_used_where_it_is(tmp_path: Path, home: Path) -> None:
    write_capture(tmp_path)
    assert open_capture(tmp_path).root == tmp_path
    assert not (home / "captures").exists()


def written(folder: Path, index: int, image: Image.Image, exif: int | None = None) -> None:
    record = Image.Exif()
    if exif is not None:
        record[0x0112] = exif
    image.save(folder / "images" / f"{index:03d}.png", exif=record)


@pytest.mark.parametrize(("orientation", "quarters"), [(6, 3), (8, 1), (3, 2)])
def test_a_picture_that_exif_turns_is_shown_upright_with_its_camera(
    tmp_path: Path, orientation: int, quarters: int
) -> None:
    views = write_capture(tmp_path, masks=False, heldout=())
    stored = np.asarray(Image.open(views[1].image_path))
    for index, view in enumerate(views):
        written(tmp_path, index, Image.open(view.image_path), orientation)
    scene = open_capture(tmp_path)
    pixels = files.read_image(scene.views[1].image_path)
    np.testing.assert_array_equal(pixels, np.rot90(stored, quarters))
    # A point keeps its colour: where it is seen in the one it is in the other.
    point = views[1].camera.unproject(np.array([5.5, 3.5]), np.array(2.0))
    (column, row), _ = scene.views[1].camera.project(point)
    np.testing.assert_array_equal(pixels[int(row), int(column)], stored[3, 5])


def test_a_picture_whose_intrinsics_are_upright_is_only_turned(tmp_path: Path) -> None:
    views = write_capture(tmp_path, masks=False, heldout=())
    for index, view in enumerate(views):
        written(tmp_path, index, Image.open(view.image_path).transpose(Image.Transpose.ROTATE_90), 6)
    expected = files.read_image(views[0].image_path)
    scene = open_capture(tmp_path)
    np.testing.assert_array_equal(files.read_image(scene.views[0].image_path), np.rot90(expected, 3))
    assert scene.views[0].camera.fx == views[0].camera.fx


def test_alpha_becomes_background_and_mask(tmp_path: Path) -> None:
    views = write_capture(tmp_path, masks=False, heldout=())
    rgba = np.zeros((16, 24, 4), dtype=np.uint8)
    rgba[4:12, 6:18] = [200, 10, 30, 255]
    for index in range(len(views)):
        written(tmp_path, index, Image.fromarray(rgba))
    write_settings(tmp_path, CaptureSettings(background=(0, 0, 255)))
    scene = open_capture(tmp_path)
    pixels = files.read_image(scene.views[0].image_path)
    assert pixels[0, 0].tolist() == [0, 0, 255]
    assert pixels[5, 7].tolist() == [200, 10, 30]
    np.testing.assert_array_equal(load_mask(scene.views[0]), rgba[..., 3] > 0)


def test_grey_of_16_bits_keeps_its_brightness(tmp_path: Path) -> None:
    views = write_capture(tmp_path, masks=False, heldout=())
    for index in range(len(views)):
        written(tmp_path, index, Image.fromarray(np.full((16, 24), 0x80FF, dtype=np.uint16)))
    assert (files.read_image(open_capture(tmp_path).views[0].image_path) == 0x80).all()


def mixed(folder: Path) -> None:
    """One picture in another shape, of twice the size."""
    write_capture(folder, masks=False, heldout=())
    random = np.random.default_rng(8)
    files.write_image(folder / "images" / "001.png", random.integers(0, 256, (48, 48, 3), dtype=np.uint8))
    edit_frame(folder, 1, w=48, h=48, fl_x=60, fl_y=60, cx=24.5, cy=23)


@pytest.mark.parametrize("shape", ["auto", "pad"])
def test_pictures_of_several_shapes_become_one_and_are_restored(tmp_path: Path, shape: str) -> None:
    capture, out = tmp_path / "capture", tmp_path / "out"
    mixed(capture)
    frame = FrameSettings(mode="find", turn=30, scale=2.5)
    write_settings(capture, CaptureSettings(shape=shape, frame=frame))  # type: ignore[arg-type]
    scene = open_capture(capture)
    assert load_images(scene.views).shape == (4, 3, 16, 24)
    written = write_original_frame(scene.views, scene.root, out)
    assert written is not None
    restored = Scene("", out, tuple(written))
    direct = CaptureSettings(shape="keep")
    write_settings(capture, direct)
    for actual, expected in zip(restored.views, open_capture(capture).views, strict=True):
        np.testing.assert_allclose(actual.camera.camera_to_world, expected.camera.camera_to_world, atol=1e-12)
        whole = expected.camera.scaled(actual.camera.width, actual.camera.height)
        for name in ("fx", "fy", "cx", "cy"):
            assert getattr(actual.camera, name) == pytest.approx(getattr(whole, name), abs=1e-9)
    assert (restored.views[1].camera.width, restored.views[1].camera.height) == (
        (24, 24) if shape == "auto" else (16, 16)
    )
    np.testing.assert_array_equal(load_image(restored.views[0]), load_image(open_capture(capture).views[0]))


def test_the_same_point_is_seen_at_the_same_pixel_after_all(tmp_path: Path) -> None:
    mixed(tmp_path)
    before = open_capture(tmp_path)
    write_settings(tmp_path, CaptureSettings(frame=FrameSettings(mode="find", lift=0.4, turn=77)))
    after = open_capture(tmp_path)
    frame = find_frame([view.camera for view in before.views], None, FrameSettings(mode="find", lift=0.4, turn=77))
    point = np.array([0.1, -0.2, 1.1])
    moved = frame[:3, :3] @ point + frame[:3, 3]
    for one, other in zip(before.views, after.views, strict=True):
        np.testing.assert_allclose(other.camera.project(moved)[0], one.camera.project(point)[0], atol=1e-6)
        back = transformed(other.camera, np.linalg.inv(frame))
        np.testing.assert_allclose(back.camera_to_world, one.camera.camera_to_world, atol=1e-9)


def test_a_frame_stands_upright_on_the_floor_at_the_usual_distance() -> None:
    random = np.random.default_rng(4)
    floor = np.stack([*random.uniform(-3, 3, (2, 400)), np.zeros(400)], axis=1)
    subject = random.uniform([-0.3, -0.3, 0], [0.3, 0.3, 1.7], (300, 3))
    points = np.concatenate([floor, subject])
    matrices = [look_at((3 * np.cos(a), 3 * np.sin(a), 1.5), (0, 0, 0.9)) for a in np.linspace(0, 5, 9)]
    # Into an arbitrary frame, as structure from motion finds one.
    turn, _ = np.linalg.qr(random.normal(size=(3, 3)))
    turn *= np.sign(np.linalg.det(turn))
    hidden = np.eye(4)
    hidden[:3, :3], hidden[:3, 3] = 0.21 * turn, [4.0, -2.0, 7.0]
    cameras = [transformed(Camera(matrix, 300, 300, 128, 128, 256, 256), hidden) for matrix in matrices]
    frame = find_frame(cameras, points @ hidden[:3, :3].T + hidden[:3, 3], FrameSettings())
    whole = frame @ hidden
    scale = np.cbrt(np.linalg.det(whole[:3, :3]))
    assert scale == pytest.approx(3 / np.sqrt(9 + 0.36), rel=0.02)
    np.testing.assert_allclose(whole[2, :3] / scale, [0, 0, 1], atol=2e-3)
    assert whole[2, 3] == pytest.approx(0, abs=0.01)
    np.testing.assert_allclose(whole[:2, 3], 0, atol=0.02)
    assert transformed(cameras[0], frame).forward[1] > 0.9


def test_a_stopped_preparation_leaves_nothing(tmp_path: Path, home: Path) -> None:
    mixed(tmp_path)
    asked = iter([False, False, True])
    with pytest.raises(Cancelled):
        open_capture(tmp_path, cancelled=lambda: next(asked))
    assert not [path for path in (home / "captures" / "prepared").rglob("*") if path.is_file()]


def test_looking_at_a_capture_can_be_stopped_at_any_picture_or_camera(tmp_path: Path) -> None:
    mixed(tmp_path)
    asked: list[int] = []
    whole = inspect_capture(tmp_path, cancelled=lambda: bool(asked.append(1)))
    assert whole == inspect_capture(tmp_path)
    # Every picture is decoded, and every camera is compared with the others.
    assert len(asked) == 2 * whole.views
    for last in range(len(asked)):
        steps = iter(range(len(asked)))
        with pytest.raises(Cancelled):
            inspect_capture(tmp_path, cancelled=lambda: next(steps) == last)  # noqa: B023


def test_other_repairs_mean_another_copy(tmp_path: Path) -> None:
    mixed(tmp_path)
    first = load_scene(tmp_path)[0].root
    write_settings(tmp_path, CaptureSettings(skip=("images/001.png",)))
    second, _ = load_scene(tmp_path)
    assert second.root != first
    assert [view.name for view in second.views] == ["000", "002", "003"]
    assert (first / "transforms.json").is_file(), "what runs were made with stays"
    write_settings(tmp_path, CaptureSettings())
    assert load_scene(tmp_path)[0].root == first
    shutil.rmtree(first)
    with pytest.raises(CaptureError, match="made anew in its place"):
        load_scene(first)
    assert load_scene(tmp_path)[0].root == first


def test_a_box_masks_the_subject(tmp_path: Path) -> None:
    write_capture(tmp_path, masks=False, heldout=())
    write_settings(tmp_path, CaptureSettings(region=((-0.3, -0.3, 0.7), (0.3, 0.3, 1.3))))
    view = open_capture(tmp_path).views[1]
    mask = load_mask(view)
    (column, row), _ = view.camera.project(np.array([0.0, 0.0, 1.0]))
    assert mask[int(row), int(column)]
    assert not mask[0].any()
    assert 10 < mask.sum() < mask.size / 2
