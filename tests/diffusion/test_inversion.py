from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from qnerf_core.diffusion.backbone import Backbone
from qnerf_core.diffusion.denoise import Denoiser
from qnerf_core.diffusion.inversion import SourceFeatures, invert
from qnerf_core.diffusion.loading import HABITS_FILE
from qnerf_core.diffusion.settings import DiffusionSettings, InjectionSettings, ModelHabits
from qnerf_core.errors import FileFormatError
from tests.diffusion.conftest import loaded
from tests.tiny_models import builtin_like

Draw = Callable[..., torch.Tensor]


def inverted(denoiser: Denoiser, clean: torch.Tensor, sources: SourceFeatures | None = None) -> torch.Tensor:
    trajectory = [clean]
    keep = None if sources is None else lambda step, features: sources.keep(0, step, features)
    for level, latents in invert(denoiser, clean, keep):
        assert level == denoiser.schedule.steps - len(trajectory)
        trajectory.append(latents)
    return torch.stack(trajectory[::-1])


def settings(steps: int, **injection: object) -> DiffusionSettings:
    return DiffusionSettings(
        steps=steps,
        control_scale=0.0,
        injection=InjectionSettings(**injection),  # type: ignore[arg-type]  # keywords of a test
    )


def test_more_steps_bring_the_picture_back(pictures: Draw) -> None:
    """The error of inversion and return falls with the steps.

    Not so with the random network that predicts noise: near the noise end its nonsense is divided by almost zero.
    """
    backbone = loaded(builtin_like())
    size = backbone.image_size
    clean = backbone.encode_images(pictures(1, size))
    control = backbone.embed_control(torch.zeros(1, 3, size, size))
    errors = []
    for steps in (4, 24):
        denoiser = Denoiser(backbone, settings(steps, enabled=False), "")
        latents = inverted(denoiser, clean)[0]
        for step in range(steps):
            latents = denoiser.step(latents, step, control).latents
        errors.append(float((latents - clean).square().mean().sqrt() / clean.square().mean().sqrt()))
    assert errors[1] < 0.35 * errors[0]


def test_the_network_reads_latents_at_the_level_they_have(tiny_backbone: Backbone, noise: Draw) -> None:
    size = tiny_backbone.latent_size
    denoiser = Denoiser(tiny_backbone, settings(4), "")
    seen: list[tuple[int, torch.Tensor]] = []
    hook = tiny_backbone.unet.register_forward_pre_hook(lambda _module, inputs: seen.append((inputs[1], inputs[0])))
    trajectory = inverted(denoiser, noise(1, 4, size, size))
    hook.remove()
    timesteps = denoiser.schedule.timesteps
    assert [timestep for timestep, _ in seen] == [0, timesteps[3], timesteps[2], timesteps[1]]
    for level, (_, latents) in zip((4, 3, 2, 1), seen, strict=True):
        assert torch.equal(latents, trajectory[level])


def test_it_is_deterministic(tiny_backbone: Backbone, pictures: Draw) -> None:
    clean = tiny_backbone.encode_images(pictures(2, tiny_backbone.image_size))
    first, second = (inverted(Denoiser(tiny_backbone, settings(4), ""), clean) for _ in range(2))
    assert torch.equal(first, second)


def test_kept_features_equal_computed_ones(tiny_backbone: Backbone, pictures: Draw) -> None:
    """The inversion's pass and the source branch's pass at a step are the same pass."""
    clean = tiny_backbone.encode_images(pictures(2, tiny_backbone.image_size))
    size = (tiny_backbone.latent_size,) * 2
    got = []
    for limit in (1000.0, 0.0):
        denoiser = Denoiser(tiny_backbone, settings(5, start_fraction=0.2, memory_limit_mb=limit), "")
        sources = SourceFeatures(denoiser, [slice(0, 2)], size)
        assert sources.all_fit == (limit > 0)
        trajectory = inverted(denoiser, clean, sources)
        before = sum(denoiser.calls.values())
        got.append([sources.get(0, step, trajectory) for step in range(5)])
        assert sum(denoiser.calls.values()) - before == (0 if limit else 4 * 2)
    assert got[0][0] is None, "the first step is before the start of injection"
    for kept, computed in zip(got[0][1:], got[1][1:], strict=True):
        assert kept is not None
        assert computed is not None
        assert all(torch.equal(mine, theirs) for mine, theirs in zip(kept, computed, strict=True))


