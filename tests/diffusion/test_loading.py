from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import load_file, save_file
from torch import nn

from qnerf_core.diffusion.backbone import Backbone
from qnerf_core.diffusion.denoise import Denoiser
from qnerf_core.diffusion.devices import dtype_for
from qnerf_core.diffusion.guidance import GuidanceTargets, guide
from qnerf_core.diffusion.loading import BaseLoader
from qnerf_core.diffusion.settings import DiffusionSettings, GuidanceSettings, ModelSettings
from qnerf_core.diffusion.tokens import clip_tokenizer
from qnerf_core.errors import BackboneError
from qnerf_core.models.layout import find_model, layout_of
from tests.model_files import LoraLayout, write_controlnet_file, write_lora, write_single_file
from tests.tiny_models import builtin_like, sd15_like, sd21_like

Draw = Callable[..., torch.Tensor]
PARTS = ("unet", "vae", "text_encoder", "controlnet")


def same(one: nn.Module, other: nn.Module) -> bool:
    first, second = one.state_dict(), other.state_dict()
    return first.keys() == second.keys() and all(torch.equal(value, second[name]) for name, value in first.items())


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    shutil.copytree(builtin_like(), folder, symlinks=True)
    return folder


@pytest.mark.parametrize("folder", [sd15_like(), sd21_like()], ids=lambda folder: folder.name)
def test_one_file_loads_as_the_folder_it_was_made_of(folder: Path, tmp_path: Path) -> None:
    """Without a network; the ControlNet is a file of its own."""
    base = write_single_file(folder, tmp_path / "base.safetensors", open_clip="21" in folder.name)
    control = write_controlnet_file(folder / "controlnet_skeleton", tmp_path / "openpose.safetensors")
    loaded = Backbone.load(base, settings=ModelSettings(controlnet=str(control)))
    expected = Backbone.load(folder)
    assert all(same(getattr(loaded, part), getattr(expected, part)) for part in PARTS)
    assert loaded.scheduler_config["prediction_type"] == expected.scheduler_config["prediction_type"]
    torch.testing.assert_close(loaded.encode_prompt("a boot"), expected.encode_prompt("a boot"))
    with pytest.raises(BackboneError, match=r"single file holds none.*--controlnet"):
        Backbone.load(base)


def test_a_file_without_its_vae_says_so(tmp_path: Path) -> None:
    base = write_single_file(sd15_like(), tmp_path / "base.safetensors")
    weights = {
        name: value for name, value in load_file(base).items() if not name.startswith("first_stage_model.decoder")
    }
    save_file(weights, base)
    with pytest.raises(BackboneError, match="vae"):
        BaseLoader(find_model(base), torch.float32).load("vae")


@pytest.mark.parametrize(("width", "family"), [(768, "sd15"), (1024, "sd21"), (2048, "")])
def test_a_file_tells_its_family_but_not_what_it_predicts(tmp_path: Path, width: int, family: str) -> None:
    file = tmp_path / "base.safetensors"
    name = "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight"
    save_file({name: torch.zeros(4, width)}, file)
    if not family:
        with pytest.raises(BackboneError, match="not those of Stable Diffusion"):
            layout_of(file)
        return
    assert layout_of(file).name == family
    loader = BaseLoader(find_model(file), torch.float32)
    assert loader.scheduler_config("v_prediction")["prediction_type"] == "v_prediction"
    if family == "sd15":
        assert loader.scheduler_config(None)["prediction_type"] == "epsilon"
    else:
        with pytest.raises(BackboneError, match="--prediction epsilon"):
            loader.scheduler_config(None)


def test_pickles_are_refused(copied: Path, tmp_path: Path) -> None:
    for name in ("model.ckpt", "model.bin"):
        with pytest.raises(BackboneError, match="pickle"):
            Backbone.load(tmp_path / name)
    weights = copied / "vae" / "diffusion_pytorch_model.safetensors"
    weights.rename(weights.with_suffix(".bin"))
    with pytest.raises(BackboneError, match=r"vae/.*\.bin is refused"):
        Backbone.load(copied)


def test_the_names_of_older_files_are_understood(copied: Path) -> None:
    """Those of the published SD 1.5: the text encoder's in a room of their own, the autoencoder's old attention."""
    expected = Backbone.load(copied)
    text = copied / "text_encoder" / "model.safetensors"
    weights = {f"text_model.{name.removeprefix('text_model.')}": value for name, value in load_file(text).items()}
    save_file(weights | {"text_model.embeddings.position_ids": torch.arange(77)[None]}, text, {"format": "pt"})
    vae = copied / "vae" / "diffusion_pytorch_model.safetensors"
    old = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    renamed = {}
    for name, value in load_file(vae).items():
        for new_name, old_name in old.items():
            name = name.replace(f"attentions.0.{new_name}", f"attentions.0.{old_name}")
        renamed[name] = value
    save_file(renamed, vae, {"format": "pt"})
    loaded = Backbone.load(copied)
    assert same(loaded.text_encoder, expected.text_encoder)
    assert same(loaded.vae, expected.vae)


def test_a_folder_with_only_half_precision_loads(copied: Path) -> None:
    for file in copied.glob("*/*.safetensors"):
        save_file({name: value.half() for name, value in load_file(file).items()}, file, {"format": "pt"})
        file.rename(file.with_suffix(".fp16.safetensors"))
    assert Backbone.load(copied).dtype == torch.float32


def test_a_hub_id_is_looked_up_in_the_local_cache_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(BackboneError, match="models download someone/tiny"):
        Backbone.load("someone/tiny")
    repository = tmp_path / "models--someone--tiny"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("1234")
    shutil.copytree(builtin_like(), repository / "snapshots" / "1234", symlinks=True)
    assert same(Backbone.load("someone/tiny").unet, Backbone.load(builtin_like()).unet)


