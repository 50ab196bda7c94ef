from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from diffusers import DDIMScheduler, StableDiffusionControlNetPipeline

from qnerf_core.diffusion.backbone import Backbone
from qnerf_core.diffusion.denoise import Denoiser
from qnerf_core.diffusion.settings import DiffusionSettings, GuidanceSettings, InjectionSettings
from qnerf_core.errors import Cancelled, SettingsError
from tests.tiny_models import sd21_like

Draw = Callable[..., torch.Tensor]
OFF = InjectionSettings(enabled=False)


def pipeline_result(
    backbone: Backbone, control: torch.Tensor, latents: torch.Tensor, prompt: str, settings: DiffusionSettings
) -> torch.Tensor:
    """What diffusers' own pipeline makes of the same folder."""
    folder = Path(backbone.name)
    pipeline = StableDiffusionControlNetPipeline.from_pretrained(folder)
    pipeline.scheduler = DDIMScheduler.from_config(pipeline.scheduler.config)
    pipeline.set_progress_bar_config(disable=True)
    views = latents.shape[0]
    return pipeline(
        prompt=[prompt] * views,
        negative_prompt=[settings.negative_prompt] * views,
        image=control,
        latents=latents,
        num_inference_steps=settings.steps,
        guidance_scale=settings.guidance_scale,
        controlnet_conditioning_scale=settings.control_scale,
        eta=0.0,
        output_type="latent",
    ).images


@pytest.mark.parametrize("scale", [1.0, 3.0])
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # diffusers' own loading of configurations
def test_without_injection_and_consolidation_it_is_diffusers_pipeline(
    backbone: Backbone, noise: Draw, pictures: Draw, scale: float
) -> None:
    settings = DiffusionSettings(
        strength=1.0, steps=4, guidance_scale=scale, control_scale=0.9, negative_prompt="ugly", injection=OFF
    )
    size = backbone.latent_size
    latents, control = noise(2, 4, size, size), pictures(2, backbone.image_size)
    denoiser = Denoiser(backbone, settings, "a photo of a person")
    embedded = backbone.embed_control(control)
    ours = latents
    for step in range(settings.steps):
        ours = denoiser.step(ours, step, embedded).latents
    theirs = pipeline_result(backbone, control, latents, "a photo of a person", settings)
    assert theirs.std() > 0.1
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=0.0)
    other = latents
    for step in range(settings.steps):
        other = denoiser.step(other, step, backbone.embed_control(control.flip(0))).latents
    assert (other - theirs).abs().max() > 1e-3, "the control has to matter"


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # diffusers' own loading of configurations
def test_other_numbers_of_heads_and_another_text_encoder_make_no_difference(noise: Draw, pictures: Draw) -> None:
    """Stable Diffusion 2.1's structure, which nothing here was made for."""
    backbone = Backbone.load(sd21_like())
    assert [layer.channels for layer in backbone.query_layers] == [64] * 3 + [32] * 3 + [16] * 3
    settings = DiffusionSettings(steps=2, injection=OFF)
    latents, control = noise(1, 4, 8, 8), pictures(1, 64)
    denoiser, ours = Denoiser(backbone, settings, "a boot"), latents
    for step in range(2):
        ours = denoiser.step(ours, step, backbone.embed_control(control)).latents
    torch.testing.assert_close(
        ours, pipeline_result(backbone, control, latents, "a boot", settings), atol=1e-4, rtol=0.0
    )


def test_scale_one_never_runs_the_unconditional_half(tiny_backbone: Backbone, noise: Draw, pictures: Draw) -> None:
    size = tiny_backbone.latent_size
    latents, control = noise(3, 4, size, size), tiny_backbone.embed_control(pictures(3, tiny_backbone.image_size))
    seen: list[int] = []
    hook = tiny_backbone.unet.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0].shape[0]))
    for scale in (1.0, 2.0):
        Denoiser(tiny_backbone, DiffusionSettings(steps=4, guidance_scale=scale, injection=OFF), "x").step(
            latents, 0, control
        )
    hook.remove()
    assert seen == [3, 6]


