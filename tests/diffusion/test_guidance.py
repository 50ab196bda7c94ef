from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from qnerf_core.diffusion.backbone import Backbone
from qnerf_core.diffusion.denoise import Denoiser
from qnerf_core.diffusion.guidance import GuidanceTargets, guide, query_loss
from qnerf_core.diffusion.settings import DiffusionSettings, GuidanceSettings

Draw = Callable[..., torch.Tensor]


class Stage:
    """Two views at a step, and queries of other latents to go to."""

    def __init__(self, backbone: Backbone, noise: Draw, pictures: Draw, **changes: Any) -> None:
        size = backbone.latent_size
        self.denoiser = Denoiser(backbone, DiffusionSettings(steps=4, guidance=GuidanceSettings(**changes)), "a")
        self.control = backbone.embed_control(pictures(2, backbone.image_size))
        self.source = self.denoiser.source_features(
            noise(2, 4, size, size, seed=9), self.denoiser.schedule.timesteps[1]
        )
        self.latents = noise(2, 4, size, size)
        with torch.no_grad():
            there = self.denoiser.queries(noise(2, 4, size, size, seed=4), 1, self.control, self.source)
        self.targets = GuidanceTargets.of(there)

    def loss(self, latents: torch.Tensor) -> torch.Tensor:
        queries = self.denoiser.queries(latents, 1, self.control, self.source)
        return query_loss(queries, self.targets.queries, self.targets.spreads, self.denoiser.settings.guidance)

    def guide(self) -> tuple[torch.Tensor, torch.Tensor]:
        return guide(self.denoiser, self.latents, 1, self.control, self.source, self.targets, slice(0, 2))


def test_the_step_has_its_length_and_lowers_the_loss(tiny_backbone: Backbone, noise: Draw, pictures: Draw) -> None:
    stage = Stage(tiny_backbone, noise, pictures, alpha=0.02)
    moved, loss = stage.guide()
    length = (moved - stage.latents).square().mean(dim=(1, 2, 3)).sqrt()
    noise_left = (1.0 - stage.denoiser.schedule.alphas[1]) ** 0.5
    assert 0.1 < noise_left < 0.99
    torch.testing.assert_close(length, torch.full((2,), 0.02 * noise_left), rtol=1e-3, atol=0.0)
    with torch.no_grad():
        torch.testing.assert_close(stage.loss(stage.latents), loss)
        assert (stage.loss(moved) < loss).all()
    assert not moved.requires_grad
    assert all(parameter.grad is None for parameter in tiny_backbone.unet.parameters())


@pytest.mark.parametrize("normalisation", ["rms", "paper-raw"])
def test_the_direction_is_the_gradient(
    tiny_backbone: Backbone, noise: Draw, pictures: Draw, normalisation: str
) -> None:
    """Against finite differences along a random direction."""
    stage = Stage(tiny_backbone, noise, pictures, alpha=0.01, normalisation=normalisation)
    moved, _ = stage.guide()
    gradient = stage.latents - moved
    if normalisation == "paper-raw":
        direction, width = noise(*stage.latents.shape, seed=7), 2e-3
        with torch.no_grad():
            difference = stage.loss(stage.latents + width * direction) - stage.loss(stage.latents - width * direction)
        slope = (gradient / 0.01 * direction).sum(dim=(1, 2, 3))
        torch.testing.assert_close(slope, difference / (2 * width), rtol=0.05, atol=0.02)
    variable = stage.latents.clone().requires_grad_(True)
    (expected,) = torch.autograd.grad(stage.loss(variable).sum(), variable)
    cosine = torch.nn.functional.cosine_similarity(gradient.flatten(1), expected.flatten(1))
    torch.testing.assert_close(cosine, torch.ones(2), atol=1e-4, rtol=0.0)


def test_paper_raw_is_the_plain_sum_of_norms() -> None:
    first, second = torch.zeros(1, 2, 1, 2), torch.zeros(1, 1, 1, 1)
    targets = (torch.full_like(first, 3.0), torch.full_like(second, -2.0))
    raw = query_loss((first, second), targets, (0.5, 0.5), GuidanceSettings(normalisation="paper-raw"))
    torch.testing.assert_close(raw, torch.tensor([6.0 + 2.0]))
    scaled = query_loss((first, second), targets, (0.5, 4.0), GuidanceSettings())
    torch.testing.assert_close(scaled, torch.tensor([6.0 / (2.0 * 0.5) + 2.0 / 4.0]))


def test_at_the_target_nothing_moves(tiny_backbone: Backbone, noise: Draw, pictures: Draw) -> None:
    stage = Stage(tiny_backbone, noise, pictures)
    with torch.no_grad():
        stage.targets = GuidanceTargets.of(stage.denoiser.queries(stage.latents, 1, stage.control, stage.source))
    moved, loss = stage.guide()
    assert torch.isfinite(moved).all()
    assert float(loss.max()) < 1e-3


def test_coarse_layers_alone_need_only_the_coarse_network(tiny_backbone: Backbone, noise: Draw, pictures: Draw) -> None:
    stage = Stage(tiny_backbone, noise, pictures, layers=(1, 0))
    assert stage.denoiser.layers == tiny_backbone.query_layers[:2]
    ran: list[int] = []
    finest = tiny_backbone.unet.up_blocks[-1].resnets[0]
    hook = finest.register_forward_hook(lambda *_: ran.append(1))
    moved, _ = stage.guide()
    hook.remove()
    assert not ran
    with torch.no_grad():
        assert (stage.loss(moved) < stage.loss(stage.latents)).all()


def test_a_constant_controlnet_gives_another_gradient_for_less(
    tiny_backbone: Backbone, noise: Draw, pictures: Draw
) -> None:
    whole, constant = (Stage(tiny_backbone, noise, pictures, through_control=on).guide() for on in (True, False))
    torch.testing.assert_close(whole[1], constant[1])
    assert not torch.allclose(whole[0], constant[0])
