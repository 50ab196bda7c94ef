from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from diffusers import UNet2DConditionModel

from qnerf_core.diffusion.attention import (
    capture_queries,
    find_query_layers,
    finer_than_coarsest,
    to_map,
    to_tokens,
    truncated_unet,
)
from qnerf_core.diffusion.backbone import Backbone
from qnerf_core.errors import BackboneError
from tests.diffusion.conftest import loaded
from tests.tiny_models import TEXT_WIDTH, builtin_like, sd15_like

Draw = Callable[..., torch.Tensor]


def test_sd15_has_nine_query_layers_at_three_resolutions() -> None:
    layers = loaded(sd15_like()).query_layers
    assert [layer.name for layer in layers] == [
        f"up_blocks.{block}.attentions.{place}.transformer_blocks.0.attn1" for block in (1, 2, 3) for place in (0, 1, 2)
    ]
    assert [layer.shape((64, 64)) for layer in layers] == [(64, 16, 16)] * 3 + [(32, 32, 32)] * 3 + [(16, 64, 64)] * 3
    assert finer_than_coarsest(layers) == 3, "MasaCtrl's layer 10 of 16 is the decoder's fourth"


def test_the_built_in_layout_has_two_on_each_of_three_levels() -> None:
    layers = loaded(builtin_like()).query_layers
    assert [layer.shape((32, 32)) for layer in layers] == [(24, 8, 8)] * 2 + [(16, 16, 16)] * 2 + [(8, 32, 32)] * 2


def test_layers_are_found_in_the_order_they_run(tiny_backbone: Backbone, noise: Draw) -> None:
    order: list[str] = []
    names = {layer.to_q: layer.name for layer in tiny_backbone.query_layers}
    hooks = [
        module.register_forward_hook(lambda module, _inputs, _output: order.append(names[module])) for module in names
    ]
    size = tiny_backbone.latent_size
    with torch.no_grad():
        tiny_backbone.unet(noise(1, 4, size, size), 10, encoder_hidden_states=noise(1, 77, TEXT_WIDTH))
    for hook in hooks:
        hook.remove()
    assert order == [layer.name for layer in tiny_backbone.query_layers]


def test_a_network_without_decoder_attention_is_refused() -> None:
    unet = UNet2DConditionModel(
        block_out_channels=(8, 8),
        layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D"),
        cross_attention_dim=8,
        attention_head_dim=2,
        norm_num_groups=4,
    )
    with pytest.raises(BackboneError, match="no query layers"):
        find_query_layers(unet)


@pytest.mark.parametrize("index", [0, 3, 5])
def test_the_short_network_gives_the_same_queries_and_leaves_the_long_one_alone(
    tiny_backbone: Backbone, noise: Draw, index: int
) -> None:
    size, layers = tiny_backbone.latent_size, tiny_backbone.query_layers[: index + 1]
    arguments = {"sample": noise(2, 4, size, size), "timestep": 300, "encoder_hidden_states": noise(2, 77, TEXT_WIDTH)}
    short = truncated_unet(tiny_backbone.unet, layers[-1])
    with torch.no_grad(), capture_queries(layers) as whole:
        before = tiny_backbone.unet(**arguments).sample
    later = []
    hook = tiny_backbone.unet.conv_out.register_forward_hook(lambda *_: later.append(1))
    with torch.no_grad(), capture_queries(layers) as ours:
        short(**arguments)
    hook.remove()
    assert not later
    for mine, theirs in zip(ours, whole, strict=True):
        assert torch.equal(mine, theirs)
    with torch.no_grad():
        assert torch.equal(tiny_backbone.unet(**arguments).sample, before)


def test_maps_and_tokens_are_each_others_inverse(noise: Draw) -> None:
    tokens = noise(2, 6, 5)
    maps = to_map(tokens, (5, 2, 3))
    assert torch.equal(maps[1, :, 1, 2], tokens[1, 5])
    assert torch.equal(to_tokens(maps), tokens)
