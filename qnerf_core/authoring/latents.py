"""Training pictures as latents of the frozen encoder, with what is needed to draw their control."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL

from qnerf_core.authoring.dataset import Sample, read_shard
from qnerf_core.authoring.training import to_tensor
from qnerf_core.control.openpose import skeleton_image
from qnerf_core.files import atomic_path

LOW_SIZE, HIGH_SIZE = 128, 256


@dataclass(frozen=True, eq=False)
class Batch:
    """Latents (B, 4, h, w) scaled to unit variance, control pictures (B, 3, 8h, 8w) in [0, 1], captions."""

    latents: torch.Tensor
    control: torch.Tensor
    captions: list[str]


@torch.no_grad()
def _encode(vae: AutoencoderKL, images: torch.Tensor) -> np.ndarray:
    latents = torch.cat([vae.encode(part * 2 - 1).latent_dist.mode() for part in images.split(16)])
    return (latents * vae.config["scaling_factor"]).half().numpy()


def encode_shard(shard: Path, out: Path, vae: AutoencoderKL) -> None:
    """Writes the latents of a shard's pictures at both training sizes."""
    images = to_tensor(np.stack([sample.image for sample in read_shard(shard)]))
    low = F.avg_pool2d(images, HIGH_SIZE // LOW_SIZE)
    with atomic_path(out) as temporary, temporary.open("wb") as file:
        np.savez(file, low=_encode(vae, low), high=_encode(vae, images))


class LatentFolder:
    """All shards in a folder as latents; shards that appear later join at the next refresh.

    Shard 0 is kept out of training.
    """

    def __init__(self, data: Path, cache: Path, vae: AutoencoderKL) -> None:
        self._data, self._cache, self._vae = data, cache, vae
        self._samples: list[Sample] = []
        self._latents: dict[int, list[np.ndarray]] = {LOW_SIZE: [], HIGH_SIZE: []}
        self._known: set[Path] = set()
        cache.mkdir(parents=True, exist_ok=True)
        self.refresh(10_000)

    def refresh(self, most: int = 1) -> None:
        """Takes in up to `most` new shards."""
        new = [path for path in sorted(self._data.glob("shard-*.npz"))[1:] if path not in self._known]
        for shard in new[:most]:
            encoded = self._cache / shard.name
            if not encoded.is_file():
                encode_shard(shard, encoded, self._vae)
            with np.load(encoded) as latents:
                self._latents[LOW_SIZE].extend(latents["low"])
                self._latents[HIGH_SIZE].extend(latents["high"])
            self._samples.extend(read_shard(shard))
            self._known.add(shard)

    def __len__(self) -> int:
        return len(self._samples)

    def draw(self, generator: np.random.Generator, count: int, size: int) -> Batch:
        """A random batch at one of the two sizes."""
        chosen = generator.integers(len(self._samples), size=count)
        return Batch(
            latents=torch.from_numpy(np.stack([self._latents[size][n] for n in chosen])).float(),
            control=control_pictures([self._samples[n] for n in chosen], size),
            captions=[self._samples[n].caption for n in chosen],
        )


def control_pictures(samples: list[Sample], size: int) -> torch.Tensor:
    """(N, 3, size, size) skeleton pictures of samples, [0, 1]."""
    return to_tensor(
        np.stack([skeleton_image(sample.keypoints, sample.camera.scaled(size, size)) for sample in samples])
    )
