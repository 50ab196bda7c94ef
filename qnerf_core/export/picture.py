"""The picture that tells the whole story: source, edit, truth, turntable, one row each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_GAP = 4
_CAPTION = 22
_PAPER = (250, 250, 248)
_INK = (40, 40, 40)


@dataclass(frozen=True, eq=False)
class Row:
    """One row: its caption and its pictures, uint8 (H, W, 3)."""

    caption: str
    pictures: Sequence[np.ndarray]


def spread(count: int, wanted: int) -> list[int]:
    """Indices of ``wanted`` of ``count`` things, evenly spread from the first on; all of them if there are fewer."""
    wanted = min(wanted, count)
    return [index * count // wanted for index in range(wanted)]


def compose(rows: Sequence[Row], cell: int = 160) -> np.ndarray:
    """Lay rows of pictures under their captions.

    Args:
        rows: Rows with pictures; rows without any are left out.
        cell: Height of every picture, pixels; widths follow.

    Returns:
        uint8 (H, W, 3).

    Raises:
        ValueError: No row has pictures.
    """
    scaled = [(row.caption, [_scale(picture, cell) for picture in row.pictures]) for row in rows if len(row.pictures)]
    if not scaled:
        raise ValueError("a picture needs at least one row with pictures")
    width = max(sum(picture.width + _GAP for picture in pictures) for _, pictures in scaled) + _GAP
    height = len(scaled) * (_CAPTION + cell + _GAP) + _GAP
    canvas = Image.new("RGB", (width, height), _PAPER)
    draw = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(size=13)
    top = _GAP
    for caption, pictures in scaled:
        draw.text((_GAP, top + 2), caption, fill=_INK, font=font)
        left = _GAP
        for picture in pictures:
            canvas.paste(picture, (left, top + _CAPTION))
            left += picture.width + _GAP
        top += _CAPTION + cell + _GAP
    return np.asarray(canvas)


def _scale(picture: np.ndarray, height: int) -> Image.Image:
    image = Image.fromarray(picture)
    if image.height == height:
        return image
    return image.resize((round(image.width * height / image.height), height), Image.Resampling.LANCZOS)
