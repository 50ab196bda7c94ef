"""Anatomical limits of the SMPL joints.

Convention: the rotation R of a joint relative to its parent is split as R = swing * twist. The twist turns about the
joint's long axis in the rest pose (x for the arms, y for trunk, head and legs); the swing is a rotation vector in the
plane of the two other axes, of length below pi. Its two components and the twist angle are the joint's coordinates,
stored on the axes they belong to, in radians. Limits are a box in these coordinates.

Axes are those of SMPL's rest pose (T-pose, y up, facing +z, left is +x). So for the left side: hip x negative lifts the
leg forward, z positive spreads it; knee x positive bends it; shoulder z negative lowers the arm, y negative brings it
forward; elbow y negative bends it.

The numbers are rounded ranges of motion of healthy adults as clinical goniometry tables give them (the values of the
American Academy of Orthopaedic Surgeons for hip, knee, ankle, shoulder, elbow and wrist), widened by a few degrees for
trained people, with the motion of the spine shared out over SMPL's three spine joints, neck and head, the shoulder's
over collar and shoulder, and the turning of the forearm over elbow and wrist.
"""

from __future__ import annotations

import numpy as np

from qnerf_core.body.pose import SMPL_JOINTS, BodyPose
from qnerf_core.body.rotations import swing_twist_to_vectors, vectors_to_swing_twist

_Range = tuple[float, float]

# Degrees about x, y, z: middle joints as they are, the others for the left side; the right side is their mirror image.
_DEGREES: dict[str, tuple[_Range, _Range, _Range]] = {
    "spine1": ((-15, 35), (-15, 15), (-20, 20)),
    "spine2": ((-15, 30), (-20, 20), (-15, 15)),
    "spine3": ((-15, 25), (-20, 20), (-15, 15)),
    "neck": ((-35, 35), (-40, 40), (-25, 25)),
    "head": ((-25, 25), (-40, 40), (-20, 20)),
    "hip": ((-130, 35), (-40, 50), (-30, 70)),
    "knee": ((-3, 150), (-10, 10), (-3, 3)),
    "ankle": ((-30, 55), (-20, 20), (-25, 25)),
    "foot": ((-60, 35), (-5, 5), (-5, 5)),
    "collar": ((-10, 10), (-25, 25), (-12, 40)),
    "shoulder": ((-95, 85), (-135, 60), (-95, 95)),
    "elbow": ((-70, 70), (-150, 3), (-5, 5)),
    "wrist": ((-40, 40), (-35, 35), (-80, 75)),
    "hand": ((-10, 10), (-15, 15), (-90, 20)),
}
_ARM = ("collar", "shoulder", "elbow", "wrist", "hand")
_MIRRORED_AXES = np.array([1.0, -1.0, -1.0])


def _table() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    lower, upper, axis = np.empty((23, 3)), np.empty((23, 3)), np.empty(23, dtype=int)
    for row, name in enumerate(SMPL_JOINTS[1:]):
        kind = name.removeprefix("left_").removeprefix("right_")
        ranges = np.radians(_DEGREES[kind])
        if name.startswith("right_"):
            ranges = np.sort(ranges * _MIRRORED_AXES[:, None], axis=1)
        lower[row], upper[row], axis[row] = ranges[:, 0], ranges[:, 1], 0 if kind in _ARM else 1
    for array in (lower, upper, axis):
        array.setflags(write=False)
    return lower, upper, axis


LOWER, UPPER, TWIST_AXIS = _table()
"""(23, 3) and (23, 3) radians, and (23,) the index of the twist's axis, for joints 1 to 23."""


def swing_twist(body_pose: np.ndarray) -> np.ndarray:
    """Coordinates of a pose in the convention of this module: (23, 3) axis-angle vectors to (23, 3) radians."""
    return vectors_to_swing_twist(body_pose, TWIST_AXIS)


def from_swing_twist(coordinates: np.ndarray) -> np.ndarray:
    """The inverse of `swing_twist`: (23, 3) coordinates to (23, 3) axis-angle vectors, radians."""
    return swing_twist_to_vectors(coordinates, TWIST_AXIS)


def clamp_to_limits(pose: BodyPose) -> BodyPose:
    """The nearest pose inside the limits, joint by joint; joints already inside keep their exact values.

    Args:
        pose: any pose; root, shape and place are kept.
    """
    coordinates = swing_twist(pose.body_pose)
    clamped = np.clip(coordinates, LOWER, UPPER)
    outside = limit_violation(pose) > 1e-12
    body_pose = np.where(outside[:, None], from_swing_twist(clamped), pose.body_pose)
    return pose.replaced(body_pose=body_pose)


def limit_violation(pose: BodyPose) -> np.ndarray:
    """How far each of the joints 1 to 23 is outside its limits: (23,) radians, the largest of its three coordinates."""
    coordinates = swing_twist(pose.body_pose)
    return np.maximum(0.0, np.maximum(LOWER - coordinates, coordinates - UPPER)).max(axis=1)
