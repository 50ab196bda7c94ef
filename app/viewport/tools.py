from __future__ import annotations

from typing import Literal

import numpy as np
from PySide6.QtCore import QObject, Qt, Signal

from app.viewport import gizmo
from app.viewport.desk import Desk
from app.viewport.picking import nearest_point
from app.viewport.rings import Rings
from app.viewport.tool import Tool
from app.viewport.tools_camera import Orbit, Pan
from app.viewport.tools_joint import AxisTool, JointTool, MoveJoint, SwingJoint, TurnFreely, TurnRing
from app.viewport.tools_keypoints import KEYS as KEYPOINT_KEYS
from app.viewport.tools_keypoints import KeypointHands
from app.viewport.tools_proxy import PartHands
from qnerf_core.body.pose import SMPL_JOINTS
from qnerf_core.scene.camera import Camera

JOINT_REACH = 11.0
RING_REACH = 6.0
_DRAG_STARTS = 4.0
_ZOOM_A_NOTCH = 1.15
_NOTCH = 120.0

_NAMED_VIEWS = {Qt.Key.Key_1: ("front", "back"), Qt.Key.Key_3: ("right", "left"), Qt.Key.Key_7: ("top", "bottom")}
_STEPS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}
_CONFIRM = (Qt.Key.Key_Return, Qt.Key.Key_Enter)

Press = Literal["", "joint", "swing", "part", "empty"]


