from __future__ import annotations

import numpy as np
import pytest

from qnerf_core.control.looseness import Looseness, loosely_edited_depth, measure_looseness


def disc(radius: float, depth: float, size: int = 64) -> np.ndarray:
    rows, columns = np.mgrid[0:size, 0:size]
    inside = np.hypot(rows - 31.5, columns - 31.5) <= radius
    return np.where(inside, depth, 0.0).astype(np.float32)


def test_looseness_is_measured_both_ways_and_in_depth() -> None:
    scene = np.where(disc(10, 1.0) > 0, 3.0, 5.0).astype(np.float32)
    larger = measure_looseness([disc(14, 2.9)], [disc(10, 1.0) > 0], [scene])
    assert larger.outward == 0
    assert larger.inward == pytest.approx(4, abs=1)
    assert larger.depth == pytest.approx(0.1)
    smaller = measure_looseness([disc(7, 2.5)], [disc(10, 1.0) > 0], [scene])
    assert smaller.outward == pytest.approx(3, abs=1)
    assert smaller.inward == 0
    assert smaller.depth == pytest.approx(0.5)


def test_what_cannot_be_compared_counts_as_drawn_and_empty_views_do_no_harm() -> None:
    empty = np.zeros((8, 8), np.float32)
    found = measure_looseness([empty, disc(3, 2.0, 8)], [empty > 0, empty > 0], [empty, empty])
    assert found == Looseness(0.0, 0.0, 0.0)


def test_a_tight_proxy_is_trusted_inside_its_rim_and_a_loose_one_not() -> None:
    background = np.full((64, 64), 5.0, np.float32)
    background[0] = 0.0
    hidden = np.zeros((64, 64), bool)
    hidden[40:, :5] = True
    target = disc(12, 2.0)
    depth, valid = loosely_edited_depth(target, background, hidden, Looseness(4.0, 3.0, 0.05), 2.0, trusted=0.1)
    np.testing.assert_array_equal(depth, np.where(target > 0, target, background))
    middle = valid[32]
    assert middle[32], "the proxy's own depth"
    assert not middle[[19, 20, 21, 22]].any(), "the rim within"
    assert not middle[[16, 17, 18]].any(), "the band outside"
    assert middle[[10, 14]].all()
    assert not valid[0].any()
    assert not valid[hidden].any()
    _, loose = loosely_edited_depth(target, background, hidden, Looseness(4.0, 3.0, 0.2), 2.0, trusted=0.1)
    assert not loose[target > 0].any()
    np.testing.assert_array_equal(loose[target == 0], valid[target == 0])


def test_what_stands_behind_a_wall_is_the_wall() -> None:
    wall = np.full((64, 64), 1.0, np.float32)
    nothing = np.zeros((64, 64), bool)
    depth, valid = loosely_edited_depth(disc(12, 2.0), wall, nothing, Looseness(0.0, 0.0, 0.0), 2.0, trusted=0.1)
    np.testing.assert_array_equal(depth, wall)
    assert valid.all()
