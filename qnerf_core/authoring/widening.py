"""A wider autoencoder that does what a narrower one does, to train further (as in Net2Net, Chen et al., ICLR 2016)."""

from __future__ import annotations

import torch
from diffusers import AutoencoderKL

_SPLIT = 0.5
"""By how much weights of a channel's copies differ, in their own spread: equal copies would stay equal in training."""


@torch.no_grad()
def widened(vae: AutoencoderKL, copies: int) -> AutoencoderKL:
    """Every hidden channel `copies` times, with the same result for every picture; latents keep their channels.

    Weights read all copies of a channel, in sum as the one before; what they add to one copy they take from another.
    Normalisations see the same mean and spread as long as they have one group.

    Args:
        vae: With one group in its normalisations.
        copies: At least one.

    Raises:
        ValueError: If the normalisations have several groups.
    """
    if vae.config["norm_num_groups"] != 1:
        raise ValueError(f"normalisations have {vae.config['norm_num_groups']} groups; copies of channels need one")
    config = {name: value for name, value in vae.config.items() if not name.startswith("_")}
    config["block_out_channels"] = [width * copies for width in config["block_out_channels"]]
    wide = AutoencoderKL(**config)
    before = vae.state_dict()
    for name, weights in wide.state_dict().items():
        narrow = before[name]
        times = [after // count for count, after in zip(narrow.shape, weights.shape, strict=True)]
        repeated = narrow.repeat(times)
        if narrow.ndim > 1 and times[1] > 1:
            shares = torch.randn_like(repeated).unflatten(1, (times[1], -1))
            shares = (shares - shares.mean(1, keepdim=True)).flatten(1, 2)
            repeated = repeated / times[1] + _SPLIT * narrow.std() / times[1] * shares
        weights.copy_(repeated)
    return wide
