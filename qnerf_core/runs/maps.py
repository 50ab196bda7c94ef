"""Pictures of what a QNeRF was fitted to and what it gives back: `maps.npz` of an interval.

Keys, with i the position of the query layer in the run: `recorded_<i>` and `rendered_<i>` uint8 (V, h, w, 3), the first
three principal components of the recorded queries as colours, one basis for all views and both; `disagreement_<i>`
float16 (V, h, w), the variance between views at the same point as a share of the layer's whole variance, zero where
nothing is known; `depth` float16 (V, h, w), rendered from the QNeRF, metres along the viewing axis.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from qnerf_core import files
from qnerf_core.editing.disagreement import leading_components
from qnerf_core.editing.events import FieldFitted

# A few extreme pixels would leave no contrast for all others.
_DARKEST, _BRIGHTEST = 0.01, 0.99
_COLOURS = 3


def write_maps(event: FieldFitted, path: Path) -> None:
    """Write an interval's pictures.

    Args:
        event: The fit.
        path: Ends with ``.npz``.
    """
    arrays: dict[str, np.ndarray] = {"depth": event.depth.numpy().astype(np.float16)}
    for index, (recorded, rendered) in enumerate(zip(event.queries, event.rendered, strict=True)):
        arrays[f"recorded_{index}"], arrays[f"rendered_{index}"] = colours(recorded, rendered)
        arrays[f"disagreement_{index}"] = event.disagreement_maps[index].numpy().astype(np.float16)
    with files.atomic_path(path) as temporary:
        np.savez(temporary, **arrays)  # type: ignore[arg-type]  # its stub takes them for allow_pickle


def colours(recorded: torch.Tensor, rendered: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Show queries as colours.

    Args:
        recorded: (V, C, h, w) of one layer; they define the basis and the scale.
        rendered: (V, C, h, w) of the same layer.

    Returns:
        Both as uint8 (V, h, w, 3); with fewer than three channels the last colours stay at mid grey.
    """
    own, directions, mean = leading_components(recorded, _COLOURS)
    other = ((rendered.float().permute(0, 2, 3, 1) - mean) @ directions).permute(0, 3, 1, 2)
    flat = own.transpose(0, 1).flatten(1)
    low, high = (torch.quantile(flat, share, dim=1)[:, None, None] for share in (_DARKEST, _BRIGHTEST))
    scale = (high - low).clamp_min(torch.finfo(torch.float32).tiny)
    return _picture((own - low) / scale), _picture((other - low) / scale)


def _picture(values: torch.Tensor) -> np.ndarray:
    missing = _COLOURS - values.shape[1]
    filled = torch.nn.functional.pad(values, (0, 0, 0, 0, 0, missing), value=0.5)
    pixels: np.ndarray = filled.clamp(0, 1).mul(255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()
    return pixels
