from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from diffusers import StableDiffusionControlNetPipeline
from safetensors.torch import load_file, save_file

from qnerf_core.diffusion.backbone import Backbone
from qnerf_core.errors import BackboneError
from tests.tiny_models import builtin_like

Draw = Callable[..., torch.Tensor]


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    shutil.copytree(builtin_like(), folder, symlinks=True)
    return folder


def test_sizes_come_from_the_folder(tiny_backbone: Backbone) -> None:
    assert (tiny_backbone.image_size, tiny_backbone.latent_size, tiny_backbone.vae_reduction) == (64, 8, 8)
    assert tiny_backbone.size_multiple == (32 if "builtin" in tiny_backbone.name else 64)


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # diffusers' own loading of configurations
def test_prompts_and_pictures_are_coded_as_by_diffusers(backbone: Backbone, pictures: Draw) -> None:
    pipeline = StableDiffusionControlNetPipeline.from_pretrained(backbone.name)
    expected, _ = pipeline.encode_prompt("a photo", torch.device("cpu"), 1, do_classifier_free_guidance=False)
    torch.testing.assert_close(backbone.encode_prompt("a photo"), expected)
    images = pictures(2, backbone.image_size)
    latents = backbone.encode_images(images)
    assert latents.shape == (2, 4, backbone.latent_size, backbone.latent_size)
    assert torch.equal(latents, backbone.encode_images(images)), "the mode, not a sample"
    with torch.no_grad():
        decoded = pipeline.vae.decode(latents / pipeline.vae.config.scaling_factor).sample
    theirs = pipeline.image_processor.postprocess(decoded, output_type="pt")
    torch.testing.assert_close(backbone.decode_latents(latents), theirs)


def test_the_plain_controlnet_folder_serves_if_there_is_no_special_one(copied: Path) -> None:
    (copied / "controlnet").unlink()
    (copied / "controlnet_skeleton").rename(copied / "controlnet")
    assert Backbone.load(copied).controlnet is not None


def test_a_missing_folder_or_part_is_named(copied: Path, tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match="There is no model at"):
        Backbone.load(tmp_path / "nowhere")
    shutil.rmtree(copied / "vae")
    shutil.rmtree(copied / "tokenizer")
    with pytest.raises(BackboneError, match="lacks vae, tokenizer"):
        Backbone.load(copied)


def test_a_missing_controlnet_is_named(copied: Path) -> None:
    (copied / "controlnet").unlink()
    shutil.rmtree(copied / "controlnet_skeleton")
    with pytest.raises(BackboneError, match="control_v11p_sd15_openpose"):
        Backbone.load(copied)


def test_depth_has_a_controlnet_of_its_own_for_which_the_skeletons_never_stands_in(copied: Path) -> None:
    (copied / "controlnet_depth").unlink()
    with pytest.raises(BackboneError, match=r"no ControlNet for 'depth'.*control_v11f1p_sd15_depth"):
        Backbone.load(copied, "depth")
    shutil.copytree(copied / "controlnet_skeleton", copied / "controlnet_depth")
    file = copied / "controlnet_depth" / "diffusion_pytorch_model.safetensors"
    weights = load_file(file)
    save_file({name: value + 1 for name, value in weights.items()}, file)
    loaded = Backbone.load(copied, "depth").controlnet.state_dict()
    assert all(torch.equal(loaded[name], value + 1) for name, value in weights.items())


def test_missing_weights_are_an_error_not_random_numbers(copied: Path) -> None:
    file = copied / "unet" / "diffusion_pytorch_model.safetensors"
    weights = load_file(file)
    del weights["conv_in.weight"]
    save_file(weights, file)
    with pytest.raises(BackboneError, match=r"unet: 1 weights are missing.*conv_in\.weight"):
        Backbone.load(copied)


def test_a_damaged_file_is_an_error_of_ours(copied: Path) -> None:
    (copied / "vae" / "diffusion_pytorch_model.safetensors").write_bytes(b"nothing")
    with pytest.raises(BackboneError, match=r"Cannot load .*vae"):
        Backbone.load(copied)
    (copied / "vae" / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(BackboneError, match=r"Cannot load .*vae"):
        Backbone.load(copied)


def test_a_controlnet_of_another_base_is_refused(copied: Path) -> None:
    file = copied / "controlnet_skeleton" / "config.json"
    config = json.loads(file.read_text(encoding="utf-8"))
    config["controlnet_conditioning_channel_order"] = "bgr"
    file.write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(BackboneError, match="BGR"):
        Backbone.load(copied)
