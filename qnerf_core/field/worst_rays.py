"""Draws rays for training: some anywhere, the others where pictures are rendered worst.

A subject covers a small share of the pixels, and a thin limb hardly any. Drawn evenly, a short training spends itself
on walls. The idea is the error map of instant-ngp (Mueller et al. 2022).
"""

from __future__ import annotations

import torch
from torch import Tensor

# Tiles along each side of a picture, and how fast their errors are forgotten.
_TILES = 32
_MEMORY = 0.7
# What every tile's error counts at least: of pictures without any, some ray must still be drawn.
_LEAST = 1e-8


class WorstRays:
    """Remembers how well the tiles of pictures are rendered, whatever size these are trained at."""

    def __init__(self, views: int, share: float) -> None:
        self._views, self._share = views, share
        self._errors = torch.ones(views * _TILES * _TILES)
        self._height = self._width = 0

    def resize(self, height: int, width: int) -> None:
        """Set the size of the pictures that rays are drawn from, pixels."""
        self._height, self._width = height, width

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Return (count,) numbers of rays, counted view by view and row by row.

        Args:
            count: How many.
            generator: Decides.
        """
        pixels = self._height * self._width
        worst = round(self._share * count)
        anywhere = torch.randint(self._views * pixels, (count - worst,), generator=generator)
        if not worst:
            return anywhere
        tiles = torch.multinomial(self._errors.clamp(min=_LEAST), worst, replacement=True, generator=generator)
        view, rest = tiles // (_TILES * _TILES), tiles % (_TILES * _TILES)
        within = torch.rand((2, worst), generator=generator)
        row = ((rest // _TILES + within[0]) / _TILES * self._height).long().clamp(max=self._height - 1)
        column = ((rest % _TILES + within[1]) / _TILES * self._width).long().clamp(max=self._width - 1)
        return torch.cat([anywhere, view * pixels + row * self._width + column])

    def note(self, rays: Tensor, errors: Tensor) -> None:
        """Remember how well rays were rendered.

        Args:
            rays: (N,) their numbers.
            errors: (N,) of them, not negative.
        """
        pixels = self._height * self._width
        row, column = rays % pixels // self._width, rays % self._width
        tiles = (rays // pixels * _TILES + row * _TILES // self._height) * _TILES + column * _TILES // self._width
        counts = torch.bincount(tiles, minlength=len(self._errors))
        hit = counts > 0
        found = torch.bincount(tiles, errors, len(self._errors))[hit] / counts[hit]
        self._errors[hit] = _MEMORY * self._errors[hit] + (1 - _MEMORY) * found
