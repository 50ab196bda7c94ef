from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PySide6.QtGui import QImage

_STOPS = np.linspace(0.0, 1.0, 9)
_DEPTH = np.array(
    [
        (68, 1, 84), (71, 44, 122), (59, 81, 139), (44, 113, 142), (33, 144, 141),
        (39, 173, 129), (92, 200, 99), (170, 220, 50), (253, 231, 37),
    ],
    dtype=np.float64,
)  # fmt: skip
_HEAT = np.array(
    [
        (0, 0, 4), (31, 12, 72), (85, 15, 109), (136, 34, 106), (186, 54, 85),
        (227, 89, 51), (249, 140, 10), (249, 201, 50), (252, 255, 164),
    ],
    dtype=np.float64,
)  # fmt: skip
_NOTHING = (64, 66, 70)


def _table(colours: np.ndarray) -> np.ndarray:
    levels = np.linspace(0.0, 1.0, 256)
    table = np.stack([np.interp(levels, _STOPS, colours[:, channel]) for channel in range(3)], axis=-1)
    return np.rint(table).astype(np.uint8)


DEPTH_COLOURS = _table(_DEPTH)
HEAT_COLOURS = _table(_HEAT)


@dataclass(frozen=True, eq=False)
class Maps:
    """What a QNeRF was fitted to and what it renders, as colours, per query layer (V, h, w, 3)."""

    recorded: tuple[np.ndarray, ...]
    rendered: tuple[np.ndarray, ...]
    disagreement: tuple[np.ndarray, ...]
    depth: np.ndarray | None

    @property
    def layers(self) -> int:
        return len(self.recorded)

    def heat_limit(self, layer: int) -> float:
        """The disagreement shown as the hottest: nearly the largest of all views, so that views compare."""
        values = self.disagreement[layer]
        known = values[np.isfinite(values)]
        return float(np.quantile(known, 0.995)) if known.size else 1.0

    def depth_limits(self) -> tuple[float, float]:
        assert self.depth is not None
        known = self.depth[np.isfinite(self.depth) & (self.depth > 0)]
        return (float(np.quantile(known, 0.01)), float(np.quantile(known, 0.99))) if known.size else (0.0, 1.0)

    def heat(self, layer: int, view: int) -> np.ndarray:
        """(h, w) from 0 to 1, NaN where nothing is known."""
        return np.clip(self.disagreement[layer][view] / max(self.heat_limit(layer), 1e-9), 0.0, 1.0)

    def depth_share(self, view: int) -> np.ndarray:
        """(h, w), 1 is near, NaN where nothing is."""
        assert self.depth is not None
        near, far = self.depth_limits()
        depth = np.where(self.depth[view] > 0, self.depth[view], np.nan)
        return 1.0 - np.clip((depth - near) / max(far - near, 1e-9), 0.0, 1.0)


def read_maps(path: Path) -> Maps | str:
    """The maps of an interval, or why they cannot be read."""
    try:
        with np.load(path) as content:
            count = sum(name.startswith("recorded_") for name in content.files)
            recorded = tuple(content[f"recorded_{layer}"] for layer in range(count))
            rendered = tuple(content[f"rendered_{layer}"] for layer in range(count))
            heat = tuple(content[f"disagreement_{layer}"].astype(np.float32) for layer in range(count))
            depth = content["depth"].astype(np.float32) if "depth" in content.files else None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        return f"{path.name} is damaged ({error})"
    if any(layer.ndim != 4 or layer.dtype != np.uint8 for layer in (*recorded, *rendered)) or not recorded:
        return f"{path.name} does not hold the maps of a QNeRF"
    return Maps(recorded, rendered, heat, depth)


def colour_image(colours: np.ndarray) -> QImage:
    """uint8 (h, w, 3) as a picture."""
    pixels = np.ascontiguousarray(colours)
    height, width = pixels.shape[:2]
    image = QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    return image.convertToFormat(QImage.Format.Format_RGB32)


def share_image(share: np.ndarray, table: np.ndarray) -> QImage:
    """(h, w) from 0 to 1 in the colours of a table; grey where it is NaN."""
    known = np.isfinite(share)
    colours = table[np.rint(np.where(known, share, 0.0) * 255).astype(np.uint8)]
    return colour_image(np.where(known[..., None], colours, np.array(_NOTHING, np.uint8)))


def veil_image(share: np.ndarray) -> QImage:
    """(h, w) from 0 to 1 as a veil over a picture: clear where it is small or unknown."""
    level = np.where(np.isfinite(share), share, 0.0)
    colours = HEAT_COLOURS[np.rint(level * 255).astype(np.uint8)]
    alpha = np.rint(np.clip(level * 1.4, 0.0, 1.0) * 255).astype(np.uint8)
    pixels = np.ascontiguousarray(np.concatenate([colours, alpha[..., None]], axis=-1))
    height, width = pixels.shape[:2]
    image = QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGBA8888)
    return image.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)
