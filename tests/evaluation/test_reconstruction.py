from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from qnerf_core.editing.inputs import prepare
from qnerf_core.editing.spec import EditSpec
from qnerf_core.evaluation import reconstruction
from qnerf_core.evaluation.image_metrics import psnr
from qnerf_core.evaluation.running import finish_run
from qnerf_core.scene.capture import load_capture
from tests.synthetic_capture import write_capture


def test_a_capture_is_edited_to_what_it_shows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["--scenes", "person", "--steps", "3", "--views", "2"]
    assert reconstruction.main(command) == 0
    _, _, row, mean = capsys.readouterr().out.splitlines()
    autoencoder, inverted = (float(value) for value in row.split("|")[2:4])
    assert mean.split("|")[2:4] == row.split("|")[2:4]
    spec = EditSpec.model_validate(
        {
            "scene": "person",
            "edit": str(load_capture("person").source_path),
            "method": "independent",
            "background": {"keep": False},
            "views": 2,
            "diffusion": {"steps": 3, "details": False},
        }
    )
    inputs = prepare(spec)
    assert torch.equal(inputs.controls, inputs.source_controls)
    with torch.no_grad():
        decoded = inputs.backbone.decode_latents(inputs.backbone.encode_images(inputs.images))
    run = finish_run(spec, tmp_path / "run")
    for shown, pictures, tolerance in (
        (autoencoder, decoded.numpy(), 0.01),
        (inverted, run.load_edited(), 0.1),
    ):
        pairs = zip(pictures, inputs.images.numpy(), strict=True)
        expected = np.mean([psnr(picture, original) for picture, original in pairs])
        assert shown == pytest.approx(expected, abs=tolerance)


def test_a_capture_that_does_not_say_what_it_shows_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scene = write_capture(tmp_path / "ball", views=3, size=32, heldout=1)
    (scene / "capture.json").unlink()
    assert reconstruction.main(["--scenes", str(scene)]) == 1
    assert "what its photos show is not known" in capsys.readouterr().err
