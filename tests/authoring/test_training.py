from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL, StableDiffusionControlNetPipeline
from transformers import CLIPTokenizer

from qnerf_core.authoring.architecture import make_tokenizer, make_vae
from qnerf_core.authoring.dataset import read_shard
from qnerf_core.authoring.denoiser import Denoiser
from qnerf_core.authoring.latents import CROP, LatentFolder
from qnerf_core.authoring.model_folder import write_snapshot
from qnerf_core.authoring.showpieces import PERSON
from qnerf_core.authoring.train_unet import train_unet
from qnerf_core.authoring.train_vae import (
    DRIFT_PENALTY,
    reconstruction_loss,
    reconstruction_psnr,
    train_vae,
    with_scaling_factor,
)
from qnerf_core.authoring.training import AveragedWeights, Clock, learning_rate, load_checkpoint
from qnerf_core.authoring.vae_start import start_as_downsampling
from qnerf_core.authoring.widening import widened
from qnerf_core.errors import AssetError


def _smooth_pictures(count: int, size: int) -> torch.Tensor:
    coarse = torch.rand((count, 3, 4, 4), generator=torch.Generator().manual_seed(1))
    return torch.nn.functional.interpolate(coarse, size=(size, size), mode="bicubic").clamp(0, 1)


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shards")
    generator = np.random.default_rng(0)
    pose = np.eye(4)
    pose[:3, 3] = [0, 0, 3]
    for index in range(2):
        np.savez(
            folder / f"shard-{index:04d}.npz",
            images=(_smooth_pictures(16, 256).permute(0, 2, 3, 1) * 255).byte().numpy(),
            keypoints=generator.normal(0, 0.4, (16, 18, 3)).astype(np.float32),
            camera_to_world=np.tile(pose, (16, 1, 1)),
            focal=np.full(16, 300.0),
            captions=np.array(["a photo of a person in a red shirt and blue trousers"] * 16),
            kinds=np.array(["skeleton"] * 16),
            places=generator.random((16, 4, 32, 32)).astype(np.float16),
            expected=generator.random((16, 4, 32, 32)).astype(np.float16),
            drafts=(_smooth_pictures(16, 256).flip(0).permute(0, 2, 3, 1) * 255).byte().numpy(),
        )
    return folder


def test_the_autoencoder_starts_in_colour() -> None:
    torch.manual_seed(0)
    pictures = _smooth_pictures(4, 64)
    started = start_as_downsampling(make_vae())
    assert reconstruction_psnr(started, pictures) > 22
    torch.manual_seed(0)
    assert reconstruction_psnr(make_vae(), pictures) < 15
    red = torch.tensor([0.9, 0.2, 0.2])[None, :, None, None].expand(1, 3, 64, 64)
    with torch.no_grad():
        picture = started.decode(started.encode(red * 2 - 1).latent_dist.mean).sample
    result = picture[0, :, 16:48, 16:48].mean((1, 2))
    assert result[0] > result[1] + 0.8
    assert result[1] == pytest.approx(float(result[2]), abs=0.05)


def test_scaling_gives_latents_unit_variance() -> None:
    vae = start_as_downsampling(make_vae())
    pictures = _smooth_pictures(4, 64)
    scaled = with_scaling_factor(vae, pictures)
    with torch.no_grad():
        latents = scaled.encode(pictures * 2 - 1).latent_dist.mode() * scaled.config["scaling_factor"]
    assert float(latents.std()) == pytest.approx(1.0, abs=1e-3)


def test_the_tokenizer_reads_back_and_knows_the_words(tmp_path: Path) -> None:
    written = make_tokenizer(tmp_path)
    read = CLIPTokenizer.from_pretrained(tmp_path)
    assert read.model_max_length == 77
    for text in (PERSON.caption(), "a statue of marble!"):
        assert read(text).input_ids == written(text).input_ids
    # Known words are one token each, between the start and the end token.
    assert len(read(PERSON.caption()).input_ids) == len(PERSON.caption().split()) + 2
    assert read.decode(read("a statue").input_ids, skip_special_tokens=True) == "a statue"


def test_the_clock_goes_on_after_a_restart() -> None:
    clock = Clock(minutes=1.0, seconds_before=30.0)
    assert clock.share == pytest.approx(0.5, abs=0.01)
    assert Clock(minutes=1.0, seconds_before=90.0).share == 1.0


