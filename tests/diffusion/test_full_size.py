"""Stable Diffusion's exact measures with random weights (issue 5, item 7). Minutes each, 13 GB: `make test-all`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from diffusers import DDIMScheduler, StableDiffusionControlNetPipeline

from app.cli import main
from qnerf_core.diffusion.backbone import Backbone
from qnerf_core.diffusion.denoise import Denoiser
from qnerf_core.diffusion.devices import dtype_for
from qnerf_core.diffusion.settings import DiffusionSettings, InjectionSettings, ModelSettings
from qnerf_core.models.facts import model_facts
from qnerf_core.models.layout import family_folder
from tests.full_size import PARAMETERS, Family, empty_part, write_full_size
from tests.model_files import write_lora

NINE = [(1280, 16)] * 3 + [(640, 32)] * 3 + [(320, 64)] * 3


@pytest.mark.parametrize("family", list(PARAMETERS))
def test_the_structures_are_the_published_ones(family: Family) -> None:
    for part, count in PARAMETERS[family].items():
        network = empty_part(family_folder(family) / part, part)
        assert sum(parameter.numel() for parameter in network.parameters()) == count


@pytest.fixture(scope="module", params=list(PARAMETERS))
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_full_size(tmp_path_factory.mktemp("full") / request.param, request.param)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_two_views_go_through_two_intervals_on_the_command_line(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert [(c, 64 // r) for c, r in model_facts(folder).query_layers] == NINE
    (tmp_path / "settings.json").write_text(json.dumps({"previews": False}))
    command = ["edit", "--scene", "person", "--edit", "raise-arms", "--out", str(tmp_path / "run")]
    command += ["--model", str(folder), "--views", "2", "--steps", "2", "--tau", "1", "--view-batch", "1"]
    assert main([*command, "--settings", str(tmp_path / "settings.json"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "finished"
    run = json.loads((tmp_path / "run" / "run.json").read_text())
    assert [(c, h, w) for c, h, w in run["query_shapes"]] == [(c, size, size) for c, size in NINE]
    assert run["image_size"] == [512, 512]
    assert len(run["intervals"]) == 2
    assert run["denoiser_calls"]["guidance"] == 2


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # diffusers' own loading of configurations
def test_the_plain_pass_is_diffusers_pipeline(folder: Path) -> None:
    dtype = dtype_for("auto", "cpu")
    prompt, steps = "a photo of a person", 1
    noise = torch.randn((1, 4, 64, 64), generator=torch.Generator().manual_seed(0))
    control = torch.rand((1, 3, 512, 512), generator=torch.Generator().manual_seed(1))
    pipeline = StableDiffusionControlNetPipeline.from_pretrained(folder, dtype=dtype, local_files_only=True)
    pipeline.scheduler = DDIMScheduler.from_config(pipeline.scheduler.config)
    pipeline.set_progress_bar_config(disable=True)
    theirs = pipeline(
        prompt,
        control.to(dtype),
        latents=noise.to(dtype),
        num_inference_steps=steps,
        guidance_scale=1.0,
        output_type="latent",
    ).images.float()
    del pipeline
    backbone = Backbone.load(folder, dtype=dtype)
    settings = DiffusionSettings(steps=steps, injection=InjectionSettings(enabled=False))
    ours = Denoiser(backbone, settings, prompt).step(noise, 0, backbone.embed_control(control)).latents
    tolerance = 1e-3 if dtype == torch.float32 else 0.05
    assert theirs.std() > 0.1
    assert float((ours - theirs).abs().max() / theirs.std()) < tolerance


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_loosecontrols_lora_fits_the_depth_controlnet(folder: Path, tmp_path: Path) -> None:
    controlnet = empty_part(family_folder("sd15" if "sd15" in folder.name else "sd21") / "controlnet", "controlnet")
    changes = write_lora(controlnet, tmp_path / "pytorch_lora_weights.safetensors", "processor", rank=4)
    assert len(changes) == 7 * 8
    settings = ModelSettings(controlnet=str(folder / "controlnet"), lora=str(tmp_path))
    loose = Backbone.load(folder, "depth", settings=settings).controlnet
    plain = Backbone.load(folder).controlnet
    for name, change in changes.items():
        before, after = plain.get_submodule(name).weight, loose.get_submodule(name).weight
        torch.testing.assert_close(after, before + change)
