"""How a body stands in the world: which way it faces and how it leans, apart from its pose.

The root's orientation is read as heading * lean * upright: the body stands upright facing -y, leans about a level axis
and is then turned about the world's vertical.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from qnerf_core.body.pose import UPRIGHT_FACING_CAMERA, BodyPose
from qnerf_core.body.rotations import swing_twist_to_vectors, vectors_to_swing_twist

_WORLD_UP = np.array([2])


def root_angles(global_orient: np.ndarray) -> np.ndarray:
    """Lean forward, lean to the body's left, and turn about the vertical (counter-clockwise from above).

    Args:
        global_orient: (3,) axis-angle of the root, radians.

    Returns:
        (3,) radians; the two leans are the components of one rotation vector, shorter than pi.
    """
    upright = Rotation.from_rotvec(np.array(UPRIGHT_FACING_CAMERA))
    turned = Rotation.from_rotvec(np.array(global_orient)) * upright.inv()
    # Swing and twist come in the order swing * twist; the inverse has them the other way round.
    angles: np.ndarray = -vectors_to_swing_twist(turned.inv().as_rotvec()[None], _WORLD_UP)[0]
    return angles


def root_orientation(angles: np.ndarray) -> np.ndarray:
    """The inverse of `root_angles`: (3,) radians to the (3,) axis-angle of the root."""
    upright = Rotation.from_rotvec(np.array(UPRIGHT_FACING_CAMERA))
    turned = Rotation.from_rotvec(swing_twist_to_vectors(-np.asarray(angles)[None], _WORLD_UP)[0]).inv()
    orientation: np.ndarray = (turned * upright).as_rotvec()
    return orientation


def turned_to(pose: BodyPose, heading: float) -> BodyPose:
    """The pose turned about the vertical through its pelvis.

    Args:
        pose: Any pose.
        heading: Wanted turn from facing -y, radians, counter-clockwise from above.
    """
    leans = root_angles(pose.global_orient)[:2]
    return pose.replaced(global_orient=root_orientation(np.array([*leans, heading])))


def leaning_as(pose: BodyPose, source: BodyPose) -> BodyPose:
    """The pose leaning as another does, with its own heading.

    Args:
        pose: The pose to change.
        source: Where the lean comes from.
    """
    leans, heading = root_angles(source.global_orient)[:2], root_angles(pose.global_orient)[2]
    return pose.replaced(global_orient=root_orientation(np.array([*leans, heading])))
