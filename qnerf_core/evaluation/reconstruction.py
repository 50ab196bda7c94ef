"""What comes back of captures that are not edited: through the autoencoder alone, and through inversion and edit.

``python -m qnerf_core.evaluation.reconstruction`` edits every capture to the pose or proxy that its photos show, every
view for itself and all of it repainted, without the drafts' fine detail. What is lost on that way, an edit cannot have.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from qnerf_core.assets import builtin_scenes
from qnerf_core.editing import consolidate
from qnerf_core.editing.events import RunFailed, ViewsDecoded
from qnerf_core.editing.inputs import EditInputs, prepare
from qnerf_core.editing.spec import EditSpec
from qnerf_core.errors import RunError, StudioError
from qnerf_core.evaluation.image_metrics import psnr
from qnerf_core.evaluation.table import add_choices, choices
from qnerf_core.runs.scenes import load_run_scene


@dataclass(frozen=True)
class Reconstruction:
    """PSNR of a capture's photos, dB, the mean over views.

    Attributes:
        autoencoder: Encoded and decoded.
        inverted: Inverted, and edited to what they show.
    """

    autoencoder: float
    inverted: float


def reconstruct(scene: str, **fields: object) -> Reconstruction:
    """Measure one capture.

    Args:
        scene: A capture that knows what its photos show.
        fields: Further fields of the spec.

    Raises:
        StudioError: It does not, or the edit failed.
    """
    capture = load_run_scene(scene)[1]
    if capture is None:
        raise StudioError(f"{scene} cannot be reconstructed", "what its photos show is not known", "Use a capture.")
    spec = EditSpec.model_validate(
        {
            "scene": scene,
            "edit": str(capture.source_path),
            "method": "independent",
            "previews": False,
            "background": {"keep": False},
            **fields,
        }
    )
    # A draft of nothing that moves is the photo: given back, it would hide what the way loses.
    spec = spec.model_copy(update={"diffusion": spec.diffusion.model_copy(update={"details": False})})
    inputs = prepare(spec)
    found: list[torch.Tensor] = []
    for event in consolidate.run(inputs, spec, run_id="reconstruction"):
        if isinstance(event, ViewsDecoded):
            found.append(event.images)
        elif isinstance(event, RunFailed):
            raise RunError(event.title, event.cause, event.next_step)
    return Reconstruction(_psnr(_through_autoencoder(inputs), inputs.images), _psnr(torch.cat(found), inputs.images))


@torch.no_grad()
def _through_autoencoder(inputs: EditInputs) -> torch.Tensor:
    backbone = inputs.backbone
    return torch.cat(
        [
            backbone.decode_latents(backbone.encode_images(picture[None].to(backbone.device))).cpu()
            for picture in inputs.images
        ]
    )


def _psnr(pictures: torch.Tensor, truth: torch.Tensor) -> float:
    pairs = zip(pictures.numpy(), truth.numpy(), strict=True)
    return float(np.mean([psnr(picture, original) for picture, original in pairs]))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m qnerf_core.evaluation.reconstruction", description=__doc__)
    parser.add_argument("--scenes", default=",".join(builtin_scenes()), help="comma-separated; default: all built-in")
    add_choices(parser)
    options = parser.parse_args(arguments)
    sys.stdout.write("| capture | autoencoder, dB | inverted and edited to what it shows, dB |\n|---|---:|---:|\n")
    rows = []
    try:
        for scene in options.scenes.split(","):
            row = reconstruct(scene, **choices(options))
            rows.append((row.autoencoder, row.inverted))
            sys.stdout.write(f"| {scene} | {row.autoencoder:.2f} | {row.inverted:.2f} |\n")
            sys.stdout.flush()
    except StudioError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    autoencoder, inverted = np.mean(rows, axis=0)
    sys.stdout.write(f"| mean | {autoencoder:.2f} | {inverted:.2f} |\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
