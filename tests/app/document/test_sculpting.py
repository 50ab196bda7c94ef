from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from app.document.document import Document
from app.document.opening import open_scene
from qnerf_core.errors import ProxyError

Wait = Callable[[Callable[[], bool]], bool]


@pytest.fixture
def sculpted(empty: Document, wait_until: Wait) -> Document:
    empty.start_project(open_scene("sofa", empty.body))
    empty.sculpting.set_resolution(16)
    empty.select_parts(["seat"])
    empty.sculpting.toggle()
    assert wait_until(lambda: empty.sculpting.is_active and not empty.sculpting.is_busy)
    return empty


def _stroke(document: Document, **how: bool) -> None:
    sculpting = document.sculpting
    assert sculpting.mesh is not None
    start = sculpting.mesh.world()[0]
    sculpting.begin(start, **how)
    for step in range(1, 4):
        sculpting.step(start + np.array([0.05 * step, 0.0, 0.02 * step]))


def test_only_a_selected_part_is_sculpted(sculpted: Document) -> None:
    assert sculpted.undo_stack.undoText() == "Remesh seat"
    assert sculpted.proxy.part("seat").kind == "mesh"
    sculpted.sculpting.toggle()
    assert not sculpted.sculpting.is_active
    sculpted.select_parts([])
    with pytest.raises(ProxyError, match="no part is selected"):
        sculpted.sculpting.toggle()


@pytest.mark.parametrize("kind", ["grab", "inflate", "smooth", "flatten", "pinch"])
def test_a_stroke_is_one_command_that_undoes_and_redoes_exactly(sculpted: Document, kind: str) -> None:
    before, count = sculpted.proxy.part("seat"), sculpted.undo_stack.count()
    assert before.vertices is not None
    sculpted.sculpting.set_brush(kind=kind, radius=0.3, strength=0.8)
    _stroke(sculpted)
    assert sculpted.proxy.part("seat") is before
    sculpted.sculpting.finish()
    after = sculpted.proxy.part("seat")
    assert after.vertices is not None
    assert sculpted.undo_stack.count() == count + 1
    moved = np.flatnonzero((after.vertices != before.vertices).any(axis=1))
    assert 0 < len(moved) < len(before.vertices)
    sculpted.undo_stack.undo()
    np.testing.assert_array_equal(sculpted.proxy.part("seat").vertices, before.vertices)
    sculpted.undo_stack.redo()
    np.testing.assert_array_equal(sculpted.proxy.part("seat").vertices, after.vertices)
    assert sculpted.sculpting.is_active


def test_a_cancelled_stroke_leaves_nothing(sculpted: Document) -> None:
    before, count = sculpted.proxy, sculpted.undo_stack.count()
    assert sculpted.sculpting.mesh is not None
    vertices = sculpted.sculpting.mesh.vertices.copy()
    _stroke(sculpted, invert=True)
    sculpted.sculpting.cancel()
    np.testing.assert_array_equal(sculpted.sculpting.mesh.vertices, vertices)
    assert sculpted.proxy is before
    assert sculpted.undo_stack.count() == count


def test_strokes_hold_where_the_part_was_moved_to(sculpted: Document) -> None:
    _stroke(sculpted)
    sculpted.sculpting.finish()
    offset = np.array([0.3, 0.0, 0.0])
    shape = sculpted.proxy.part("seat").mesh[0]
    sculpted.set_proxy(sculpted.proxy.moved(["seat"], offset), "Move seat")
    np.testing.assert_allclose(sculpted.proxy.part("seat").mesh[0], shape + offset)
    _stroke(sculpted, smooth=True)
    sculpted.sculpting.finish()
    while sculpted.undo_stack.undoText() != "Remesh seat":
        sculpted.undo_stack.undo()
    sculpted.undo_stack.undo()
    assert not sculpted.sculpting.is_active
    assert sculpted.proxy.part("seat").kind == "box"