def test_the_learning_rate_warms_up_and_falls() -> None:
    assert learning_rate(0.0, 1.0) == 0.0
    assert learning_rate(0.005, 1.0) == pytest.approx(0.5)
    assert learning_rate(0.5, 1.0) == pytest.approx(0.525)
    assert learning_rate(1.0, 1.0) == pytest.approx(0.05)


def test_averaged_weights_follow_slowly() -> None:
    module = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(module.weight)
    average = AveragedWeights(module, 0.9)
    torch.nn.init.ones_(module.weight)
    for _ in range(200):
        average.update(module)
    assert float(average.module.weight) == pytest.approx(1.0, abs=1e-3)
    torch.nn.init.zeros_(module.weight)
    average.update(module)
    assert float(average.module.weight) == pytest.approx(0.9, abs=1e-3)


def test_crops_of_latents_and_control_show_the_same_place(shards: Path, tmp_path: Path) -> None:
    vae = start_as_downsampling(make_vae())
    folder = LatentFolder(shards, tmp_path, vae)
    assert len(folder) == 16
    whole = folder.draw(np.random.default_rng(4), "skeleton", 3, cropped=False)
    cropped = folder.draw(np.random.default_rng(4), "skeleton", 3, cropped=True)
    assert whole.latents.shape == (6, 4, 32, 32)
    for index in range(6):
        places = [
            (y, x)
            for y in range(CROP + 1)
            for x in range(CROP + 1)
            if torch.equal(whole.latents[index, :, y : y + CROP, x : x + CROP], cropped.latents[index])
        ]
        assert len(places) == 1
        y, x = 8 * places[0][0], 8 * places[0][1]
        expected = whole.control[index, :, y : y + 8 * CROP, x : x + 8 * CROP]
        assert torch.equal(expected, cropped.control[index])
        half, row = ("source", "target")[index // 3], index % 3
        places = getattr(whole.maps, half)[row, :, y // 8 : y // 8 + CROP, x // 8 : x // 8 + CROP]
        assert torch.equal(places, getattr(cropped.maps, half)[row])
        if half == "target":
            draft = whole.drafts[row, :, y // 8 : y // 8 + CROP, x // 8 : x // 8 + CROP]
            assert torch.equal(draft, cropped.drafts[row])


def test_latents_that_leave_those_a_unet_knows_are_paid_for() -> None:
    torch.manual_seed(0)
    vae = start_as_downsampling(make_vae())
    pictures = _smooth_pictures(2, 64) * 2 - 1
    known, far = copy.deepcopy(vae), copy.deepcopy(vae)
    assert far.quant_conv.bias is not None
    with torch.no_grad():
        far.quant_conv.bias[:4] += 0.5
    losses = []
    for before in (known, far):
        torch.manual_seed(1)
        losses.append(float(reconstruction_loss(vae, pictures, before).detach()))
    assert losses[1] - losses[0] == pytest.approx(DRIFT_PENALTY * 0.25, rel=1e-3)


def test_a_wider_autoencoder_does_the_same_until_it_learns() -> None:
    torch.manual_seed(0)
    vae = make_vae().eval()
    wide = widened(vae, 3)
    assert wide.config["block_out_channels"] == [3 * width for width in vae.config["block_out_channels"]]
    pictures = _smooth_pictures(2, 64) * 2 - 1
    with torch.no_grad():
        latents = vae.encode(pictures).latent_dist.parameters
        assert torch.allclose(wide.encode(pictures).latent_dist.parameters, latents, atol=1e-4)
        assert torch.allclose(wide.decode(latents[:, :4]).sample, vae.decode(latents[:, :4]).sample, atol=1e-4)
    reconstruction_loss(wide, pictures, vae).backward()
    for name in ("encoder.down_blocks.0.resnets.0.conv1.weight", "decoder.mid_block.resnets.1.conv1.weight"):
        gradient = wide.get_parameter(name).grad
        assert gradient is not None
        copies = gradient.unflatten(0, (3, -1))
        assert float((copies[0] - copies[1]).norm()) > 0.1 * float(copies[0].norm())


def test_copies_of_channels_need_one_group() -> None:
    with pytest.raises(ValueError, match="2 groups"):
        widened(AutoencoderKL(block_out_channels=(4,), norm_num_groups=2), 2)


def test_an_autoencoder_is_trained_further_from_what_it_is(shards: Path, tmp_path: Path) -> None:
    start_as_downsampling(make_vae()).save_pretrained(tmp_path / "vae")
    before = AutoencoderKL.from_pretrained(tmp_path / "vae").state_dict()
    after = train_vae(shards, tmp_path, 0.05, True, tmp_path / "vae", 0).state_dict()
    state = load_checkpoint(tmp_path / "vae-further.pt")
    assert state is not None
    assert not (tmp_path / "vae.pt").exists()
    changes = {name: float((after[name] - before[name]).abs().max()) for name in before}
    assert changes["encoder.conv_in.weight"] > 0
    assert changes["decoder.conv_out.weight"] > 0
    # Adam's steps are hardly longer than its rate.
    assert max(changes.values()) < 2e-3 * state["step"]


def test_an_autoencoder_that_is_there_sees_crops_then_whole_pictures(
    shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_as_downsampling(make_vae()).save_pretrained(tmp_path / "vae")
    sizes: list[tuple[int, ...]] = []

    def watched(vae: AutoencoderKL, images: torch.Tensor, before: AutoencoderKL | None) -> torch.Tensor:
        sizes.append(tuple(images.shape))
        return reconstruction_loss(vae, images, before)

    class Steps(Clock):
        @property
        def share(self) -> float:
            return len(sizes) / 5

    monkeypatch.setattr("qnerf_core.authoring.train_vae.reconstruction_loss", watched)
    monkeypatch.setattr("qnerf_core.authoring.train_vae.Clock", Steps)
    train_vae(shards, tmp_path, 1.0, True, tmp_path / "vae", 0)
    assert sizes == [(4, 3, 128, 128)] * 4 + [(1, 3, 256, 256)]


def test_pictures_count_alike_however_well_they_come_out() -> None:
    torch.manual_seed(0)
    vae = start_as_downsampling(make_vae())
    plain, rough = _smooth_pictures(1, 64) * 2 - 1, torch.rand(1, 3, 64, 64) * 2 - 1
    alone = [float(reconstruction_loss(vae, picture, vae).detach()) for picture in (plain, rough)]
    together = float(reconstruction_loss(vae, torch.cat([plain, rough]), vae).detach())
    assert alone[1] - alone[0] > 0.05
    assert together == pytest.approx(np.mean(alone), abs=2e-3)


@pytest.mark.slow
def test_training_goes_on_and_gives_a_pipeline(shards: Path, tmp_path: Path) -> None:
    work, out = tmp_path / "work", tmp_path / "model"
    work.mkdir()
    with pytest.raises(AssetError, match="no checkpoint"):
        write_snapshot(work, out)
    train_vae(shards, work, 0.02, False, out / "vae", 0).save_pretrained(out / "vae")
    first = load_checkpoint(work / "vae.pt")
    assert first is not None
    train_vae(shards, work, first["seconds"] / 60 + 0.05, False, out / "vae", 0)
    second = load_checkpoint(work / "vae.pt")
    assert second is not None
    assert second["step"] > first["step"]
    vae = start_as_downsampling(make_vae()).eval()
    train_unet(shards, work, out, vae, 0.2, 0.5, 6e-4, 0)
    write_snapshot(work, out)
    assert list((work / "sheets").glob("*.png"))
    pipeline = StableDiffusionControlNetPipeline.from_pretrained(out, safety_checker=None)
    further = Denoiser(make_tokenizer(out / "tokenizer"), ["skeleton"])
    further.load_folder(out)
    stored = pipeline.unet.state_dict()
    assert all(torch.equal(value, stored[name]) for name, value in further.unet.state_dict().items())
    sample = read_shard(shards / "shard-0000.npz")[0]
    picture = pipeline(
        sample.caption,
        image=torch.from_numpy(sample.image).permute(2, 0, 1)[None] / 255,
        num_inference_steps=1,
        guidance_scale=1.0,
        output_type="np",
    ).images[0]
    assert picture.shape == (256, 256, 3)
    assert np.isfinite(picture).all()
