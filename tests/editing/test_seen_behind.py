from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qnerf_core.control.loose_depth import boundary_depth
from qnerf_core.editing.geometry import ViewGeometry
from qnerf_core.editing.seen_behind import seen_behind
from tests.synthetic_capture import BOUNDS, ray_trace, ring_of_cameras

# Before the first camera, so that it hides the box.
BALL = (1.0, 0.0, 0.45)


@pytest.fixture(scope="module")
def geometry() -> list[ViewGeometry]:
    """A ball that is edited, and a box behind it that is not."""
    views = []
    for camera in ring_of_cameras(6, 96):
        picture = ray_trace(camera, BALL)
        alone = ray_trace(camera, (0.0, 0.0, -9.0))
        figure = picture.mask & (picture.depth != alone.depth)
        boundary = boundary_depth(camera, BOUNDS, picture.depth, figure)
        nothing = np.zeros_like(figure)
        views.append(
            ViewGeometry(camera, picture.depth, figure, picture.depth, picture.depth, boundary, figure, nothing)
        )
    return views


def test_a_box_that_a_view_does_not_see_is_where_other_views_see_it(geometry: list[ViewGeometry]) -> None:
    first = geometry[0]
    truth = ray_trace(first.camera, (0.0, 0.0, -9.0))
    hidden = first.figure & truth.mask
    assert hidden.sum() > 50
    supposed = np.abs(first.boundary - truth.depth)[hidden]
    behind = seen_behind(geometry)[0]
    found = np.abs(behind.depth - truth.depth)[hidden]
    assert np.median(supposed) > 0.5
    assert np.median(found) < 0.05
    assert (found < 0.1).mean() > 0.97
    seen = hidden & ~behind.supposed
    assert seen.sum() > 0.9 * hidden.sum()
    assert np.array_equal(behind.limit()[seen], behind.depth[seen]), "what was seen there hides what is farther"


def test_what_was_seen_stays_and_alone_nothing_is_found(geometry: list[ViewGeometry]) -> None:
    for view, found in zip(geometry, seen_behind(geometry), strict=True):
        assert np.array_equal(found.depth[~view.supposed], view.boundary[~view.supposed])
    alone = seen_behind(geometry[:1])[0]
    assert np.array_equal(alone.depth, geometry[0].boundary)
    assert np.array_equal(alone.supposed, geometry[0].supposed)
    assert np.isinf(alone.limit()[alone.supposed]).all(), "what is only supposed hides nothing"
    rendered = [replace(view, supposed=np.zeros_like(view.figure)) for view in geometry]
    behind = seen_behind(rendered)[0]
    assert np.array_equal(behind.depth, geometry[0].boundary), "a boundary that was rendered is believed"
    assert not behind.supposed.any()
