from __future__ import annotations

import numpy as np
import pytest
import torch

from qnerf_core.editing.disagreement import PixelProbe, SurfaceProbe
from tests.synthetic_capture import ray_trace, ring_of_cameras


def world_pattern(points: np.ndarray) -> np.ndarray:
    return np.stack([np.sin(3 * points[..., 0]), np.cos(2 * points[..., 1]), points[..., 2]], axis=-1)


@pytest.fixture(scope="module")
def seen() -> tuple[SurfaceProbe, torch.Tensor]:
    """A probe on the pictures' surfaces, and maps of a pattern that is fixed to them."""
    cameras = ring_of_cameras(8, 64)
    depth = np.stack([ray_trace(camera, (0.5, 0.0, 0.9)).depth for camera in cameras])
    rows, columns = np.mgrid[0:64, 0:64] + 0.5
    surface = np.stack([c.unproject(np.stack([columns, rows], -1), d) for c, d in zip(cameras, depth, strict=True)])
    floor = np.stack(np.meshgrid(np.linspace(-1, 1, 15), np.linspace(-1, 1, 15), [0.0]), -1).reshape(-1, 3)
    maps = torch.from_numpy(world_pattern(surface)).permute(0, 3, 1, 2).float()
    return SurfaceProbe.of(floor, cameras, depth), maps


def test_a_pattern_fixed_to_the_surface_is_agreed_on(seen: tuple[SurfaceProbe, torch.Tensor]) -> None:
    probe, maps = seen
    assert probe.disagreement(maps) < 0.02


def test_it_rises_with_what_is_added_to_each_view(seen: tuple[SurfaceProbe, torch.Tensor]) -> None:
    probe, maps = seen
    generator = torch.Generator().manual_seed(0)
    offsets = torch.randn((8, 3, 1, 1), generator=generator)
    values = [probe.disagreement(maps + strength * offsets) for strength in (0.0, 0.2, 1.0)]
    assert values == sorted(values)
    assert values[2] > 10 * values[0]


def test_unrelated_noise_counts_about_one(seen: tuple[SurfaceProbe, torch.Tensor]) -> None:
    probe, _ = seen
    noise = torch.randn((8, 16, 64, 64), generator=torch.Generator().manual_seed(1))
    nearest = torch.nn.functional.interpolate(noise[:, :, ::8, ::8], (64, 64))
    assert 0.6 < probe.disagreement(nearest) < 1.2


def test_hidden_points_do_not_count(seen: tuple[SurfaceProbe, torch.Tensor]) -> None:
    probe, maps = seen
    assert not bool(probe.visible.all())
    hidden = SurfaceProbe(probe.places, torch.zeros_like(probe.visible))
    assert np.isnan(hidden.disagreement(maps))


def test_a_smoother_copy_is_measured_by_the_same_whole(seen: tuple[SurfaceProbe, torch.Tensor]) -> None:
    probe, maps = seen
    noisy = maps + 0.5 * torch.randn(maps.shape, generator=torch.Generator().manual_seed(2))
    fainter = noisy / 2
    assert probe.disagreement(fainter) == pytest.approx(probe.disagreement(noisy))
    assert probe.disagreements([fainter], share_of=[noisy])[0] == pytest.approx(probe.disagreement(noisy) / 4)


def test_pictures_show_where_a_view_disagrees() -> None:
    cameras = ring_of_cameras(6, 32)
    depth = np.stack([ray_trace(camera, (0.5, 0.0, 0.9)).depth for camera in cameras]).astype(np.float32)
    rows, columns = np.mgrid[0:32, 0:32] + 0.5
    surface = np.stack([c.unproject(np.stack([columns, rows], -1), d) for c, d in zip(cameras, depth, strict=True)])
    maps = torch.from_numpy(world_pattern(surface)).permute(0, 3, 1, 2).float()
    probe = PixelProbe(cameras, depth)
    agreed = probe.maps(maps)
    assert agreed.shape == (6, 32, 32)
    assert float(agreed.median()) < 0.02
    changed = maps.clone()
    changed[2, :, :16] += 3.0
    disagreed = probe.maps(changed)
    assert float(disagreed[2, :16].mean()) > 5 * float(disagreed[2, 16:].mean())
    unknown = depth.copy()
    unknown[0] = 0
    assert not bool(PixelProbe(cameras, unknown).maps(changed)[0].any())
