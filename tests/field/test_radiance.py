from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from qnerf_core.errors import Cancelled, FieldError
from qnerf_core.field.radiance import RadianceField, distortion_loss, fit_radiance_field
from qnerf_core.field.rays import Samples
from qnerf_core.field.settings import RadianceSettings
from qnerf_core.scene.camera import Camera
from tests.field.analytic import BOUNDS, features, orbit, trace

SETTINGS = RadianceSettings(
    iterations=110,
    batch_rays=384,
    samples_per_ray=16,
    resolutions=(8, 16, 32),
    max_rows=8192,
    occupancy_resolution=24,
    hidden_width=16,
)


def _images(cameras: Sequence[Camera], size: int) -> Tensor:
    return torch.sigmoid(1.2 * features(trace(cameras, size, size)[1], 3)).permute(0, 3, 1, 2)


def _psnr(given: Tensor, wanted: Tensor) -> float:
    return float(-10 * (given - wanted).square().mean().log10())


@cache
def _field() -> RadianceField:
    cameras = orbit(12, 24)
    return fit_radiance_field(cameras, _images(cameras, 24), BOUNDS, SETTINGS, 0)


def test_kept_out_views_are_rendered() -> None:
    cameras = orbit(3, 24, offset=0.4)
    wanted = _images(cameras, 24)
    rendered = [_field().render(camera) for camera in cameras]
    blank = _psnr(wanted.mean((0, 2, 3), keepdim=True), wanted)
    assert _psnr(torch.stack([view.rgb for view in rendered]), wanted) > blank + 3
    assert rendered[0].depth.shape == rendered[0].accumulation.shape == (24, 24)


def test_saved_and_loaded_field_renders_the_same(tmp_path: Path) -> None:
    field = _field()
    field.save(tmp_path / "field.safetensors")
    loaded = RadianceField.load(tmp_path / "field.safetensors")
    camera = orbit(1, 16)[0]
    assert torch.equal(loaded.render(camera).rgb, field.render(camera).rgb)
    np.testing.assert_array_equal(loaded.bounds, BOUNDS.astype(np.float32))


def test_density_and_colour_of_points() -> None:
    points = np.random.default_rng(0).uniform(BOUNDS[0], BOUNDS[1], (50, 3))
    density, colour = _field().density(points), _field().colour(points)
    assert density.shape == (50,)
    assert (density >= 0).all()
    assert colour.shape == (50, 3)
    assert ((colour >= 0) & (colour <= 1)).all()


def test_same_seed_same_field_with_view_dependence_and_depth() -> None:
    settings = SETTINGS.model_copy(update={"iterations": 6, "view_dependence": True, "depth_weight": 0.1})
    cameras = orbit(3, 16)
    depth = trace(cameras, 16, 16)[0]
    renders = [
        fit_radiance_field(cameras, _images(cameras, 16), BOUNDS, settings, 3, depth).render(cameras[0]).rgb
        for _ in range(2)
    ]
    assert torch.equal(renders[0], renders[1])


def test_cancelling_and_wrong_input(tmp_path: Path) -> None:
    cameras = orbit(2, 8)
    with pytest.raises(Cancelled):
        fit_radiance_field(cameras, torch.zeros(2, 3, 8, 8), BOUNDS, SETTINGS, 0, cancelled=lambda: True)
    with pytest.raises(FieldError, match="fit the cameras"):
        fit_radiance_field(cameras, torch.zeros(1, 3, 8, 8), BOUNDS, SETTINGS, 0)
    (tmp_path / "broken.safetensors").write_bytes(b"nothing")
    with pytest.raises(FieldError, match="cannot be read"):
        RadianceField.load(tmp_path / "broken.safetensors")


def test_distortion_loss_equals_its_definition() -> None:
    generator = torch.Generator().manual_seed(0)
    weights = torch.rand(3, 6, generator=generator)
    lengths = torch.rand(3, 6, generator=generator) * 0.1
    middles = torch.cumsum(lengths + 0.05, 1)
    pairs = weights[:, :, None] * weights[:, None, :] * (middles[:, :, None] - middles[:, None, :]).abs()
    wanted = (pairs.sum((1, 2)) + (weights.square() * lengths).sum(1) / 3).mean()
    torch.testing.assert_close(distortion_loss(weights, Samples(middles, lengths), 1.0), wanted)
