"""Thousands of random actions: the document stays valid, and undo leads back to the very start."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from PySide6.QtCore import QCoreApplication

from app.document.document import Document
from app.document.opening import OpenedScene
from app.document.project import read_project
from app.document.state import State
from qnerf_core.body.library import PARTS
from qnerf_core.body.limits import limit_violation
from qnerf_core.body.pose import SMPL_JOINTS
from qnerf_core.body.surface import BodySurface

JOINTS = st.sampled_from(SMPL_JOINTS)
OFFSETS = st.tuples(*[st.floats(-0.6, 0.6) for _ in range(3)])
ANGLES = st.tuples(*[st.floats(-200, 200) for _ in range(3)])


class DocumentMachine(RuleBasedStateMachine):
    body: BodySurface
    opened: OpenedScene

    @initialize()
    def open(self) -> None:
        self.home = tempfile.TemporaryDirectory()
        os.environ["QNERF_HOME"] = self.home.name
        self.document = Document()
        self.document.__dict__["body"] = self.body
        self.document.start_project(self.opened)
        self.start = self.document._state
        self.source_violation = limit_violation(self.start.source_pose).max()

    # ---- dragging

    @rule(joint=JOINTS)
    def begin_drag(self, joint: str) -> None:
        self.joint = joint
        self.document.begin_drag(f"Move {joint}")

    @precondition(lambda self: self.document.is_dragging)
    @rule(offset=OFFSETS, how=st.sampled_from(["drag_joint", "swing_joint"]))
    def drag(self, offset: tuple[float, ...], how: str) -> None:
        here = self.document.body.joints(self.document.pose)[SMPL_JOINTS.index(self.joint)]
        getattr(self.document, how)(self.joint, here + offset)

    @precondition(lambda self: self.document.is_dragging)
    @rule(rotation=OFFSETS)
    def rotate(self, rotation: tuple[float, ...]) -> None:
        self.document.rotate_joint(self.joint, np.array(rotation) * 3)

    @rule()
    def end_drag(self) -> None:
        self.document.end_drag()

    @rule()
    def cancel_drag(self) -> None:
        self.document.cancel_drag()

    # ---- everything else

    @rule(joint=JOINTS, angles=ANGLES)
    def type_angles(self, joint: str, angles: tuple[float, ...]) -> None:
        self.document.set_joint_angles(joint, np.array(angles))

    @rule(joint=JOINTS)
    def toggle_pin(self, joint: str) -> None:
        self.document.toggle_pin(joint)

    @rule(name=st.sampled_from(["mirror", "reset_pose", "unpin_all", "finish_change"]))
    def simple(self, name: str) -> None:
        getattr(self.document, name)()

    @rule(side=st.sampled_from(["left", "right"]))
    def copy_side(self, side: Any) -> None:
        self.document.copy_side(side)

    @rule(joint=JOINTS, limb=st.booleans())
    def reset(self, joint: str, limb: bool) -> None:
        self.document.select_joint(joint)
        (self.document.reset_limb if limb else self.document.reset_joint)()

    @rule(name=st.sampled_from(["squat", "wave", "kick"]), part=st.sampled_from(sorted(PARTS)))
    def apply(self, name: str, part: str) -> None:
        self.document.apply_library_pose(name, part)

    @rule(values=st.lists(st.floats(-3, 3), min_size=10, max_size=10))
    def shape(self, values: list[float]) -> None:
        self.document.set_betas(np.array(values))

    @rule(offset=OFFSETS, turn=st.floats(-180, 180))
    def place(self, offset: tuple[float, ...], turn: float) -> None:
        self.document.set_placement(np.array([*offset, turn]))

    @rule(seed=st.integers(0, 50), steps=st.integers(1, 50))
    def settings(self, seed: int, steps: int) -> None:
        self.document.set_spec(seed=seed)
        self.document.set_spec(**{"diffusion.steps": steps})

    @rule(posed=st.sampled_from(["source", "target"]))
    def choose_body(self, posed: Any) -> None:
        self.document.set_posed(posed)

    @rule(times=st.integers(1, 5))
    def undo(self, times: int) -> None:
        for _ in range(times):
            self.document.undo_stack.undo()

    @rule(times=st.integers(1, 5))
    def redo(self, times: int) -> None:
        for _ in range(times):
            self.document.undo_stack.redo()

    @rule()
    def save(self) -> None:
        self.document.save()
        assert self.document.project is not None
        assert not read_project(self.document.project.folder).content.state.differs(self.document._state)

    # ---- what must hold

    @invariant()
    def poses_are_possible(self) -> None:
        if not hasattr(self, "document"):
            return
        for pose in (self.document.source_pose, self.document.target_pose):
            for values in (pose.global_orient, pose.body_pose, pose.betas, pose.translation):
                assert np.isfinite(values).all()
            assert limit_violation(pose).max() <= self.source_violation + 1e-6

    @invariant()
    def every_command_says_what_it_does(self) -> None:
        if hasattr(self, "document") and self.document.undo_stack.canUndo():
            assert self.document.undo_stack.undoText()[0].isupper()

    def teardown(self) -> None:
        if not hasattr(self, "document"):
            return
        document = self.document
        document.end_drag()
        end = document._state
        while document.undo_stack.canRedo():
            document.undo_stack.redo()
        states: list[State] = []
        while document.undo_stack.canUndo():
            states.append(document._state)
            document.undo_stack.undo()
        assert not document._state.differs(self.start)
        for state in reversed(states):
            document.undo_stack.redo()
            assert not document._state.differs(state)
        while document.undo_stack.canUndo() and document._state.differs(end):
            document.undo_stack.undo()
        assert not document._state.differs(end)
        document.close_project()
        document.deleteLater()
        self.home.cleanup()


@pytest.fixture
def machine(
    core_application: QCoreApplication, body: BodySurface, opened: OpenedScene, monkeypatch: pytest.MonkeyPatch
) -> Callable[[int, int], None]:
    monkeypatch.setenv("QNERF_HOME", "")
    DocumentMachine.body, DocumentMachine.opened = body, opened

    def run(examples: int, actions: int) -> None:
        run_state_machine_as_test(
            DocumentMachine,
            settings=settings(
                max_examples=examples,
                stateful_step_count=actions,
                deadline=None,
                suppress_health_check=list(HealthCheck),
                database=None,
            ),
        )

    return run


def test_some_hundred_random_actions_can_be_undone(machine: Callable[[int, int], None]) -> None:
    machine(8, 40)


@pytest.mark.slow
def test_some_thousand_random_actions_can_be_undone(machine: Callable[[int, int], None]) -> None:
    machine(60, 60)
