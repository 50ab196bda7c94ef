from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from diffusers import DDIMScheduler

from qnerf_core.diffusion.schedule import make_schedule
from qnerf_core.errors import BackboneError

CONFIG: dict[str, Any] = {
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "clip_sample": False,
}


@pytest.mark.parametrize("steps", [1, 4, 15, 20, 50])
@pytest.mark.parametrize(
    "config",
    [
        {"prediction_type": "epsilon", "steps_offset": 1, "set_alpha_to_one": False},
        {"prediction_type": "v_prediction"},
        {"prediction_type": "v_prediction", "rescale_betas_zero_snr": True, "timestep_spacing": "trailing"},
        {"prediction_type": "v_prediction", "timestep_spacing": "linspace"},
    ],
)
def test_steps_are_those_of_diffusers(noise: Callable[..., torch.Tensor], config: dict[str, Any], steps: int) -> None:
    theirs = DDIMScheduler.from_config({**CONFIG, **config})
    theirs.set_timesteps(steps)
    ours = make_schedule({**CONFIG, **config}, steps)
    assert list(ours.timesteps) == theirs.timesteps.tolist()
    latents, output = noise(2, 4, 3, 3), noise(2, 4, 3, 3, seed=1)
    for step, timestep in enumerate(theirs.timesteps):
        expected = theirs.step(output, timestep, latents, eta=0.0)
        following, clean = ours.step(output, latents, step)
        torch.testing.assert_close(following, expected.prev_sample, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(clean, expected.pred_original_sample, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("steps", "strength"), [(10, 0.5), (10, 0.1), (4, 0.6), (3, 1.0)])
def test_a_strength_leaves_out_the_noisy_end_of_diffusers_steps(steps: int, strength: float) -> None:
    theirs = DDIMScheduler.from_config(CONFIG)
    theirs.set_timesteps(round(steps / strength))
    ours = make_schedule(CONFIG, steps, strength)
    assert list(ours.timesteps) == theirs.timesteps.tolist()[-steps:]
    assert ours.next_alphas[:-1] == ours.alphas[1:]
    assert ours.next_alphas[-1] == float(theirs.final_alpha_cumprod)
    with pytest.raises(BackboneError, match="more than the model has"):
        make_schedule(CONFIG, 600, 0.5)


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction"])
def test_an_inverse_step_with_the_same_noise_undoes_a_step(noise: Callable[..., torch.Tensor], kind: str) -> None:
    schedule = make_schedule({**CONFIG, "prediction_type": kind}, 10)
    latents, epsilon = noise(1, 4, 4, 4), noise(1, 4, 4, 4, seed=1)

    def predicting(latents: torch.Tensor, alpha: float) -> torch.Tensor:
        """The output by which a network says that the noise in the latents is epsilon."""
        if kind == "epsilon":
            return epsilon
        clean = (latents - (1 - alpha) ** 0.5 * epsilon) / alpha**0.5
        return alpha**0.5 * epsilon - (1 - alpha) ** 0.5 * clean

    after, _ = schedule.step(predicting(latents, schedule.alphas[6]), latents, 6)
    before = schedule.inverse_step(predicting(after, schedule.next_alphas[6]), after, 6)
    torch.testing.assert_close(before, latents, atol=1e-4, rtol=1e-4)


def test_inversion_reads_the_level_the_latents_have() -> None:
    schedule = make_schedule({**CONFIG, "steps_offset": 1, "prediction_type": "epsilon"}, 5)
    assert schedule.timesteps == (801, 601, 401, 201, 1)
    assert [schedule.inversion_timestep(step) for step in (4, 3, 2, 1, 0)] == [0, 1, 201, 401, 601]


@pytest.mark.parametrize(
    ("config", "steps", "words"),
    [
        ({"clip_sample": True}, 10, "clips"),
        ({"prediction_type": "sample"}, 10, "prediction_type"),
        ({}, 1001, "more than the model has"),
        ({"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}, 10, "pure noise"),
    ],
)
def test_what_cannot_be_inverted_is_refused(config: dict[str, Any], steps: int, words: str) -> None:
    with pytest.raises(BackboneError, match=words):
        make_schedule({**CONFIG, **config}, steps)
