from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qnerf_core import files
from qnerf_core.errors import CaptureError, FileFormatError
from qnerf_core.scene.scene import Scene, load_depth, load_image, load_images, load_mask, write_depth
from tests.scene.captures import HEIGHT, WIDTH, write_capture


def test_views_are_split_and_found_by_name(tmp_path: Path) -> None:
    scene = Scene("test", tmp_path, tuple(write_capture(tmp_path)))
    assert [view.name for view in scene.training_views] == ["000", "001", "002"]
    assert [view.name for view in scene.heldout_views] == ["003"]
    assert [view.name for view in scene.subset(["002", "000"]).views] == ["002", "000"]
    with pytest.raises(CaptureError, match="000, 001, 002, 003"):
        scene.view("7")


def test_pictures_masks_and_depth(tmp_path: Path) -> None:
    views = write_capture(tmp_path)
    images = load_images(views)
    assert images.shape == (4, 3, HEIGHT, WIDTH)
    assert images.dtype == np.float32
    pixels = files.read_image(views[1].image_path)
    np.testing.assert_allclose(images[1, 2, 5, 7], pixels[5, 7, 2] / 255, atol=1e-7)
    mask = load_mask(views[0])
    assert mask.dtype == bool
    assert mask.sum() == 8 * HEIGHT
    np.testing.assert_allclose(load_depth(views[2]), 4.5)
    bare = replace(views[0], mask_path=None, depth_path=None)
    with pytest.raises(CaptureError, match="no mask"):
        load_mask(bare)
    with pytest.raises(CaptureError, match="no depth"):
        load_depth(bare)


def test_depth_round_trip_and_unknown(tmp_path: Path) -> None:
    view = write_capture(tmp_path, 1)[0]
    assert view.depth_path is not None
    depth = np.random.default_rng(0).uniform(0.001, 60.0, (HEIGHT, WIDTH))
    depth[0, :4] = [0.0, np.inf, np.nan, 70.0]
    write_depth(view.depth_path, depth)
    loaded = load_depth(view)
    np.testing.assert_array_equal(loaded[0, :4], 0.0)
    np.testing.assert_allclose(loaded[1:], depth[1:], atol=5.1e-4)


def test_wrong_sizes_and_kinds_are_named(tmp_path: Path) -> None:
    views = write_capture(tmp_path)
    assert views[0].depth_path is not None
    files.write_image(views[0].image_path, np.zeros((3, 4, 3), dtype=np.uint8))
    files.write_image(views[0].depth_path, np.zeros((HEIGHT, WIDTH), dtype=np.uint8))
    with pytest.raises(CaptureError, match="4x3 pixels, its camera 24x16"):
        load_image(views[0])
    with pytest.raises(FileFormatError, match="16-bit"):
        load_depth(views[0])
    other = replace(views[1], camera=views[1].camera.scaled(12, 8))
    with pytest.raises(CaptureError, match="12x8, 24x16"):
        load_images([views[2], other])
    with pytest.raises(CaptureError, match="no views"):
        load_images([])
