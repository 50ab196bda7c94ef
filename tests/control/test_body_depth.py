from __future__ import annotations

import numpy as np

from qnerf_core.control.body_depth import edited_depth


def test_what_the_figure_hid_and_the_band_around_the_target_are_not_known() -> None:
    scene = np.full((20, 30), 5.0, dtype=np.float32)
    scene[0] = 0.0
    figure = np.zeros((20, 30), dtype=bool)
    figure[5:15, 3:8] = True
    target = np.zeros((20, 30), dtype=np.float32)
    target[5:15, 15:25] = 2.0
    depth, valid = edited_depth(target, scene, figure, uncertain_band=2.0)
    assert depth[10, 20] == 2.0
    assert depth[10, 1] == 5.0
    assert valid[10, 20]
    assert valid[10, 1]
    assert not valid[0].any(), "the source does not know"
    assert not valid[figure].any(), "what it hid was never seen"
    assert not valid[5:15, [13, 14, 25, 26]].any(), "two pixels around the silhouette"
    assert valid[10, [12, 15, 24, 27]].all()


def test_without_a_body_in_sight_the_scene_remains() -> None:
    scene = np.full((4, 5), 3.0, dtype=np.float32)
    depth, valid = edited_depth(np.zeros_like(scene), scene, np.zeros((4, 5), dtype=bool), 4.0)
    np.testing.assert_array_equal(depth, scene)
    assert valid.all()