class Tools(QObject):
    """Mouse and keys of the viewport, as in Blender; pixels of the widget, x right, y down."""

    changed = Signal()
    """Something that is drawn over the scene: what is under the pointer, the tool, its hint."""

    def __init__(self, desk: Desk, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.desk = desk
        self.tool: Tool | None = None
        self.parts = PartHands(desk)
        self.keypoints = KeypointHands(desk)
        self.poses = True
        self.hovered_joint: int | None = None
        self.hovered_ring: int | None = None
        self.hovered_frustum: int | None = None
        self.hovered_axis: str | None = None
        self.frusta_shown = True
        self._is_modal = False
        self._press: Press = ""
        self._pressed_at = np.zeros(2)
        self._at = np.zeros(2)
        self._pending: np.ndarray | None = None
        self._button = Qt.MouseButton.NoButton
        desk.document.projectChanged.connect(self._drop)
        desk.document.controlChanged.connect(self._drop)
        desk.document.keypointsChanged.connect(self.changed)
        desk.document.clickingChanged.connect(self.changed)

    @property
    def selected(self) -> int | None:
        name = self.desk.document.selected_joint
        return SMPL_JOINTS.index(name) if name is not None and self.can_pose else None

    @property
    def can_pose(self) -> bool:
        return self.poses and self.desk.has_body and not self.keypoints.is_clicking

    @property
    def shapes_parts(self) -> bool:
        return self.poses and self.desk.has_proxy

    @property
    def rings(self) -> Rings | None:
        return self.rings_for(self.desk.camera)

    def rings_for(self, camera: Camera) -> Rings | None:
        """Around the selected joint, unless it is being moved."""
        joint = self.selected
        if joint is None or (isinstance(self.tool, JointTool) and not isinstance(self.tool, TurnRing)):
            return None
        joints = self.desk.joints
        if not camera.project(joints.positions[joint])[1] > 0:
            return None
        return Rings.around(joints.positions[joint], joints.rotations[joint], camera)

    @property
    def is_working(self) -> bool:
        return self.tool is not None or bool(self._press)

    # ---- mouse

    def press(self, button: Qt.MouseButton, modifiers: Qt.KeyboardModifier, at: np.ndarray) -> None:
        self._at = at
        if self.desk.is_empty:
            return
        if self._is_modal:
            self._end(cancel=button != Qt.MouseButton.LeftButton)
            return
        if self.is_working:
            return
        self._button = button
        shift = bool(modifiers & Qt.KeyboardModifier.ShiftModifier)
        alt = bool(modifiers & Qt.KeyboardModifier.AltModifier)
        if button == Qt.MouseButton.MiddleButton or (button == Qt.MouseButton.LeftButton and alt):
            self._begin(Pan(self.desk, at) if shift else Orbit(self.desk, at))
        elif button == Qt.MouseButton.LeftButton:
            self._press_left(shift, at)

    def _press_left(self, shift: bool, at: np.ndarray) -> None:
        view = gizmo.view_at(self.desk.camera, gizmo.place(self.desk.camera.width), at)
        joint = self.joint_at(at)
        rings = self.rings
        ring = rings.at(at, RING_REACH) if rings is not None and joint is None else None
        self._pressed_at = at
        if view is not None:
            self.desk.look_from(view)
        elif self.keypoints.press(at):
            self._press = ""
        elif joint is not None:
            self.desk.document.select_joint(SMPL_JOINTS[joint])
            self._press = "swing" if shift else "joint"
        elif ring is not None and rings is not None and self.selected is not None:
            self._begin(TurnRing(self.desk, self.selected, at, rings, ring))
        elif self.shapes_parts:
            self._press_part(shift, at)
        else:
            self._press = "empty"
        self.changed.emit()

    def _press_part(self, shift: bool, at: np.ndarray) -> None:
        found = self.parts.press(shift, at)
        if isinstance(found, Tool):
            self._begin(found)
        else:
            self._press = "part" if found else "empty"

    def move(self, at: np.ndarray) -> bool:
        """True if `step` has something to do; several moves before it are one."""
        self._at = at
        if self.desk.is_empty:
            return False
        if self.tool is None and self._press and float(np.linalg.norm(at - self._pressed_at)) >= _DRAG_STARTS:
            self._start_drag()
        if self.tool is not None:
            self._pending = at
            return True
        if not self._press:
            self._hover(at)
        return False

    def _start_drag(self) -> None:
        press, self._press = self._press, ""
        joint = self.selected
        if press == "empty" and not self.desk.document.looking_through:
            self._begin(Orbit(self.desk, self._pressed_at))
        elif press == "joint" and joint is not None:
            self._begin(MoveJoint(self.desk, joint, self._pressed_at))
        elif press == "swing" and joint is not None:
            self._begin(SwingJoint(self.desk, joint, self._pressed_at))
        elif press == "part":
            tool = self.parts.drag(self._pressed_at)
            if tool is not None:
                self._begin(tool)

    def step(self) -> None:
        """Does what the last move asks for."""
        if self._pending is not None and self.tool is not None:
            at, self._pending = self._pending, None
            self.tool.move(at)
            self.changed.emit()

    def release(self, button: Qt.MouseButton, at: np.ndarray) -> None:
        self._at = at
        if button != self._button or self._is_modal:
            return
        self._button = Qt.MouseButton.NoButton
        press, self._press = self._press, ""
        if self.tool is not None:
            self._end()
        elif press == "empty":
            self._click(at)
        elif press == "part":
            self.parts.click(at)

    def _click(self, at: np.ndarray) -> None:
        scene = self.desk.document.scene
        frustum = self.frustum_at(at)
        if frustum is not None and scene is not None:
            self.desk.look_through(scene.views[frustum].name)
        else:
            self.desk.document.select_joint(None)
            self.desk.document.select_parts(())
        self._hover(at)

    def wheel(self, delta: float, at: np.ndarray) -> None:
        if delta and not self.desk.is_empty:
            self.desk.zoom(_ZOOM_A_NOTCH ** (delta / _NOTCH), at)
            self._hover(at)

    def leave(self) -> None:
        self.parts.hover(None)
        self._set_hovered(None, None, None, None)

    # ---- keys

    def key(self, key: Qt.Key, modifiers: Qt.KeyboardModifier) -> bool:
        """True if the viewport has done something with the key."""
        if self.desk.is_empty:
            return False
        if self.tool is not None:
            return self._key_of_tool(key, modifiers)
        if self.keypoints.key(key, modifiers):
            return True
        plain = modifiers & ~(Qt.KeyboardModifier.KeypadModifier)
        if plain == Qt.KeyboardModifier.ShiftModifier and self.shapes_parts:
            return self._begin_modal(self.parts.modal(key, self._at, shift=True))
        if modifiers & Qt.KeyboardModifier.KeypadModifier and key in _NAMED_VIEWS:
            self.desk.look_from(_NAMED_VIEWS[key][plain == Qt.KeyboardModifier.ControlModifier])
            return True
        return plain == Qt.KeyboardModifier.NoModifier and self._plain_key(key)

    def wants(self, key: Qt.Key, modifiers: Qt.KeyboardModifier) -> bool:
        """Whether the key is the viewport's before it is a shortcut of the window."""
        if self.tool is not None:
            return True
        if self.keypoints.is_clicking and key in KEYPOINT_KEYS:
            return True
        plain = modifiers & ~Qt.KeyboardModifier.KeypadModifier == Qt.KeyboardModifier.NoModifier
        keys = {*_STEPS, Qt.Key.Key_Space, Qt.Key.Key_Home}
        if self.can_pose:
            keys |= {Qt.Key.Key_G, Qt.Key.Key_R, Qt.Key.Key_P}
        shaped = self.shapes_parts and self.parts.wants(key)
        return plain and not self.desk.is_empty and (shaped or key in keys)

    def _key_of_tool(self, key: Qt.Key, modifiers: Qt.KeyboardModifier) -> bool:
        tool = self.tool
        if key == Qt.Key.Key_Escape:
            self._end(cancel=True)
        elif key in _CONFIRM and self._is_modal:
            self._end()
        elif tool is not None and tool.key(key, modifiers):
            self.changed.emit()
        return True

    def _plain_key(self, key: Qt.Key) -> bool:
        if key in _STEPS:
            self.desk.step_view(_STEPS[key])
        elif key == Qt.Key.Key_Home:
            self.desk.home()
        elif key == Qt.Key.Key_Space:
            self.desk.toggle_through()
        elif self.shapes_parts and self._part_key(key):
            return True
        elif key == Qt.Key.Key_Escape:
            return self._step_back()
        elif self.can_pose:
            return self._pose_key(key)
        else:
            return False
        return True

    def _step_back(self) -> bool:
        if self.selected is not None:
            self.desk.document.select_joint(None)
        elif self.desk.document.looking_through:
            self.desk.look_through(None)
        else:
            return False
        return True

    def _part_key(self, key: Qt.Key) -> bool:
        return self._begin_modal(self.parts.modal(key, self._at)) or self.parts.key(key)

    def _begin_modal(self, tool: Tool | None) -> bool:
        if tool is None:
            return False
        self._begin(tool)
        self._is_modal = True
        return True

    def _pose_key(self, key: Qt.Key) -> bool:
        joint = self.selected
        if key == Qt.Key.Key_P:
            joint = joint if joint is not None else self.hovered_joint
            if joint is None:
                return False
            self.desk.document.toggle_pin(SMPL_JOINTS[joint])
        elif joint is None or key not in (Qt.Key.Key_G, Qt.Key.Key_R):
            return False
        else:
            make: type[AxisTool] = MoveJoint if key == Qt.Key.Key_G else TurnFreely
            self._begin(make(self.desk, joint, self._at))
            self._is_modal = True
        return True

    def move_parts(self) -> None:
        """Of what was just added: it follows the pointer until a click."""
        if self.tool is None and self.shapes_parts and self._part_key(Qt.Key.Key_G):
            self.changed.emit()

    def lose_focus(self) -> None:
        """A drag that nobody can end any more is kept; undo takes it back."""
        self._press = ""
        if self.tool is not None:
            self._end()

    # ---- what is under the pointer

    def joint_at(self, at: np.ndarray) -> int | None:
        if not self.can_pose:
            return None
        pixels, _ = self.desk.camera.project(self.desk.joints.positions)
        return nearest_point(pixels, at, JOINT_REACH)

    def frustum_at(self, at: np.ndarray) -> int | None:
        return self.desk.frustum_at(at) if self.frusta_shown and not self.desk.document.looking_through else None

    def _hover(self, at: np.ndarray) -> None:
        axis = gizmo.view_at(self.desk.camera, gizmo.place(self.desk.camera.width), at)
        joint = self.joint_at(at) if axis is None else None
        rings = self.rings if joint is None and axis is None else None
        ring = rings.at(at, RING_REACH) if rings is not None else None
        free = axis is None and joint is None and ring is None
        if self.parts.hover(at if free and self.shapes_parts else None):
            self.changed.emit()
        free = free and self.parts.hovered is None and self.parts.handle is None
        self._set_hovered(joint, ring, self.frustum_at(at) if free else None, axis)

    def _set_hovered(self, joint: int | None, ring: int | None, frustum: int | None, axis: str | None) -> None:
        found = (joint, ring, frustum, axis)
        if found != (self.hovered_joint, self.hovered_ring, self.hovered_frustum, self.hovered_axis):
            self.hovered_joint, self.hovered_ring, self.hovered_frustum, self.hovered_axis = found
            self.changed.emit()

    # ---- the tool

    def _begin(self, tool: Tool) -> None:
        self.tool, self._is_modal, self._pending = tool, False, None
        self.changed.emit()

    def _end(self, *, cancel: bool = False) -> None:
        if not cancel:
            self.step()
        tool, self.tool = self.tool, None
        self._is_modal, self._press, self._pending = False, "", None
        if tool is not None:
            tool.cancel() if cancel else tool.finish()
        self._hover(self._at)
        self.changed.emit()

    def _drop(self) -> None:
        self.tool, self._is_modal, self._press, self._pending = None, False, "", None
        self._set_hovered(None, None, None, None)
