from __future__ import annotations

import torch

from qnerf_core.field.worst_rays import WorstRays

VIEWS, HEIGHT, WIDTH = 3, 48, 80


def _in_tile(rays: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Whether rays are of the second view's top right sixteenth."""
    view, row, column = rays // (height * width), rays % (height * width) // width, rays % width
    return (view == 1) & (row < height // 4) & (column >= 3 * width // 4)


def _noted(share: float) -> WorstRays:
    """After everything was rendered well but that tile."""
    drawn = WorstRays(VIEWS, share)
    drawn.resize(HEIGHT, WIDTH)
    rays = torch.arange(VIEWS * HEIGHT * WIDTH)
    for _ in range(40):
        drawn.note(rays, _in_tile(rays, HEIGHT, WIDTH).float())
    return drawn


def test_all_pixels_are_drawn_as_long_as_nothing_is_known() -> None:
    generator = torch.Generator().manual_seed(0)
    drawn = WorstRays(VIEWS, 0.5)
    drawn.resize(HEIGHT, WIDTH)
    rays = drawn.draw(200_000, generator)
    counts = torch.bincount(rays, minlength=VIEWS * HEIGHT * WIDTH)
    assert len(counts) == VIEWS * HEIGHT * WIDTH
    assert counts.min() > 0


def test_half_of_the_rays_go_where_pictures_are_rendered_worst() -> None:
    generator = torch.Generator().manual_seed(0)
    evenly = 1 / (16 * VIEWS)
    for share, wanted in ((0.0, evenly), (0.5, 0.5 + 0.5 * evenly), (1.0, 1.0)):
        rays = _noted(share).draw(20_000, generator)
        assert abs(float(_in_tile(rays, HEIGHT, WIDTH).float().mean()) - wanted) < 0.02


def test_what_was_learned_on_small_pictures_holds_for_large_ones() -> None:
    drawn = _noted(1.0)
    drawn.resize(4 * HEIGHT, 4 * WIDTH)
    rays = drawn.draw(20_000, torch.Generator().manual_seed(0))
    assert float(_in_tile(rays, 4 * HEIGHT, 4 * WIDTH).float().mean()) > 0.98


def test_pictures_smaller_than_the_tiles_are_drawn_whole() -> None:
    drawn = WorstRays(2, 0.5)
    drawn.resize(7, 5)
    rays = drawn.draw(5_000, torch.Generator().manual_seed(0))
    assert torch.equal(rays.unique(), torch.arange(70))
    drawn.note(rays, torch.ones(len(rays)))
    assert torch.equal(drawn.draw(5_000, torch.Generator().manual_seed(1)).unique(), torch.arange(70))


def test_pictures_without_any_error_are_drawn_all_the_same() -> None:
    # As while a field is fitted; otherwise the smallest number never becomes zero.
    torch.set_flush_denormal(True)
    drawn = WorstRays(1, 1.0)
    drawn.resize(32, 32)
    for _ in range(400):
        drawn.note(torch.arange(1024), torch.zeros(1024))
    assert len(drawn.draw(20_000, torch.Generator().manual_seed(0)).unique()) == 1024
