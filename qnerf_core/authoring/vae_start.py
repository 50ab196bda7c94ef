"""Where the autoencoder's training starts: weights that average colours over 8 x 8 cells and spread them out again.

From random weights, a network this narrow spends an hour on brightness before it finds colour. Started here, it is in
colour from the first step, and training adds the detail.
"""

from __future__ import annotations

import torch
from diffusers import AutoencoderKL
from torch import nn

_STEADY = 4.0
"""Constant in two channels before each last normalisation, so that its gain hardly depends on the picture."""

LATENT_NOISE = 0.05


def _colour_matrix() -> torch.Tensor:
    """(3, 3) RGB to brightness and two colour differences, of about unit variance in our pictures."""
    brightness = torch.full((3,), 1 / 3)
    red, _, blue = torch.eye(3)
    return torch.stack([2 * brightness, 4 * (red - brightness), 4 * (blue - brightness)])


@torch.no_grad()
def _clear(convolution: nn.Conv2d, channels: int) -> torch.Tensor:
    """Sets the first output channels to zero; returns the bias, which every convolution here has."""
    bias = convolution.bias
    assert bias is not None
    convolution.weight[:channels] = 0
    bias[:channels] = 0
    return bias


@torch.no_grad()
def _keep(convolution: nn.Conv2d, kernel: torch.Tensor) -> None:
    """The first three channels go through with `kernel` (3, 3) or (1, 1); the other channels stay as they are."""
    _clear(convolution, 3)
    for channel in range(3):
        convolution.weight[channel, channel] = kernel


@torch.no_grad()
def _mirror(shortcut: nn.Conv2d) -> None:
    """Channels 0 to 2 as they are, 3 to 5 negated, 6 and 7 constant: SiLU(x) - SiLU(-x) is x again."""
    bias = _clear(shortcut, 8)
    for channel in range(3):
        shortcut.weight[channel, channel] = 1
        shortcut.weight[channel + 3, channel] = -1
    bias[6], bias[7] = _STEADY, -_STEADY


@torch.no_grad()
def _unmirror(convolution: nn.Conv2d, matrix: torch.Tensor) -> None:
    """Reads three signals out of mirrored channels, through `matrix` (3, 3)."""
    _clear(convolution, 3)
    convolution.weight[:3, :3, 1, 1] = matrix
    convolution.weight[:3, 3:6, 1, 1] = -matrix


def _delta() -> torch.Tensor:
    kernel = torch.zeros(3, 3)
    kernel[1, 1] = 1
    return kernel


@torch.no_grad()
def start_as_downsampling(vae: AutoencoderKL) -> AutoencoderKL:
    """Sets the weights of a fresh autoencoder of `make_vae`'s shape; returns it.

    Its first three latent channels become the cells' mean brightness and colour differences, the fourth is free.
    """
    encoder, decoder = vae.encoder, vae.decoder
    for name, module in vae.named_modules():
        if name.endswith("conv2") and isinstance(module, nn.Conv2d):
            # Every residual block starts as the identity.
            _clear(module, module.out_channels)
    colours = _colour_matrix()
    _keep(encoder.conv_in, torch.zeros(3, 3))
    encoder.conv_in.weight[:3, :, 1, 1] = colours
    # Strided convolutions pad on the right and below: the first four taps are the cell.
    average = torch.zeros(3, 3)
    average[:2, :2] = 0.25
    for block in encoder.down_blocks:
        for downsampler in block.downsamplers or ():
            _keep(downsampler.conv, average)
        for resnet in block.resnets:
            if resnet.conv_shortcut is not None:
                _keep(resnet.conv_shortcut, torch.ones(1, 1))
    _mirror(encoder.down_blocks[-1].resnets[0].conv_shortcut)
    _unmirror(encoder.conv_out, torch.eye(3))
    encoder.conv_out.weight[4:] = 0
    encoder.conv_out.bias[4:] = 2 * torch.tensor(LATENT_NOISE).log()
    for convolution in (vae.quant_conv, vae.post_quant_conv):
        convolution.weight.copy_(torch.eye(len(convolution.weight))[:, :, None, None])
        convolution.bias.zero_()

    smooth = torch.tensor([1.0, 2.0, 1.0]) / 4
    _keep(decoder.conv_in, _delta())
    for block in decoder.up_blocks:
        for upsampler in block.upsamplers or ():
            _keep(upsampler.conv, torch.outer(smooth, smooth))
        for resnet in block.resnets:
            if resnet.conv_shortcut is not None:
                _keep(resnet.conv_shortcut, torch.ones(1, 1))
    _mirror(decoder.up_blocks[-1].resnets[0].conv_shortcut)
    _unmirror(decoder.conv_out, torch.linalg.inv(colours))
    _undo_gain(vae)
    return vae


@torch.no_grad()
def _undo_gain(vae: AutoencoderKL) -> None:
    """The last normalisations scale the signals; scales them back, measured on a smooth picture of many colours."""
    generator = torch.Generator().manual_seed(0)
    picture = torch.nn.functional.interpolate(
        0.6 * torch.randn((4, 3, 8, 8), generator=generator).clamp(-1, 1), size=(128, 128), mode="bilinear"
    )
    wanted = torch.einsum("ij,bjhw->bihw", _colour_matrix(), torch.nn.functional.avg_pool2d(picture, 8))
    found = vae.encode(picture).latent_dist.mean[:, :3]
    vae.encoder.conv_out.weight[:3] *= (wanted * found).sum() / found.square().sum()
    result = vae.decode(vae.encode(picture).latent_dist.mean).sample
    vae.decoder.conv_out.weight *= (picture * result).sum() / result.square().sum()
