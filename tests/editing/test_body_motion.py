from __future__ import annotations

import numpy as np
import pytest

from qnerf_core import assets
from qnerf_core.body.model import BodyModel
from qnerf_core.body.pose_file import read_pose
from qnerf_core.editing.body_motion import BodyMotion
from qnerf_core.editing.subject import Subject


@pytest.fixture(scope="module")
def kick() -> BodyMotion:
    """From standing to a leg raised."""
    stand, raised = (read_pose(assets.poses_folder() / f"{name}.json") for name in ("stand", "kick"))
    motion = Subject.of(stand, raised, BodyModel.load()).motion
    assert isinstance(motion, BodyMotion)
    return motion


def test_the_bodys_own_vertices_go_where_they_go(kick: BodyMotion) -> None:
    off = np.linalg.norm(kick.carried(kick.before)[0] - kick.after, axis=1)
    assert np.quantile(off, 0.99) < 0.01
    assert np.median(off) < 1e-3
    assert kick.carried(np.zeros((0, 3)))[0].shape == (0, 3)


def test_clothes_keep_their_distance(kick: BodyMotion) -> None:
    corners = kick.before[kick.faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    outward = corners.mean(axis=1) + 0.02 * normals / np.linalg.norm(normals, axis=1, keepdims=True)
    moved_corners = kick.after[kick.faces]
    normals = np.cross(moved_corners[:, 1] - moved_corners[:, 0], moved_corners[:, 2] - moved_corners[:, 0])
    expected = moved_corners.mean(axis=1) + 0.02 * normals / np.linalg.norm(normals, axis=1, keepdims=True)
    off = np.linalg.norm(kick.carried(outward)[0] - expected, axis=1)
    assert np.median(off) < 0.004
    # In the bent hip and knee, clothes are pushed together.
    assert np.quantile(off, 0.95) < 0.03


def test_a_tail_goes_with_what_it_grows_out_of_not_with_what_it_hangs_beside(kick: BodyMotion) -> None:
    moved = np.linalg.norm(kick.after - kick.before, axis=1)
    foot = kick.before[moved.argmax()]
    waist = kick.before[np.abs(kick.before[:, 2] - 0.05) < 0.03]
    front = waist[waist[:, 1].argmin()]
    # Out of the belly, and down before the leg that is raised.
    bend, end = front + [0.0, -0.25, -0.05], foot + [0.0, -0.12, 0.05]
    steps = np.linspace(0, 1, 100)[:, None]
    tail = np.concatenate([front + steps * (bend - front), bend + steps * (end - bend)])
    carried = kick.carried(np.concatenate([kick.before, tail]))[0][-len(tail) :]
    assert np.linalg.norm(carried[-1] - tail[-1]) < 0.15
    alone = kick.carried(tail[-1:])[0]
    assert np.linalg.norm(alone[0] - tail[-1]) > 0.5, "where nothing holds it, it goes with what is nearest"


def test_a_tail_between_the_legs_stays_whole_when_they_part(kick: BodyMotion) -> None:
    # A wide tail: left of it, the left thigh is nearest, right of it, the right one.
    x, y, z = np.meshgrid(np.linspace(-0.12, 0.12, 13), np.linspace(0.0, 0.7, 36), np.linspace(-0.22, -0.1, 7))
    tail = np.stack([x, y, z - 0.3 * y], axis=-1).reshape(-1, 3)
    thighs = tail[:, 1] < 0.1
    held = kick.joints[[np.linalg.norm(kick.before - point, axis=1).argmin() for point in tail[~thighs]]]
    assert {1, 2} <= set(held), "both hips"
    carried = kick.carried(np.concatenate([kick.before, tail]))[0][-len(tail) :]
    end = tail[:, 1] > 0.4
    lengths = [np.linalg.norm(part[end][:, None] - part[end][None], axis=-1) for part in (tail, carried)]
    assert np.abs(lengths[1] - lengths[0]).max() < 1e-3, "turned as one"
    moved = np.linalg.norm(kick.after - kick.before, axis=1)
    assert np.linalg.norm(carried - tail, axis=1)[end].max() < 0.5 * moved[np.isin(kick.joints, (1, 2))].max()


def test_where_no_skin_goes_with_what_both_legs_hang_on_a_tail_goes_with_them(kick: BodyMotion) -> None:
    bare = BodyMotion(kick.before, kick.after, kick.faces, np.where(kick.joints == 0, 3, kick.joints))
    x, y, z = np.meshgrid(np.linspace(-0.12, 0.12, 13), np.linspace(0.0, 0.7, 36), np.linspace(-0.22, -0.1, 7))
    tail = np.stack([x, y, z - 0.3 * y], axis=-1).reshape(-1, 3)
    carried = bare.carried(np.concatenate([kick.before, tail]))[0]
    assert np.isfinite(carried).all()


def test_a_tail_that_would_come_to_lie_below_the_ground_lies_on_it() -> None:
    stand, squat = (read_pose(assets.poses_folder() / f"{name}.json") for name in ("stand", "squat"))
    body = BodyModel.load()
    before, after = body(stand).vertices, body(squat).vertices
    ground = float(before[:, 2].min())
    motion = BodyMotion(before, after + [0, 0, ground - after[:, 2].min()], body.faces, body.weights.argmax(axis=1))
    waist = motion.before[np.abs(motion.before[:, 2] - 0.0) < 0.03]
    back = waist[waist[:, 1].argmax()]
    tail = back + np.linspace(0, 1, 100)[:, None] * [0.0, 0.5, -0.6]
    free = BodyMotion(motion.before - [0, 0, 9.0], motion.after, motion.faces, motion.joints)
    carried = motion.carried(np.concatenate([motion.before, tail]))[0][-len(tail) :]
    below = free.carried(np.concatenate([free.before, tail - [0, 0, 9.0]]))[0][-len(tail) :]
    assert below[:, 2].min() < ground - 0.05, "it would"
    assert carried[:, 2].min() > ground
    assert np.allclose(carried[:, :2], below[:, :2], atol=1e-6)
    high = below[:, 2] > ground + 0.1
    assert high.any()
    assert np.allclose(carried[high], below[high])