def test_recorded_queries_are_the_conditional_half_and_equal_the_short_pass(
    tiny_backbone: Backbone, noise: Draw, pictures: Draw
) -> None:
    size = tiny_backbone.latent_size
    latents, control = noise(2, 4, size, size), tiny_backbone.embed_control(pictures(2, tiny_backbone.image_size))
    with_scale = Denoiser(tiny_backbone, DiffusionSettings(steps=4, guidance_scale=2.0), "a person")
    source = with_scale.source_features(noise(2, 4, size, size, seed=5), with_scale.schedule.timesteps[2])
    recorded = with_scale.step(latents, 2, control, source, record=True).queries
    short = with_scale.queries(latents, 2, control, source)
    assert [tuple(query.shape[1:]) for query in short] == [layer.shape((size, size)) for layer in with_scale.layers]
    for ours, theirs in zip(recorded, short, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)
    without = with_scale.queries(latents, 2, control)
    first = tiny_backbone.query_layers.index(with_scale.injected_layers[0])
    torch.testing.assert_close(without[first], short[first])
    assert not torch.allclose(without[-1], short[-1], atol=1e-3), "injection changes what comes after it"


def test_injecting_ones_own_features_changes_nothing(tiny_backbone: Backbone, noise: Draw) -> None:
    size = tiny_backbone.latent_size
    latents = noise(2, 4, size, size)
    denoiser = Denoiser(tiny_backbone, DiffusionSettings(steps=4, control_scale=0.0), "")
    control = tiny_backbone.embed_control(torch.zeros(2, 3, size * 8, size * 8))
    output, features = denoiser.source(latents, denoiser.schedule.timesteps[1])
    expected = denoiser.schedule.step(output, latents, 1)[0]
    torch.testing.assert_close(denoiser.step(latents, 1, control, features).latents, expected, atol=1e-5, rtol=1e-4)
    others = [feature.flip(0) for feature in features]
    assert not torch.allclose(denoiser.step(latents, 1, control, others).latents, expected, atol=1e-4)


def test_own_queries_injected_hard_change_nothing(tiny_backbone: Backbone, noise: Draw, pictures: Draw) -> None:
    size = tiny_backbone.latent_size
    latents, control = noise(2, 4, size, size), tiny_backbone.embed_control(pictures(2, tiny_backbone.image_size))
    denoiser = Denoiser(tiny_backbone, DiffusionSettings(steps=4), "a")
    natural = denoiser.step(latents, 0, control, record=True)
    forced = denoiser.step(latents, 0, control, hard_queries=natural.queries)
    torch.testing.assert_close(forced.latents, natural.latents, atol=1e-5, rtol=1e-4)
    swapped = [query.flip(0) for query in natural.queries]
    assert not torch.allclose(denoiser.step(latents, 0, control, hard_queries=swapped).latents, natural.latents)


def test_views_do_not_depend_on_their_company(tiny_backbone: Backbone, noise: Draw, pictures: Draw) -> None:
    size = tiny_backbone.latent_size
    latents, control = noise(3, 4, size, size), tiny_backbone.embed_control(pictures(3, tiny_backbone.image_size))
    denoiser = Denoiser(tiny_backbone, DiffusionSettings(steps=4, guidance_scale=1.5), "a")
    together = denoiser.step(latents, 1, control).latents
    order = torch.tensor([2, 0, 1])
    torch.testing.assert_close(denoiser.step(latents[order], 1, control[order]).latents, together[order])
    torch.testing.assert_close(denoiser.step(latents[1:2], 1, control[1:2]).latents, together[1:2])


def test_taps_leave_nothing_behind(tiny_backbone: Backbone, noise: Draw) -> None:
    size = tiny_backbone.latent_size
    Denoiser(tiny_backbone, DiffusionSettings(steps=4), "").source(noise(1, 4, size, size), 1)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in tiny_backbone.unet.modules())


def test_every_pass_asks_whether_to_stop(tiny_backbone: Backbone, noise: Draw) -> None:
    def stop() -> None:
        raise Cancelled

    size = tiny_backbone.latent_size
    denoiser = Denoiser(tiny_backbone, DiffusionSettings(steps=4), "", check=stop)
    with pytest.raises(Cancelled):
        denoiser.source(noise(1, 4, size, size), 1)


@pytest.mark.parametrize(
    "settings",
    [
        DiffusionSettings(guidance=GuidanceSettings(layers=(0, 99))),
        DiffusionSettings(guidance=GuidanceSettings(layers=())),
        DiffusionSettings(injection=InjectionSettings(first_layer=99)),
    ],
)
def test_layers_that_do_not_exist_are_refused(tiny_backbone: Backbone, settings: DiffusionSettings) -> None:
    with pytest.raises(SettingsError, match="query layer"):
        Denoiser(tiny_backbone, settings, "")
