from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.document import posing
from app.document.history import UndoableState
from app.document.opening import OpenedScene
from app.document.posing import Drag
from app.document.state import State, same
from app.paths import data_folder
from qnerf_core import assets
from qnerf_core.body.library import PoseLibrary, apply_part
from qnerf_core.body.mirror import copy_side, mirror_pose
from qnerf_core.body.placement import root_angles, turned_to
from qnerf_core.body.pose import SMPL_JOINTS, BodyPose
from qnerf_core.body.pose_file import write_pose
from qnerf_core.body.surface import BodySurface
from qnerf_core.errors import SettingsError

Posed = Literal["source", "target"]


class PosedState(UndoableState):
    """The two poses of the document and all that can be done with them."""

    selectionChanged = Signal()
    posedChanged = Signal()
    libraryChanged = Signal()

    def __init__(self, state: State, parent: QObject | None = None) -> None:
        super().__init__(state, parent)
        self.selected_joint: str | None = None
        self.posed: Posed = "target"
        self.show_both = False
        self.plant_feet = True
        self._opened: OpenedScene | None = None
        self._drag: Drag | None = None

    @cached_property
    def body(self) -> BodySurface:
        return BodySurface.load()

    @cached_property
    def library(self) -> PoseLibrary:
        return PoseLibrary(assets.poses_folder(), data_folder() / "poses")

    @property
    def source_pose(self) -> BodyPose:
        return self._state.source_pose

    @property
    def source_is_own(self) -> bool:
        """Whether a run must be given the source pose, since the capture brings none or another one."""
        capture = self._opened.capture if self._opened else None
        return capture is None or self._opened is None or not same(self.source_pose, self._opened.source_pose)

    @property
    def target_pose(self) -> BodyPose:
        return self._state.target_pose

    @property
    def pose(self) -> BodyPose:
        """The pose that is being edited: the target's, or the source's while that is chosen."""
        return self._state.target_pose if self.posed == "target" else self._state.source_pose

    @property
    def reference_pose(self) -> BodyPose:
        """What resetting brings back: the target goes back to the source, the source to what the capture says."""
        if self.posed == "target":
            return self._state.source_pose
        return self._opened.source_pose if self._opened else BodyPose.rest()

    @property
    def pinned(self) -> frozenset[str]:
        return self._state.pinned

    @cached_property
    def floor(self) -> float:
        """Height of the floor in the world, metres: where the subject of the pictures stands."""
        return posing.lowest(self.body, self._opened.source_pose) if self._opened else 0.0

    def select_joint(self, name: str | None) -> None:
        if name is not None and name not in SMPL_JOINTS:
            raise ValueError(f"{name!r} is not a joint")
        if name != self.selected_joint:
            self.finish_change()
            self.selected_joint = name
            self.selectionChanged.emit()

    def set_posed(self, posed: Posed) -> None:
        if posed != self.posed:
            self.end_drag()
            self.finish_change()
            self.posed = posed
            self.posedChanged.emit()

    def set_show_both(self, show: bool) -> None:
        if show != self.show_both:
            self.show_both = show
            self.posedChanged.emit()

    # ---- dragging [undo: one command at the end]

    @property
    def is_dragging(self) -> bool:
        return self._drag is not None

    def begin_drag(self, text: str) -> None:
        self.end_drag()
        floor = self.floor if self.plant_feet else None
        self._drag = Drag(self.body, text, self.pose, self.pinned, floor)

    def drag_to(self, pose: BodyPose) -> None:
        if self._drag is not None:
            self._drag.pose = pose
            self._show_pose(pose)

    def drag_joint(self, joint: str, target: np.ndarray) -> None:
        """Inverse kinematics: what is pinned stays, planted feet too while the body itself is dragged."""
        if self._drag is not None:
            self._show_pose(self._drag.move(joint, np.asarray(target, dtype=np.float64)))

    def rotate_joint(self, joint: str, rotation: np.ndarray) -> None:
        """Turns this joint only, by a world rotation vector in radians counted from the drag's start."""
        if self._drag is not None:
            self._show_pose(self._drag.rotate(joint, np.asarray(rotation, dtype=np.float64)))

    def swing_joint(self, joint: str, target: np.ndarray) -> None:
        """Turns only the joint above this one, so that this one points at a place in the world."""
        if self._drag is not None:
            self._show_pose(self._drag.swing(joint, np.asarray(target, dtype=np.float64)))

    def end_drag(self) -> None:
        if self._drag is not None:
            drag, self._drag = self._drag, None
            self._push_pose(drag.start, drag.pose, drag.text)

    def cancel_drag(self) -> None:
        if self._drag is not None:
            start, self._drag = self._drag.start, None
            self._show_pose(start)

    # ---- poses [undo]

    def set_target_pose(self, pose: BodyPose, text: str = "Change pose") -> None:
        self._push_change(text, target_pose=pose)

    def set_source_pose(self, pose: BodyPose, text: str = "Change source pose") -> None:
        self._push_change(text, source_pose=pose)

    def set_pose(self, pose: BodyPose, text: str, merge: str = "") -> None:
        """Of the body that is being posed. Changes of one `merge` key are one command until `finish_change`."""
        self.end_drag()
        self._push_pose(self.pose, pose, text, merge)

    def toggle_pin(self, joint: str) -> None:
        text = f"{'Unpin' if joint in self.pinned else 'Pin'} {posing.label(joint)}"
        self._push_change(text, pinned=self.pinned ^ {joint})

    def unpin_all(self) -> None:
        self._push_change("Unpin all joints", pinned=frozenset())

    def set_joint_angles(self, joint: str, degrees: np.ndarray) -> None:
        pose = posing.with_joint_angles(self.pose, joint, np.asarray(degrees, dtype=np.float64))
        self.set_pose(pose, f"Turn {posing.label(joint)}", f"angles of {joint}")

    def mirror(self) -> None:
        self.set_pose(mirror_pose(self.pose), "Mirror pose")

    def copy_side(self, source: Literal["left", "right"]) -> None:
        other = "right" if source == "left" else "left"
        self.set_pose(copy_side(self.pose, source), f"Copy {source} side to {other}")

    def reset_joint(self, joint: str | None = None) -> None:
        joint = joint or self.selected_joint
        if joint is not None:
            row = SMPL_JOINTS.index(joint) - 1
            reference = self.reference_pose
            vector = reference.global_orient if row < 0 else reference.body_pose[row]
            self.set_pose(posing.with_joint_rotation(self.pose, joint, vector), f"Reset {posing.label(joint)}")

    def reset_limb(self, joint: str | None = None) -> None:
        joint = joint or self.selected_joint
        if joint is not None:
            limb = posing.limb_of(joint)
            self.set_pose(apply_part(self.pose, self.reference_pose, limb), f"Reset {limb}")

    def reset_pose(self) -> None:
        self.set_pose(self.reference_pose, "Reset pose")

    def apply_library_pose(self, name: str, part: str = posing.WHOLE_BODY) -> None:
        self._apply_named(name, self.library.load(name), part)

    def apply_edit(self, name: str, part: str = posing.WHOLE_BODY) -> None:
        """The target pose of one of the capture's edits; whole, it is taken exactly as it is."""
        if self._opened is None or name not in self._opened.edit_poses:
            raise SettingsError(f"There is no edit named {name!r}", "", "Choose one that the capture brings.")
        pose = self.named_pose(name)
        if part == posing.WHOLE_BODY:
            self.set_pose(pose, f"Apply {name}")
        else:
            self._apply_named(name, pose, part)

    def named_pose(self, name: str) -> BodyPose:
        """A pose of the capture's edits or of the library."""
        edits = self._opened.edit_poses if self._opened else {}
        return edits[name] if name in edits else self.library.load(name)

    def _apply_named(self, name: str, source: BodyPose, part: str) -> None:
        text = f"Apply {name}" if part == posing.WHOLE_BODY else f"Apply {name} to {part}"
        self.set_pose(posing.applied(self.body, self.pose, source, part), text)

    def save_library_pose(self, name: str) -> None:
        self.library.save(name, self.pose)
        self.libraryChanged.emit()

    def delete_library_pose(self, name: str) -> None:
        self.library.delete(name)
        self.libraryChanged.emit()

    def set_betas(self, betas: np.ndarray) -> None:
        self.set_pose(posing.with_shape(self.body, self.pose, betas=np.asarray(betas)), "Change shape", "shape")

    def set_proportions(self, proportions: np.ndarray) -> None:
        changed = posing.with_shape(self.body, self.pose, proportions=np.asarray(proportions))
        self.set_pose(changed, "Change proportions", "proportions")

    @property
    def placement(self) -> np.ndarray:
        """(4,) x and y of the pelvis, height of the lowest point above the floor in metres, turn in degrees."""
        pose = self.pose
        x, y, _ = self.body.joints(pose)[0]
        height = posing.lowest(self.body, pose) - self.floor
        return np.array([x, y, height, np.degrees(root_angles(pose.global_orient)[2])])

    def set_placement(self, placement: np.ndarray) -> None:
        wanted, now = np.asarray(placement, dtype=np.float64), self.placement
        pose = self.pose
        pose = pose.replaced(translation=pose.translation + wanted[:3] - now[:3])
        if wanted[3] != now[3]:
            pose = turned_to(pose, np.radians(wanted[3]))
        self.set_pose(pose, "Place body", "placement")

    def write_target_pose(self, path: Path | str) -> None:
        write_pose(path, self.target_pose)

    def write_source_pose(self, path: Path | str) -> None:
        write_pose(path, self.source_pose)

    # ---- commands

    def _with_pose(self, pose: BodyPose) -> State:
        return self._changed(**{f"{self.posed}_pose": pose})

    def _show_pose(self, pose: BodyPose) -> None:
        self._show(self._with_pose(pose))

    def _push_pose(self, before: BodyPose, after: BodyPose, text: str, merge: str = "") -> None:
        if self.posed == "source":
            text += " (source)"
        key = f"{self.posed} {merge}" if merge else ""
        self._push(text, self._with_pose(before), self._with_pose(after), key)

    def _push_change(self, text: str, merge: str = "", **changes: Any) -> None:
        self.end_drag()
        self._push(text, self._state, self._changed(**changes), merge)

    def _restore(self, state: State) -> None:
        # Undoing in the middle of a drag leaves the drag.
        self._drag = None
        super()._restore(state)

    def _restart(self, state: State) -> None:
        self._drag, self.posed, self.selected_joint = None, "target", None
        self.__dict__.pop("floor", None)
        super()._restart(state)
