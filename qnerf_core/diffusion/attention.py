"""The decoder's self-attention layers: found, listened to, fed from the original, overruled (method.md 1.3, 1.7).

Everything is done at the inputs and outputs of the projections (`to_q`, `to_k`, `to_v`), by hooks that live only while
they are used. The attention processors stay those of diffusers, whichever they are, and a network without active taps
is the network as it was loaded.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, cast

import torch
from diffusers.models.transformers.transformer_2d import Transformer2DModel
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import nn

from qnerf_core.errors import BackboneError


@dataclass(frozen=True, eq=False)
class QueryLayer:
    """One self-attention layer of the decoder.

    Attributes:
        name: Its name in the network, as diffusers has it.
        attention: The whole layer.
        to_q: Its projection to queries.
        to_k: Its projection to keys.
        to_v: Its projection to values.
        block: Index of its block among `up_blocks`.
        position: Index of its transformer in the block.
        reduction: How many times smaller than the latents its map is, on a side.
        channels: Width of its queries.
    """

    name: str
    attention: nn.Module
    to_q: nn.Module
    to_k: nn.Module
    to_v: nn.Module
    block: int
    position: int
    reduction: int
    channels: int

    def shape(self, latent_size: tuple[int, int]) -> tuple[int, int, int]:
        """Return (channels, height, width) of its query map.

        Args:
            latent_size: (height, width) of the latents, multiples of `reduction`.
        """
        return self.channels, latent_size[0] // self.reduction, latent_size[1] // self.reduction


def find_query_layers(unet: UNet2DConditionModel) -> tuple[QueryLayer, ...]:
    """Find every self-attention of the decoder, in the order the network runs them.

    SD 1.5 has nine: `up_blocks.{1,2,3}.attentions.{0,1,2}` (method.md 1.3).

    Args:
        unet: Any conditional UNet of diffusers.

    Raises:
        BackboneError: There is none.
    """
    layers: list[QueryLayer] = []
    levels = len(unet.up_blocks)
    for block_index, block in enumerate(unet.up_blocks):
        for position, transformer in enumerate(getattr(block, "attentions", None) or ()):
            if not isinstance(transformer, Transformer2DModel):
                continue
            for depth, part in enumerate(transformer.transformer_blocks):
                if part.only_cross_attention:
                    continue
                layers.append(
                    QueryLayer(
                        f"up_blocks.{block_index}.attentions.{position}.transformer_blocks.{depth}.attn1",
                        part.attn1,
                        part.attn1.to_q,
                        part.attn1.to_k,
                        part.attn1.to_v,
                        block_index,
                        position,
                        2 ** (levels - 1 - block_index),
                        int(part.attn1.to_q.out_features),
                    )
                )
    if not layers:
        raise BackboneError(
            "This model has no query layers",
            "its UNet's decoder holds no self-attention",
            "Use a model with attention in its up_blocks, such as Stable Diffusion 1.5.",
        )
    return tuple(layers)


def finer_than_coarsest(layers: Sequence[QueryLayer]) -> int:
    """Return the index of the first layer that is finer than the coarsest level (MasaCtrl's default start).

    Args:
        layers: Of a network, in order. With a single level it is 0.
    """
    coarsest = max(layer.reduction for layer in layers)
    return next((index for index, layer in enumerate(layers) if layer.reduction < coarsest), 0)


def to_map(queries: torch.Tensor, shape: tuple[int, int, int]) -> torch.Tensor:
    """Turn tokens (B, h * w, C) into a map (B, C, h, w).

    Args:
        queries: Tokens in row order.
        shape: (C, h, w).
    """
    return queries.transpose(1, 2).reshape(queries.shape[0], *shape)


def to_tokens(queries: torch.Tensor) -> torch.Tensor:
    """Turn a map (B, C, h, w) into tokens (B, h * w, C).

    Args:
        queries: The map.
    """
    return queries.flatten(2).transpose(1, 2)


@contextmanager
def capture_queries(layers: Sequence[QueryLayer]) -> Iterator[list[torch.Tensor]]:
    """Record what `to_q` gives, before the head split and unscaled, for all rows of the batch.

    Args:
        layers: The layers to listen to.

    Yields:
        A list that one forward pass fills with a (B, h * w, C) tensor per layer, in order.
    """
    captured: list[torch.Tensor] = []

    def record(_module: nn.Module, _inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        captured.append(output)

    with _hooks([layer.to_q.register_forward_hook(record) for layer in layers]):
        yield captured


@contextmanager
def capture_features(layers: Sequence[QueryLayer]) -> Iterator[list[torch.Tensor]]:
    """Record what keys and values are made from: the normalised input of the self-attention.

    Args:
        layers: The layers to listen to.

    Yields:
        A list that one forward pass fills with a (B, h * w, C) tensor per layer, in order.
    """
    captured: list[torch.Tensor] = []

    def record(_module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        captured.append(inputs[0].detach())

    with _hooks([layer.to_k.register_forward_pre_hook(record) for layer in layers]):
        yield captured


@contextmanager
def inject_features(
    layers: Sequence[QueryLayer], features: Sequence[torch.Tensor], biases: Mapping[int, torch.Tensor] | None = None
) -> Iterator[None]:
    """Make keys and values from the original picture's features instead of the edited one's (MasaCtrl).

    Args:
        layers: The layers that receive them.
        features: Per layer (B, h * w, C) from `capture_features`. A batch that is a multiple of B (unconditional and
            conditional half) receives them once for each part.
        biases: By reduction of the layers (B, h * w, h * w), added to their logits; None adds nothing.
    """
    handles = []
    for layer, feature in zip(layers, features, strict=True):

        def replace(
            _module: nn.Module, inputs: tuple[torch.Tensor, ...], source: torch.Tensor = feature
        ) -> tuple[torch.Tensor]:
            return (source.repeat(inputs[0].shape[0] // source.shape[0], 1, 1),)

        for projection in (layer.to_k, layer.to_v):
            handles.append(projection.register_forward_pre_hook(replace))
    with _hooks(handles), biased(layers, biases) if biases is not None else nullcontext():
        yield


@contextmanager
def biased(layers: Sequence[QueryLayer], biases: Mapping[int, torch.Tensor]) -> Iterator[None]:
    """Add to the logits of layers.

    Args:
        layers: The layers.
        biases: By their reduction (B, h * w, h * w); larger batches as in `inject_features`.
    """
    handles = []
    for layer in layers:

        def add(
            _module: nn.Module,
            inputs: tuple[torch.Tensor, ...],
            options: dict[str, Any],
            bias: torch.Tensor = biases[layer.reduction],
        ) -> tuple[tuple[torch.Tensor, ...], dict[str, Any]]:
            return inputs, options | {"attention_mask": bias.repeat(len(inputs[0]) // len(bias), 1, 1)}

        handles.append(layer.attention.register_forward_pre_hook(add, with_kwargs=True))
    with _hooks(handles):
        yield


@contextmanager
def replace_queries(layers: Sequence[QueryLayer], queries: Sequence[torch.Tensor]) -> Iterator[None]:
    """Overrule the queries (the ablation "hard injection", method.md 1.9).

    Args:
        layers: The layers to overrule.
        queries: Per layer a map (B, C, h, w); larger batches as in `inject_features`.
    """
    handles = []
    for layer, given in zip(layers, [to_tokens(query) for query in queries], strict=True):

        def replace(
            _module: nn.Module,
            _inputs: tuple[torch.Tensor, ...],
            output: torch.Tensor,
            tokens: torch.Tensor = given,
        ) -> torch.Tensor:
            return tokens.to(output.dtype).repeat(output.shape[0] // tokens.shape[0], 1, 1)

        handles.append(layer.to_q.register_forward_hook(replace))
    with _hooks(handles):
        yield


def truncated_unet(unet: UNet2DConditionModel, last: QueryLayer) -> UNet2DConditionModel:
    """Make a view of a UNet that stops after the transformer that holds a layer; its output means nothing.

    Used where only queries are wanted: nothing after the last of them is computed. Weights are shared.

    Args:
        unet: The network.
        last: The last layer that is needed.
    """
    block = _share(unet.up_blocks[last.block])
    block.resnets = nn.ModuleList(list(block.resnets)[: last.position + 1])
    block.attentions = nn.ModuleList(list(block.attentions)[: last.position + 1])
    block.upsamplers = None
    view = _share(unet)
    view.up_blocks = nn.ModuleList([*list(unet.up_blocks)[: last.block], block])
    view.conv_norm_out = None
    view.conv_out = nn.Identity()
    return cast(UNet2DConditionModel, view)


def _share(module: nn.Module) -> Any:
    """Copy a module object so that its children can be exchanged without changing the original."""
    view = copy.copy(module)
    view._modules = dict(module._modules)
    return view


@contextmanager
def _hooks(handles: Sequence[torch.utils.hooks.RemovableHandle]) -> Iterator[None]:
    with ExitStack() as stack:
        for handle in handles:
            stack.callback(handle.remove)
        yield
