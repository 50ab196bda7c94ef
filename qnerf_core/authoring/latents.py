"""Training pictures as latents of the frozen encoder, with what is needed to draw their control."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL

from qnerf_core.authoring.dataset import Sample, read_shard
from qnerf_core.authoring.training import to_tensor
from qnerf_core.control.openpose import skeleton_image
from qnerf_core.diffusion.correspondence import SurfaceMaps
from qnerf_core.files import atomic_path

CROP = 16
"""Side of a crop in latents; whole pictures have twice that."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Pairs of pictures, all references first, then all targets: what an edit turns into each other.

    Attributes:
        latents: (2P, 4, h, w), scaled to unit variance.
        control: (2P, 3, 8h, 8w) control pictures, [0, 1].
        captions: 2P.
        kind: Of control.
        maps: Where references show what of their subjects, and where targets are expected to, (P, 4, h, w) each.
        drafts: (P, 4, h, w), what edits of the references start from.
    """

    latents: torch.Tensor
    control: torch.Tensor
    captions: list[str]
    kind: str
    maps: SurfaceMaps
    drafts: torch.Tensor


@torch.no_grad()
def _encode(vae: AutoencoderKL, images: torch.Tensor) -> np.ndarray:
    latents = torch.cat([vae.encode(part * 2 - 1).latent_dist.mode() for part in images.split(16)])
    return (latents * vae.config["scaling_factor"]).half().numpy()


def encode_shard(shard: Path, out: Path, vae: AutoencoderKL) -> None:
    """Writes the latents (2, N, 4, h, w) of a shard's pictures and of their drafts."""
    samples = read_shard(shard)
    parts = [[sample.image for sample in samples], [sample.draft for sample in samples]]
    with atomic_path(out) as temporary, temporary.open("wb") as file:
        np.save(file, np.stack([_encode(vae, to_tensor(np.stack(part))) for part in parts]))


class LatentFolder:
    """All shards in a folder as latents, but for shard 0, which is kept out of training.

    Attributes:
        counts: Pictures by kind of control.
    """

    def __init__(self, data: Path, cache: Path, vae: AutoencoderKL) -> None:
        self._samples: list[Sample] = []
        self._latents: list[np.ndarray] = []
        self._drafts: list[np.ndarray] = []
        cache.mkdir(parents=True, exist_ok=True)
        for shard in sorted(data.glob("shard-*.npz"))[1:]:
            encoded = cache / f"{shard.stem}.npy"
            if not encoded.is_file():
                encode_shard(shard, encoded, vae)
            pictures, drafts = np.load(encoded)
            self._latents.extend(pictures)
            self._drafts.extend(drafts)
            self._samples.extend(read_shard(shard))
        kinds = np.array([sample.kind for sample in self._samples])
        self._of_kind = {str(kind): np.flatnonzero(kinds == kind) for kind in np.unique(kinds)}
        self.counts = {kind: len(numbers) for kind, numbers in self._of_kind.items()}

    def __len__(self) -> int:
        return len(self._samples)

    def draw(self, generator: np.random.Generator, kind: str, pairs: int, cropped: bool) -> Batch:
        """Random pairs of whole pictures, or of one crop of half their side, more often from the middle.

        Args:
            generator: Decides.
            kind: Of control.
            pairs: How many.
            cropped: Crops instead of whole pictures.
        """
        references = generator.choice(self._of_kind[kind], size=pairs)
        # Numbers 2n and 2n + 1 are a pair; either may be the reference.
        chosen = np.concatenate([references, references ^ 1])
        latents = torch.from_numpy(np.stack([self._latents[n] for n in chosen])).float()
        drafts = torch.from_numpy(np.stack([self._drafts[n] for n in chosen])).float()
        samples = [self._samples[n] for n in chosen]
        control, places = control_pictures(samples), places_on_subjects(samples)
        if cropped:
            room = latents.shape[-1] - CROP
            corners = np.rint(generator.triangular(-0.5, room / 2, room + 0.5, (pairs, 2))).clip(0, room).astype(int)
            corners = np.tile(corners, (2, 1))
            latents, places, drafts = (
                torch.stack([part[:, y : y + CROP, x : x + CROP] for part, (y, x) in zip(whole, corners, strict=True)])
                for whole in (latents, places, drafts)
            )
            side = 8 * CROP
            control = torch.stack(
                [
                    part[:, 8 * y : 8 * y + side, 8 * x : 8 * x + side]
                    for part, (y, x) in zip(control, corners, strict=True)
                ]
            )
        maps = SurfaceMaps(*places.chunk(2))
        return Batch(latents, control, [sample.caption for sample in samples], kind, maps, drafts[pairs:])


def control_pictures(samples: list[Sample]) -> torch.Tensor:
    """(N, 3, H, W) skeleton or depth pictures of samples, [0, 1]."""
    return to_tensor(np.stack([_control_picture(sample) for sample in samples]))


def places_on_subjects(samples: list[Sample]) -> torch.Tensor:
    """(2P, 4, h, w) of references, then of targets, as an edit expects them, see `SurfaceMaps`."""
    pairs = len(samples) // 2
    places = [sample.places for sample in samples[:pairs]] + [sample.expected for sample in samples[pairs:]]
    return torch.from_numpy(np.stack(places)).float()


def _control_picture(sample: Sample) -> np.ndarray:
    if sample.depth_control is not None:
        return np.repeat(sample.depth_control[..., None], 3, axis=-1)
    return skeleton_image(sample.keypoints, sample.camera)
