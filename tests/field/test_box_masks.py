from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from qnerf_core import files
from qnerf_core.errors import CaptureError
from qnerf_core.field.box_masks import box_opacity, write_box_masks
from qnerf_core.field.radiance import RadianceField
from qnerf_core.scene.capture import load_scene
from qnerf_core.scene.capture_settings import CaptureSettings, write_settings
from qnerf_core.scene.nerfstudio import write_transforms
from qnerf_core.scene.scene import View, load_mask
from tests.field.analytic import distance_to_scene, orbit, trace

BOX = np.array([[-1.0, -1.0, 0.08], [1.0, 1.0, 2.0]])


class Figure(RadianceField):
    """The figure and its room, known exactly instead of fitted."""

    def __init__(self) -> None:
        pass

    def density(self, points: np.ndarray) -> np.ndarray:
        distance, _ = distance_to_scene(torch.from_numpy(points.astype(np.float32)))
        return np.where(distance.numpy() < 0, 200.0, 0.0)


def test_what_is_opaque_in_the_box_is_the_figure() -> None:
    cameras = orbit(3, 48)
    _, points = trace(cameras, 48, 48)
    part = distance_to_scene(points)[1].numpy()
    for camera, expected in zip(cameras, part > 0, strict=True):
        found = box_opacity(Figure(), camera, BOX) > 0.5
        assert (found & expected).sum() / (found | expected).sum() > 0.85
    beside = np.array([[1.2, 1.2, 0.5], [1.4, 1.4, 0.7]])
    assert box_opacity(Figure(), cameras[0], beside).max() == 0


def test_drawn_masks_are_used_by_the_capture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QNERF_HOME", str(tmp_path / "home"))
    capture, out = tmp_path / "capture", tmp_path / "masks"
    views = []
    for index, camera in enumerate(orbit(3, 40)):
        path = capture / "images" / f"{index}.png"
        files.write_image(path, np.random.default_rng(index).integers(0, 255, (40, 40, 3), dtype=np.uint8))
        views.append(View(str(index), camera, path))
    write_transforms(views, capture / "transforms.json")
    write_box_masks(Figure(), load_scene(capture)[0], BOX, out)
    region = ((-1.0, -1.0, 0.08), (1.0, 1.0, 2.0))
    write_settings(capture, CaptureSettings(region=region, masks=str(out)))
    scene, _ = load_scene(capture)
    expected = box_opacity(Figure(), scene.views[1].camera, BOX) > 0.5
    np.testing.assert_array_equal(load_mask(scene.views[1]), expected)
    with pytest.raises(CaptureError, match="nothing in the box"):
        write_box_masks(Figure(), scene, np.array([[1.2, 1.2, 0.5], [1.4, 1.4, 0.7]]), out)
