"""How much room a run takes, asked before it starts."""

from __future__ import annotations

import shutil
from pathlib import Path

from qnerf_core.editing.events import RunStarted
from qnerf_core.errors import RunError

_LATENT_BYTES_PER_PIXEL = 4 * 4 / 64  # 4 channels of float32 at an eighth of the resolution
_PNG_BYTES_PER_PIXEL = 2.0
_JPEG_BYTES_PER_PIXEL = 0.5
_MAP_BYTES_PER_CELL = 3 + 3 + 2  # two colours and the disagreement
_RESERVE = 1.2


def estimate_disk_bytes(started: RunStarted, field_bytes: int = 8_000_000) -> int:
    """Upper estimate of what a run writes.

    Args:
        started: The plan.
        field_bytes: Size of one stored QNeRF.

    Returns:
        Bytes.
    """
    pixels = started.image_size[0] * started.image_size[1] * len(started.views)
    latents = (len(started.timesteps) + 1 + len(started.intervals)) * pixels * _LATENT_BYTES_PER_PIXEL
    previews = len(started.intervals) * pixels * _JPEG_BYTES_PER_PIXEL if started.spec.previews else 0.0
    fits = sum(1 for interval in started.intervals if interval.look_ahead)
    cells = sum(height * width for _, height, width in started.query_shapes) * len(started.views)
    fitted = fits * (field_bytes + cells * _MAP_BYTES_PER_CELL)
    return round(_RESERVE * (latents + previews + pixels * _PNG_BYTES_PER_PIXEL + fitted))


def check_disk(folder: Path, needed: int) -> None:
    """Raise before a run that the disk cannot hold.

    Raises:
        RunError: less than ``needed`` bytes are free.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise RunError(
            f"There is not enough room in {folder}",
            f"the run needs about {needed / 1e6:.0f} MB, {free / 1e6:.0f} MB are free",
            "Free some space, choose another folder, or edit fewer views.",
        )
