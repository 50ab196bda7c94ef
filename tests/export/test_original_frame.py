from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qnerf_core.export.image_set import export_image_set
from qnerf_core.scene.capture import load_scene
from qnerf_core.scene.capture_settings import CaptureSettings, FrameSettings, write_settings
from qnerf_core.scene.nerfstudio import read_transforms
from qnerf_core.scene.scene import load_image, load_images
from tests.synthetic_capture import write_capture
from tests.synthetic_run import make_backbone, make_spec, write_run


def test_an_export_keeps_the_frame_and_the_size_that_the_capture_came_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QNERF_HOME", str(tmp_path / "home"))
    folder = write_capture(tmp_path / "scene", views=4, size=32, heldout=1)
    (folder / "capture.json").unlink()
    write_settings(folder, CaptureSettings(aspect=0.75, frame=FrameSettings(mode="find", turn=20, scale=1.7)))
    scene, _ = load_scene(folder)
    images = load_images(scene.training_views)
    assert images.shape[2:] == (32, 24)
    spec = make_spec(scene.root, make_backbone(tmp_path / "model"))
    run = write_run(tmp_path / "run", spec, images, tuple(view.name for view in scene.training_views))
    edited = export_image_set(run, tmp_path / "set")
    assert (tmp_path / "set" / "original" / "transforms.json").is_file()
    found, source = read_transforms(tmp_path / "set" / "original"), read_transforms(folder)
    assert [view.name for view in found.views] == [view.name for view in edited.views]
    for view in found.views:
        expected = source.view(view.name)
        np.testing.assert_allclose(view.camera.camera_to_world, expected.camera.camera_to_world, rtol=0, atol=1e-6)
        for name in ("fx", "fy", "cx", "cy", "width", "height"):
            assert getattr(view.camera, name) == pytest.approx(getattr(expected.camera, name), abs=1e-6)
        # The edit is in the middle, the photo around it; here the edit changed nothing.
        np.testing.assert_allclose(load_image(view), load_image(expected), atol=3 / 255)
