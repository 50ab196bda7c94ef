from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from qnerf_core.diffusion.backbone import Backbone
from qnerf_core.diffusion.verification import verify_model
from qnerf_core.errors import BackboneError
from qnerf_core.models.facts import model_facts
from qnerf_core.models.store import ModelStore, guess_control
from tests.model_files import write_lora, write_single_file
from tests.tiny_models import TEXT_WIDTH, builtin_like, sd15_like


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "store")


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A base without ControlNets."""
    folder = tmp_path / "sd15"
    shutil.copytree(sd15_like(), folder, ignore=shutil.ignore_patterns("controlnet*"))
    return folder


def test_what_is_added_is_verified_by_hash_and_structure(store: ModelStore, base: Path, tmp_path: Path) -> None:
    entry = store.add(base)
    assert (entry.name, entry.kind, entry.text_width, entry.owned) == ("sd15", "base", TEXT_WIDTH, False)
    pose = tmp_path / "control_v11p_sd15_openpose"
    shutil.copytree(sd15_like() / "controlnet_skeleton", pose)
    assert store.add(pose, name="pose").control == "skeleton"
    shutil.copytree(pose, tmp_path / "depth")
    store.add(tmp_path / "depth")
    write_lora(Backbone.load(sd15_like()).controlnet, tmp_path / "loose.safetensors", "linear")
    assert store.add(tmp_path / "loose.safetensors").control == "depth"
    assert [(entry.name, entry.kind) for entry in ModelStore(store.folder).entries()] == [
        ("sd15", "base"),
        ("depth", "controlnet"),
        ("pose", "controlnet"),
        ("loose", "lora"),
    ]
    found = " ".join(verify_model(store, "sd15"))
    assert "9 query layers: 3 of 64 channels at 2, 3 of 32 channels at 4, 3 of 16 channels at 8" in found
    assert "pose (skeleton), depth (depth)" in found
    assert "fits: sd15" in verify_model(store, "pose")[-1]
    assert verify_model(store, "loose")[-1] == "It changes 56 layers of depth."
    assert store.get("sd15").verified is not None
    assert store.companions(store.get("sd15"), "skeleton") == (store.get("pose"),)


def test_a_file_that_changed_or_went_since_is_named(store: ModelStore, base: Path) -> None:
    store.add(base)
    verify_model(store, "sd15")
    weights = base / "vae" / "diffusion_pytorch_model.safetensors"
    save_file({name: value + 1 for name, value in load_file(weights).items()}, weights)
    (base / "tokenizer" / "tokenizer_config.json").unlink()
    with pytest.raises(BackboneError, match=r"tokenizer_config\.json is missing; vae/.*safetensors has changed"):
        verify_model(store, "sd15")


def test_a_download_that_was_cut_off_is_found_before_anything_is_loaded(store: ModelStore, base: Path) -> None:
    weights = base / "unet" / "diffusion_pytorch_model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-10])
    with pytest.raises(BackboneError, match=f"cut off: {len(whole) - 10} bytes of {len(whole)}"):
        store.add(base)
    shutil.rmtree(base / "vae")
    with pytest.raises(BackboneError, match="lacks vae"):
        store.add(base)


def test_a_controlnet_of_another_base_does_not_pass(store: ModelStore, base: Path) -> None:
    store.add(base)
    store.add(builtin_like() / "controlnet_skeleton", name="other", control="skeleton")
    with pytest.raises(BackboneError, match="no base of the list has both"):
        verify_model(store, "other")
    assert store.get("other").verified is None


def test_deleting_spares_what_the_store_does_not_own(store: ModelStore, base: Path) -> None:
    store.add(base)
    shutil.copytree(base, store.folder / "fetched")
    assert store.add(store.folder / "fetched").owned
    for name in ("sd15", "fetched"):
        store.delete(name)
    assert base.is_dir()
    assert not (store.folder / "fetched").exists()
    assert store.entries() == ()
    with pytest.raises(BackboneError, match="known are: none yet"):
        store.delete("sd15")


def test_names_are_unique_and_registries_that_cannot_be_read_say_so(store: ModelStore, base: Path) -> None:
    store.add(base)
    with pytest.raises(BackboneError, match="already"):
        store.add(base)
    with pytest.raises(BackboneError, match="cannot be called 'builtin'"):
        store.add(base, name="builtin")
    shutil.copytree(sd15_like() / "controlnet_skeleton", base.parent / "cn")
    with pytest.raises(BackboneError, match="--control"):
        store.add(base.parent / "cn")
    (store.folder / "models.json").write_text(json.dumps({"models": [{"name": "?"}]}))
    with pytest.raises(BackboneError, match="not what this program writes"):
        store.entries()


def test_a_single_file_has_the_facts_of_its_layout(tmp_path: Path) -> None:
    file = write_single_file(sd15_like(), tmp_path / "base.safetensors")
    one, other = model_facts(file), model_facts(sd15_like())
    assert (one.image_size, one.query_layers, one.text_width) == (other.image_size, other.query_layers, TEXT_WIDTH)
    assert list(one.query_layers) == [(64, 4)] * 3 + [(32, 2)] * 3 + [(16, 1)] * 3


def test_what_a_controlnet_reads_is_guessed_from_its_name() -> None:
    assert guess_control("lllyasviel/control_v11p_sd15_openpose") == "skeleton"
    assert guess_control("lllyasviel/control_v11f1p_sd15_depth") == "depth"
    assert guess_control("shariqfarooq/loose-control-3dbox") == "depth"
    assert guess_control("canny") is None