def test_the_memory_limit_holds(tiny_backbone: Backbone, pictures: Draw) -> None:
    clean = tiny_backbone.encode_images(pictures(2, tiny_backbone.image_size))
    size = (tiny_backbone.latent_size,) * 2
    whole = Denoiser(tiny_backbone, settings(4, start_fraction=0.0), "")
    one_step = SourceFeatures.bytes_per_view(whole, size) * 2
    limit = one_step * 1.5 / 1e6
    denoiser = Denoiser(tiny_backbone, settings(4, start_fraction=0.0, memory_limit_mb=limit), "")
    sources = SourceFeatures(denoiser, [slice(0, 2)], size)
    trajectory = inverted(denoiser, clean, sources)

    def passes(step: int) -> int:
        before = sum(denoiser.calls.values())
        sources.get(0, step, trajectory)
        return sum(denoiser.calls.values()) - before

    assert [passes(step) for step in (0, 0, 1, 1)] == [2, 0, 2, 2], "room for one step only"
    sources.release_before(1)
    assert [passes(step) for step in (1, 1)] == [2, 0]


@pytest.mark.parametrize("changes", [{"enabled": False}, {"start_fraction": 1.0}])
def test_without_injection_nothing_is_computed(
    tiny_backbone: Backbone, noise: Draw, changes: dict[str, object]
) -> None:
    size = tiny_backbone.latent_size
    denoiser = Denoiser(tiny_backbone, settings(4, **changes), "")
    sources = SourceFeatures(denoiser, [slice(0, 1)], (size, size))
    assert all(sources.get(0, step, noise(5, 1, 4, size, size)) is None for step in range(4))
    assert not denoiser.calls


def test_a_described_source_branch_sees_control_and_words_and_a_free_one_neither(
    tiny_backbone: Backbone, pictures: Draw
) -> None:
    clean = tiny_backbone.encode_images(pictures(2, tiny_backbone.image_size))
    control = tiny_backbone.embed_control(pictures(2, tiny_backbone.image_size, seed=4))
    size = (tiny_backbone.latent_size,) * 2

    def first_features(branch: str, words: str, shown: torch.Tensor | None) -> list[torch.Tensor]:
        chosen = DiffusionSettings.model_validate({"steps": 3, "source_branch": branch})
        denoiser = Denoiser(tiny_backbone, chosen, "a person", source_prompt=words)
        assert denoiser.describes_sources == (branch == "described"), "this model does not say"
        sources = SourceFeatures(denoiser, [slice(0, 2)], size, None if shown is None else [shown])
        levels = [latents for _, latents in invert(denoiser, clean, None, shown)]
        trajectory = torch.stack([*levels[::-1], clean])
        computed = sources.get(0, 1, trajectory)
        assert computed is not None
        kept: dict[int, tuple[torch.Tensor, ...]] = {}
        for _ in invert(denoiser, clean, kept.__setitem__, shown):
            pass
        assert all(torch.equal(mine, theirs) for mine, theirs in zip(kept[1], computed, strict=True))
        return [*computed, levels[-1]]

    free, same = first_features("free", "a person", None), first_features("auto", "a boot", None)
    assert all(torch.equal(mine, theirs) for mine, theirs in zip(free, same, strict=True)), "no words are read"
    described, other = (first_features("described", words, control) for words in ("a person", "a boot"))
    assert not torch.allclose(free[0], described[0], atol=1e-4)
    assert not torch.allclose(described[0], other[0], atol=1e-5)


def test_a_model_says_what_it_was_trained_with(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(builtin_like(), folder)
    assert Backbone.load(folder).habits == ModelHabits(source_branch="free", correspondence=False)
    (folder / HABITS_FILE).write_text('{"source_branch": "described", "correspondence": true}')
    described = Backbone.load(folder)
    assert described.habits == ModelHabits(source_branch="described", correspondence=True)
    assert Denoiser(described, DiffusionSettings(), "").describes_sources
    assert not Denoiser(described, DiffusionSettings(source_branch="free"), "").describes_sources
    assert DiffusionSettings().strength_with(described.habits) == 0.6
    assert DiffusionSettings(correspondence="off").strength_with(described.habits) == 1.0
    assert DiffusionSettings().strength_with(ModelHabits()) == 1.0
    assert DiffusionSettings(strength=0.3).strength_with(ModelHabits()) == 0.3
    assert Denoiser(described, DiffusionSettings(strength=0.5, steps=4), "").schedule.timesteps[0] < 500
    for damaged in ("{", '{"source_branch": "backwards"}', "[]"):
        (folder / HABITS_FILE).write_text(damaged)
        with pytest.raises(FileFormatError, match=HABITS_FILE):
            Backbone.load(folder)
