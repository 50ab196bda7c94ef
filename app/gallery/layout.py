from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from PySide6.QtCore import QRect, QSize

GAP = 6
CAPTION = 16
HEADER = 24
SMALLEST = 84
SMALLEST_IN_SHEET = 52
LARGEST_IN_SHEET = 168
_CAPTION_FROM = 72


@dataclass(frozen=True)
class Cell:
    """A picture's place in the content; `stop` is None where the scrubber decides."""

    view: str
    stop: int | None
    frame: QRect
    caption: QRect


@dataclass(frozen=True)
class Layout:
    cells: tuple[Cell, ...]
    content: QSize
    tile: QSize
    left: int = 0
    top: int = 0
    column: int = 0


def _tile(width: float, aspect: float) -> QSize:
    return QSize(max(8, int(width)), max(8, int(width / aspect)))


def lay_out_views(views: tuple[str, ...], aspect: float, room: QSize, bar: int, scale: float) -> Layout:
    """All views, as large as fits without scrolling times `scale`, but never too small to see."""
    best = 0.0
    for columns in range(1, len(views) + 1):
        rows = ceil(len(views) / columns)
        by_width = (room.width() - GAP * (columns + 1)) / columns
        by_height = ((room.height() - GAP * (rows + 1)) / rows - CAPTION) * aspect
        best = max(best, min(by_width, by_height))
    fits = best * scale >= SMALLEST and scale <= 1.0
    width = room.width() if fits else room.width() - bar
    tile = _tile(min(max(best * scale, SMALLEST), max(SMALLEST, width - 2 * GAP)), aspect)
    caption = CAPTION if tile.width() >= _CAPTION_FROM else 0
    columns = max(1, min(len(views), (width - GAP) // (tile.width() + GAP)))
    rows = ceil(len(views) / columns)
    columns = ceil(len(views) / rows)
    pitch_x, pitch_y = tile.width() + GAP, tile.height() + caption + GAP
    height = rows * pitch_y + GAP
    x0 = max(GAP, (width - columns * pitch_x + GAP) // 2)
    y0 = max(GAP, (room.height() - height) // 2 + GAP) if height < room.height() else GAP
    cells = []
    for index, view in enumerate(views):
        row, column = divmod(index, columns)
        frame = QRect(x0 + column * pitch_x, y0 + row * pitch_y, tile.width(), tile.height())
        cells.append(Cell(view, None, frame, QRect(frame.x(), frame.bottom() + 1, frame.width(), caption)))
    return Layout(tuple(cells), QSize(width, height), tile)


def lay_out_sheet(
    views: tuple[str, ...], stops: int, aspect: float, room: QSize, bar: int, scale: float, left: int
) -> Layout:
    """Rows are views, columns are stops."""
    width = (room.width() - bar - left - GAP) / max(1, stops) - GAP
    tile = _tile(min(max(width, SMALLEST_IN_SHEET), LARGEST_IN_SHEET) * scale, aspect)
    pitch_x, pitch_y = tile.width() + GAP, tile.height() + GAP
    cells = [
        Cell(
            view,
            stop,
            QRect(left + stop * pitch_x, HEADER + GAP + row * pitch_y, tile.width(), tile.height()),
            QRect(),
        )
        for row, view in enumerate(views)
        for stop in range(stops)
    ]
    content = QSize(left + stops * pitch_x, HEADER + GAP + len(views) * pitch_y)
    return Layout(tuple(cells), content, tile, left, HEADER, pitch_x)
