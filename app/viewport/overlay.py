from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QFont, QPainter

from app.viewport import gizmo, hud
from app.viewport.desk import Desk
from app.viewport.look import Look
from app.viewport.proxy_overlay import ProxyOverlay, paint_proxy
from app.viewport.rings import AXES, RADIUS, Rings
from app.viewport.skeleton_paint import (
    SkeletonState,
    paint_axis,
    paint_name,
    paint_pill,
    paint_reach,
    paint_rings,
    paint_skeleton,
)
from app.viewport.tools import Tools
from app.viewport.tools_joint import AxisTool, MoveJoint, TurnRing
from app.viewport.tools_keypoints import KeypointOverlay, hint_of, paint_keypoints
from qnerf_core.body.pose import SMPL_JOINTS
from qnerf_core.scene.camera import Camera

_OUT_OF_REACH = 12.0


@dataclass(frozen=True, eq=False)
class OverlayState:
    """All that is drawn over one frame, taken when the frame was drawn."""

    camera: Camera
    focus_depth: float
    skeleton: SkeletonState | None
    proxy: ProxyOverlay | None
    keypoints: KeypointOverlay | None
    rings: Rings | None
    ring: int | None
    is_turning: bool
    axis: tuple[np.ndarray, np.ndarray, str] | None
    reach: tuple[np.ndarray, np.ndarray] | None
    named_joint: tuple[np.ndarray, int, bool, float] | None
    frustum: tuple[np.ndarray, str] | None
    hovered_axis: str | None
    hint: str
    cursor: Qt.CursorShape

    @classmethod
    def of(cls, desk: Desk, tools: Tools, camera: Camera) -> OverlayState:
        tool = tools.tool
        skeleton = _skeleton(desk, tools, camera) if tools.can_pose else None
        turning = isinstance(tool, TurnRing)
        return cls(
            camera=camera,
            focus_depth=float(camera.project(desk.eye.focus)[1]),
            skeleton=skeleton,
            proxy=ProxyOverlay.of(desk, tools, camera) if tools.shapes_parts else None,
            keypoints=KeypointOverlay.of(desk, camera),
            rings=tools.rings_for(camera),
            ring=tool.axis if isinstance(tool, TurnRing) else tools.hovered_ring,
            is_turning=turning,
            axis=_axis(tool, camera) if isinstance(tool, AxisTool) else None,
            reach=_reach(tool, desk, camera) if isinstance(tool, MoveJoint) else None,
            named_joint=_named(desk, tools, skeleton) if skeleton is not None else None,
            frustum=_frustum(desk, tools, camera),
            hovered_axis=tools.hovered_axis,
            hint=tool.hint if tool is not None else _hint(desk, tools),
            cursor=_cursor(tools),
        )


def paint_overlay(painter: QPainter, state: OverlayState, look: Look, font: QFont) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(font)
    if state.axis is not None:
        paint_axis(painter, state.axis[0], state.axis[1], look.colour(state.axis[2], 0.8))
    if state.skeleton is not None:
        paint_skeleton(painter, state.skeleton, look)
    if state.proxy is not None:
        paint_proxy(painter, state.proxy, look)
    if state.keypoints is not None:
        paint_keypoints(painter, state.keypoints, look)
    if state.rings is not None:
        paint_rings(painter, state.rings, look, state.ring, state.is_turning)
    if state.reach is not None:
        paint_reach(painter, *state.reach, look)
    if state.named_joint is not None:
        paint_name(painter, *state.named_joint, look)
    if state.frustum is not None:
        at, text = state.frustum
        paint_pill(painter, QPointF(at[0], at[1]), text, look)
    if state.hint:
        hud.paint_hint(painter, state.camera, state.hint, look)
    hud.paint_scale(painter, state.camera, state.focus_depth, look)
    gizmo.paint(painter, state.camera, gizmo.place(state.camera.width), look, state.hovered_axis)


def _hint(desk: Desk, tools: Tools) -> str:
    if not tools.keypoints.is_clicking:
        return ""
    return hint_of(desk.document) if desk.document.looking_through else "Look through a photo to click joints in it"


def _skeleton(desk: Desk, tools: Tools, camera: Camera) -> SkeletonState:
    pixels, depths = camera.project(desk.joints.positions)
    return SkeletonState(pixels, depths, tools.selected, tools.hovered_joint, desk.document.pinned)


def _axis(tool: AxisTool, camera: Camera) -> tuple[np.ndarray, np.ndarray, str] | None:
    direction, axis = tool.direction, tool.axis
    if direction is None or axis is None:
        return None
    start, _ = camera.project(tool.place)
    beside, _ = camera.project(tool.place + 0.05 * direction)
    along = beside - start
    length = float(np.linalg.norm(along))
    if not length > 1e-6:
        return None
    reach = along / length * (camera.width + camera.height)
    return start - reach, start + reach, f"axis_{AXES[axis].lower()}"


def _reach(tool: MoveJoint, desk: Desk, camera: Camera) -> tuple[np.ndarray, np.ndarray] | None:
    ends, depths = camera.project(np.stack([desk.joints.positions[tool.joint], tool.wanted]))
    far = float(np.linalg.norm(ends[1] - ends[0])) > _OUT_OF_REACH
    return (ends[0], ends[1]) if far and (depths > 0).all() else None


def _named(desk: Desk, tools: Tools, skeleton: SkeletonState) -> tuple[np.ndarray, int, bool, float] | None:
    joint = tools.hovered_joint if tools.hovered_joint is not None else tools.selected
    if joint is None or not skeleton.depths[joint] > 0:
        return None
    below = RADIUS + 12.0 if joint == tools.selected and tools.rings is not None else 0.0
    return skeleton.pixels[joint], joint, SMPL_JOINTS[joint] in desk.document.pinned, below


def _frustum(desk: Desk, tools: Tools, camera: Camera) -> tuple[np.ndarray, str] | None:
    scene, index = desk.document.scene, tools.hovered_frustum
    if scene is None or index is None or index >= len(scene.views):
        return None
    view = scene.views[index]
    pixels, _ = camera.project(desk.shapes.points[index, 1:5])
    corner = np.array([pixels[:, 0].mean() - 30, pixels[:, 1].max() + 8])
    kind = "kept out" if view.heldout else "edited"
    return corner, f"{view.name}  ·  {kind}  ·  click to look through"


def _cursor(tools: Tools) -> Qt.CursorShape:
    if tools.tool is not None:
        return tools.tool.cursor
    if tools.keypoints.is_clicking and tools.desk.document.looking_through and tools.hovered_axis is None:
        return Qt.CursorShape.CrossCursor
    if any(found is not None for found in (tools.hovered_joint, tools.hovered_ring, tools.parts.handle)):
        return Qt.CursorShape.OpenHandCursor
    if any(found is not None for found in (tools.hovered_frustum, tools.hovered_axis, tools.parts.hovered)):
        return Qt.CursorShape.PointingHandCursor
    return Qt.CursorShape.ArrowCursor
