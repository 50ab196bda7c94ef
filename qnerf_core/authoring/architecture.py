"""The built-in model's components, in the Stable Diffusion layout: small enough for two CPU cores."""

from __future__ import annotations

import json
from pathlib import Path

from diffusers import AutoencoderKL, ControlNetModel, DDIMScheduler, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

TEXT_WIDTH = 64
TEXT_LENGTH = 77
_WORDS = (
    *("a", "photo", "of", "person", "in", "shirt", "and", "trousers", "the", "black", "white", "grey", "brown", "red"),
    *("orange", "yellow", "green", "cyan", "blue", "purple", "pink"),
)


def make_vae() -> AutoencoderKL:
    """A variational autoencoder with 8x reduction and 4 channels.

    Few channels at full resolution: there, memory traffic costs more than arithmetic on a CPU. No attention in the
    middle, so that it works the same at any picture size. One group in a normalisation: a group a channel would take
    each picture's colour cast out of the eight channels before the last layer.
    """
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(8, 16, 32, 64),
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=1,
        mid_block_add_attention=False,
        sample_size=256,
    )


def make_unet() -> UNet2DConditionModel:
    """A UNet with self-attention in the decoder at 32, 16 and 8 (of 256 px pictures), two layers each."""
    return UNet2DConditionModel(
        sample_size=32,
        block_out_channels=(64, 128, 192),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        layers_per_block=1,
        attention_head_dim=(2, 4, 6),
        cross_attention_dim=TEXT_WIDTH,
        norm_num_groups=16,
    )


def make_controlnet(unet: UNet2DConditionModel) -> ControlNetModel:
    """A ControlNet for the UNet, its encoder a copy of the UNet's."""
    return ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=(8, 16, 32, 64))


def make_scheduler() -> DDIMScheduler:
    """DDIM over Stable Diffusion's noise schedule, with v-prediction."""
    return DDIMScheduler(
        num_train_timesteps=1000,
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
    )


def make_tokenizer(folder: Path) -> CLIPTokenizer:
    """A CLIP tokenizer that knows letters and the words of the captions; writes its files to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    letters = [chr(code) for code in range(33, 127)]
    merges, pieces = [], []
    for word in _WORDS:
        parts = [*word[:-1], f"{word[-1]}</w>"]
        while len(parts) > 1:
            pair = (parts[0], parts[1])
            if pair not in merges:
                merges.append(pair)
            parts = ["".join(pair), *parts[2:]]
            if parts[0] not in pieces:
                pieces.append(parts[0])
    tokens = [*letters, *[f"{letter}</w>" for letter in letters], *pieces]
    vocabulary = list(dict.fromkeys(tokens)) + ["<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({token: index for index, token in enumerate(vocabulary)}))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(" ".join(pair) for pair in merges) + "\n")
    tokenizer = CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=TEXT_LENGTH)
    tokenizer.save_pretrained(folder)
    return tokenizer


def make_text_encoder(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    """A two-layer CLIP text encoder."""
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=TEXT_WIDTH,
            intermediate_size=4 * TEXT_WIDTH,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=TEXT_LENGTH,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
