from __future__ import annotations

from pathlib import Path

import pytest
import torch

from qnerf_core.authoring.architecture import make_scheduler, make_tokenizer
from qnerf_core.authoring.denoiser import Denoiser, tokens_of
from qnerf_core.authoring.latents import Batch
from qnerf_core.authoring.rehearsal import change_weights, changed_boxes, clean_loss, invert, rehearse
from qnerf_core.diffusion.correspondence import SurfaceMaps
from qnerf_core.diffusion.schedule import make_schedule


def _pairs_that_differ_at(place: tuple[int, int], size: int = 8) -> torch.Tensor:
    latents = torch.zeros(2, 4, size, size)
    latents[1, :, place[0], place[1]] = 1.0
    return latents


def test_what_changes_counts_more_and_the_mean_stays_one() -> None:
    weights = change_weights(_pairs_that_differ_at((2, 3)))
    assert float(weights.mean()) == pytest.approx(1.0)
    around = weights[0, 0, 1:4, 2:5]
    assert float(around.min()) == float(around.max()) == pytest.approx(4 * float(weights.min()))
    assert int((weights > weights.min()).sum()) == 9
    assert torch.equal(change_weights(torch.zeros(2, 4, 8, 8)), torch.ones(1, 1, 8, 8))


def test_boxes_span_all_that_changes() -> None:
    latents = _pairs_that_differ_at((2, 3), 12)
    latents[1, :, 8, 5] = 1.0
    box = changed_boxes(latents, 0)[0, 0]
    expected = torch.zeros(12, 12, dtype=torch.bool)
    expected[1:10, 2:7] = True
    assert torch.equal(box, expected)
    wider = torch.zeros(12, 12, dtype=torch.bool)
    wider[0:12, 0:9] = True
    assert torch.equal(changed_boxes(latents, 2)[0, 0], wider)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> tuple[Denoiser, torch.Tensor]:
    torch.manual_seed(0)
    tokenizer = make_tokenizer(tmp_path_factory.mktemp("tokenizer"))
    return Denoiser(tokenizer, ["skeleton"]), tokens_of(tokenizer, [""])


def _batch() -> Batch:
    generator = torch.Generator().manual_seed(3)
    latents = torch.randn(2, 4, 16, 16, generator=generator)
    places = torch.zeros(1, 4, 16, 16), torch.zeros(1, 4, 16, 16)
    control = torch.rand(2, 3, 128, 128, generator=generator)
    drafts = torch.randn(1, 4, 16, 16, generator=generator)
    return Batch(latents, control, ["", ""], "skeleton", SurfaceMaps(*places), drafts)


def test_an_inversion_keeps_every_level_and_the_features_that_an_edit_asks_for(
    model: tuple[Denoiser, torch.Tensor],
) -> None:
    module, empty = model
    schedule = make_schedule(make_scheduler().config, 4)
    batch = _batch()
    reference = batch.latents[:1]
    inversion = invert(module, batch, empty, schedule, last=1)
    assert sorted(inversion.trajectory) == [1, 2, 3, 4]
    assert torch.equal(inversion.trajectory[4], reference)
    with torch.no_grad():
        output = module(reference, torch.tensor([0]), empty, batch.control[:1])
    expected = schedule.inverse_step(output, reference, 3)
    assert torch.allclose(inversion.trajectory[3], expected, atol=1e-5)


def test_every_step_of_a_rehearsal_teaches_by_itself_and_keeps_the_background(
    model: tuple[Denoiser, torch.Tensor],
) -> None:
    module, empty = model
    schedule = make_schedule(make_scheduler().config, 4)
    batch = _batch()
    edited = torch.zeros(1, 1, 16, 16, dtype=torch.bool)
    edited[..., :8] = True
    seen: list[torch.Tensor] = []
    hook = module.unet.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    try:
        steps = list(rehearse(module, batch, empty, schedule, edited))
    finally:
        hook.remove()
    assert all(clean.requires_grad for clean in steps)
    clean_loss(steps[2], batch).backward()
    gradients = [parameter.grad for parameter in module.controlnet("skeleton").parameters()]
    assert any(gradient is not None and bool(gradient.any()) for gradient in gradients)
    # Four passes of the inversion come first; the edit then starts from the draft, with the reference's noise, and
    # reads the reference's own latents outside.
    trajectory = invert(module, batch, empty, schedule).trajectory
    signal = schedule.alphas[0] ** 0.5
    started = trajectory[0] + signal * (batch.drafts - trajectory[4])
    assert torch.allclose(seen[4], started, atol=1e-5)
    for level in (1, 2, 3):
        read = seen[4 + level]
        assert torch.allclose(read[..., 8:], trajectory[level][..., 8:], atol=1e-5)
        assert not torch.allclose(read[..., :8], trajectory[level][..., :8], atol=1e-3)


def test_the_tokens_of_the_empty_prompt_are_as_long_as_any(tmp_path: Path) -> None:
    tokenizer = make_tokenizer(tmp_path)
    assert tokens_of(tokenizer, ["", "a photo of a person"]).shape == (2, 77)


def test_the_loss_of_what_may_be_either_is_least_at_the_likelier() -> None:
    latents = torch.full((6, 4, 8, 8), 0.5)
    latents[3:5], latents[5] = 0.0, 1.0
    nowhere = SurfaceMaps(torch.zeros(3, 4, 8, 8), torch.zeros(3, 4, 8, 8))
    batch = Batch(latents, torch.zeros(6, 3, 64, 64), [""] * 6, "skeleton", nowhere, latents[:3])
    losses = [float(clean_loss(torch.full((3, 4, 8, 8), value), batch)) for value in (0.0, 1 / 3, 0.5, 1.0)]
    assert losses == sorted(losses)