@pytest.mark.parametrize("layout", ["processor", "linear", "peft"])
def test_a_lora_in_loosecontrols_layout_is_added_to_the_depth_controlnet(tmp_path: Path, layout: LoraLayout) -> None:
    plain = Backbone.load(sd15_like(), "depth").controlnet
    file = tmp_path / "pytorch_lora_weights.safetensors"
    changes = write_lora(plain, file, layout)
    settings = ModelSettings(lora=str(tmp_path), lora_scale=0.5)
    loose = Backbone.load(sd15_like(), "depth", settings=settings).controlnet
    assert len(changes) == 7 * 8, "every projection of every attention"
    for name, value in plain.state_dict().items():
        layer = name.removesuffix(".weight")
        wanted = value + 0.5 * changes[layer] if layer in changes else value
        torch.testing.assert_close(loose.state_dict()[name], wanted)
    with pytest.raises(BackboneError, match="does not fit this ControlNet"):
        Backbone.load(builtin_like(), "depth", settings=settings)


def test_parts_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match="is no ControlNet"):
        Backbone.load(builtin_like(), settings=ModelSettings(controlnet=str(sd15_like())))
    with pytest.raises(BackboneError, match="is no whole model"):
        Backbone.load(sd15_like() / "controlnet_skeleton")
    with pytest.raises(BackboneError, match="different widths"):
        Backbone.load(builtin_like(), settings=ModelSettings(controlnet=str(sd15_like() / "controlnet_skeleton")))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_in_half_precision_latents_stay_float32_and_guidance_keeps_its_direction(
    noise: Draw, pictures: Draw, dtype: torch.dtype
) -> None:
    settings = DiffusionSettings(steps=4, guidance=GuidanceSettings(alpha=0.1))
    moved, stepped = [], []
    for precision in (torch.float32, dtype):
        backbone = Backbone.load(sd21_like(), dtype=precision)
        denoiser = Denoiser(backbone, settings, "a boot")
        latents, control = noise(1, 4, 8, 8), backbone.embed_control(pictures(1, 64))
        targets = GuidanceTargets.of([query.float() + 0.1 for query in denoiser.queries(latents, 1, control)])
        moved.append(guide(denoiser, latents, 1, control, None, targets, slice(0, 1))[0] - latents)
        stepped.append(denoiser.step(latents, 1, control).latents)
    assert stepped[1].dtype == torch.float32
    torch.testing.assert_close(stepped[1], stepped[0], atol=0.05, rtol=0.05)
    assert torch.nn.functional.cosine_similarity(moved[0].flatten(), moved[1].flatten(), dim=0) > 0.95


def test_precision_follows_the_device_unless_it_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    assert dtype_for("auto", "cuda") == dtype_for("auto", "mps") == torch.float16
    assert dtype_for("bfloat16", "cuda") == torch.bfloat16
    for has, expected in ((True, torch.bfloat16), (False, torch.float32)):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda has=has: {"amx_bf16": has})
        assert dtype_for("auto", "cpu") == expected


def test_slicing_and_tiling_change_nothing_but_memory(noise: Draw, pictures: Draw) -> None:
    plain = Backbone.load(builtin_like())
    frugal = Backbone.load(builtin_like(), settings=ModelSettings(slicing=True, tiling=True))
    torch.testing.assert_close(frugal.encode_images(pictures(2, 64)), plain.encode_images(pictures(2, 64)))
    results = []
    for backbone in (plain, frugal):
        denoiser = Denoiser(backbone, DiffusionSettings(steps=4), "a")
        results.append(denoiser.step(noise(2, 4, 8, 8), 1, backbone.embed_control(pictures(2, 64))).latents)
    torch.testing.assert_close(results[0], results[1], atol=1e-5, rtol=1e-4)


def test_with_offload_only_the_networks_of_the_stage_are_on_the_device(
    monkeypatch: pytest.MonkeyPatch, noise: Draw, pictures: Draw
) -> None:
    # The device is the processor under its other name, since there is no other here.
    backbone = Backbone.load(builtin_like(), device="cpu:0", settings=ModelSettings(offload=True))
    places: dict[nn.Module, str] = {}
    move = nn.Module.to

    def watched(module: nn.Module, place: torch.device | str) -> nn.Module:
        places[module] = str(place)
        return move(module, place)

    monkeypatch.setattr(nn.Module, "to", watched)

    def on_device() -> set[str]:
        return {part for part in PARTS if places.get(getattr(backbone, part)) == "cpu:0"}

    denoiser = Denoiser(backbone, DiffusionSettings(steps=4), "a")
    assert on_device() == {"text_encoder"}
    backbone.encode_images(pictures(1, 64))
    assert on_device() == {"vae"}
    denoiser.step(noise(1, 4, 8, 8), 1, backbone.embed_control(pictures(1, 64)))
    assert on_device() == {"unet", "controlnet"}


def test_clips_own_words_are_bundled() -> None:
    """The numbers that the published tokenizer gives."""
    tokenizer = clip_tokenizer()
    assert tokenizer("a photo of a cat").input_ids == [49406, 320, 1125, 539, 320, 2368, 49407]
    padded = clip_tokenizer("!")("a", padding="max_length").input_ids
    assert padded == [49406, 320, 49407, *[0] * 74]


def test_a_broken_configuration_is_an_error_of_ours(copied: Path) -> None:
    (copied / "scheduler" / "scheduler_config.json").write_text(json.dumps([1]))
    with pytest.raises(BackboneError, match="scheduler_config"):
        Backbone.load(copied)
