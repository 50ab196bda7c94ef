from __future__ import annotations

import torch

from qnerf_core.field.known_space import grid_points, know_space
from tests.field.analytic import BOUNDS, distance_to_scene, orbit, trace


def test_signed_distances_and_empty_space_follow_the_scene() -> None:
    cameras = orbit(10)
    depth, _ = trace(cameras, 64, 64)
    space = know_space(cameras, BOUNDS, depth, None, 40, 0.1)
    points = grid_points(space.bounds, space.shape)
    truth, _ = distance_to_scene(points)
    inside = space.seen & (truth < -0.05)
    assert inside.sum() > 100
    assert (space.signed_distance[inside] < 0.03).float().mean() > 0.97
    assert space.occupied[truth.abs() < 0.05].float().mean() > 0.95
    assert space.occupied[truth > 0.3].float().mean() < 0.35


def test_nothing_known_means_nothing_empty() -> None:
    cameras = orbit(2)
    space = know_space(cameras, BOUNDS, torch.zeros(2, 8, 8), None, 10, 0.1)
    assert space.occupied.all()
    assert space.occupied_at(torch.zeros(3, 2, 3)).shape == (3, 2)
