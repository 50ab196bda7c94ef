from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from qnerf_core.diffusion.attention import inject_features
from qnerf_core.diffusion.backbone import Backbone
from qnerf_core.diffusion.correspondence import SurfaceMaps
from qnerf_core.diffusion.denoise import Denoiser
from qnerf_core.diffusion.settings import DiffusionSettings, ModelSettings
from tests.diffusion.conftest import loaded
from tests.tiny_models import builtin_like, sd15_like

Draw = Callable[..., torch.Tensor]
ALL = slice(None)


def two_spots(*columns: int, size: int = 8) -> torch.Tensor:
    """A map on which two spots of a subject, ten lengths apart, cover the cells of two columns in row 2."""
    maps = torch.zeros(1, 4, size, size)
    for spot, column in enumerate(columns):
        maps[0, :, 2, column] = torch.tensor([1.0, 10.0 * spot, 0.0, 0.0])
    return maps


def test_a_place_looks_at_its_own_spot_then_at_the_subject_and_background_at_background() -> None:
    maps = SurfaceMaps(source=two_spots(1, 4), target=two_spots(6, 4))
    bias = maps.bias(ALL, 1)[0].exp()
    moved, still, was = 2 * 8 + 6, 2 * 8 + 4, 2 * 8 + 1
    assert float(bias[moved, was]) == pytest.approx(1.0)
    assert float(bias[still, still]) == pytest.approx(1.0)
    assert float(bias[moved, still]) == pytest.approx(0.05), "the rest of the subject"
    assert float(bias[moved, 0]) == pytest.approx(0.01), "the background"
    assert float(bias[was, was]) == pytest.approx(0.01), "what is background now finds no subject"
    assert float(bias[was, 0]) == pytest.approx(1.0)
    coarse = maps.bias(ALL, 2)[0].exp()
    assert coarse.shape == (16, 16)
    # A quarter of the cell (1, 3) is the spot that was a quarter of (1, 0).
    matched = 0.25 * 0.25 + 0.75 * 0.75
    assert float(coarse[4 + 3, 4 + 0]) == pytest.approx(matched)


def test_noise_moves_with_the_subject_and_what_it_leaves_is_filled_across_its_outline() -> None:
    maps = SurfaceMaps(source=two_spots(1, 4), target=two_spots(6, 4))
    noise = torch.arange(64.0).view(1, 1, 8, 8)
    carried = maps.carried(noise, ALL)[0, 0]
    assert float(carried[2, 6]) == float(noise[0, 0, 2, 1])
    assert float(carried[2, 4]) == float(noise[0, 0, 2, 4])
    fill = int(carried[2, 1])
    assert abs(fill // 8 - 2) + abs(fill % 8 - 1) <= 2
    assert fill != 2 * 8 + 1
    rest = torch.ones(8, 8, dtype=torch.bool)
    rest[2, [1, 4, 6]] = False
    assert torch.equal(carried[rest], noise[0, 0][rest])


def test_a_wide_gap_is_filled_by_a_mirrored_picture_not_by_a_repeated_line() -> None:
    source = torch.zeros(1, 4, 8, 8)
    source[0, 0, :, 5:] = 1.0
    carried = SurfaceMaps(source, torch.zeros(1, 4, 8, 8)).carried(torch.arange(8.0).expand(1, 1, 8, 8), ALL)
    assert carried[0, 0, 3].tolist() == [0, 1, 2, 3, 4, 3, 2, 1]


def test_what_hides_from_the_original_takes_the_nearest_spot_that_it_shows() -> None:
    source, target = torch.zeros(1, 4, 8, 8), torch.zeros(1, 4, 8, 8)
    for column, place in enumerate((0.0, 1.0, 2.0)):
        source[0, :, 4, column] = torch.tensor([1.0, place, 0.0, 0.0])
    target[0, :, 4, 7] = torch.tensor([1.0, 2.6, 0.0, 0.0])
    carried = SurfaceMaps(source, target).carried(torch.arange(64.0).view(1, 1, 8, 8), ALL)
    assert float(carried[0, 0, 4, 7]) == 4 * 8 + 2


def test_biases_lead_the_attention_of_the_injected_layers_alone(noise: Draw) -> None:
    backbone = loaded(builtin_like())
    size = backbone.latent_size
    denoiser = Denoiser(backbone, DiffusionSettings(steps=4, guidance_scale=3.0), "a ball")
    latents, control = noise(2, 4, size, size), backbone.embed_control(torch.zeros(2, 3, 8 * size, 8 * size))
    source = denoiser.source_features(noise(2, 4, size, size, seed=5), denoiser.schedule.timesteps[2])
    nowhere = SurfaceMaps(torch.zeros(2, 4, size, size), torch.zeros(2, 4, size, size))
    everything = SurfaceMaps(
        two_spots(1, 4, size=size).repeat(2, 1, 1, 1), two_spots(6, 4, size=size).repeat(2, 1, 1, 1)
    )
    plain = denoiser.step(latents, 2, control, source).latents
    layers = denoiser.injected_layers
    unled = denoiser.step(latents, 2, control, source, biases=nowhere.biases(ALL, layers)).latents
    led = denoiser.step(latents, 2, control, source, biases=everything.biases(ALL, layers)).latents
    assert torch.allclose(plain, unled, atol=1e-5), "a subject that is nowhere leads nothing"
    assert not torch.allclose(plain, led, atol=1e-4)
    seen: list[torch.Tensor] = []
    hook = layers[-1].attention.to_out[0].register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    only = torch.full((1, size * size, size * size), -1e4)
    only[..., 7] = 0.0
    with torch.no_grad(), inject_features(layers, source, {layer.reduction: only for layer in layers}):
        # Where a single place can be looked at, all see its value.
        hidden = noise(2, size * size, layers[-1].to_q.in_features)
        layers[-1].attention(hidden)
        expected = layers[-1].to_v(hidden)[:, 7]
    hook.remove()
    assert torch.allclose(seen[0], expected[:, None].expand_as(seen[0]), atol=1e-5)


def test_attention_in_slices_takes_biases_too(noise: Draw) -> None:
    results = []
    for sliced in (False, True):
        backbone = Backbone.load(sd15_like(), settings=ModelSettings(slicing=sliced))
        size = backbone.latent_size
        denoiser = Denoiser(backbone, DiffusionSettings(steps=4, guidance_scale=2.0), "a ball")
        control = backbone.embed_control(torch.zeros(2, 3, 8 * size, 8 * size))
        source = denoiser.source_features(noise(2, 4, size, size, seed=5), denoiser.schedule.timesteps[2])
        maps = SurfaceMaps(noise(2, 4, size, size).abs(), noise(2, 4, size, size, seed=1).abs())
        biases = maps.biases(ALL, denoiser.injected_layers)
        results.append(denoiser.step(noise(2, 4, size, size), 2, control, source, biases=biases).latents)
    assert torch.allclose(*results, atol=1e-4)
