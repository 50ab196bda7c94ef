"""What poses are likely: how far joints of people usually turn from a relaxed pose.

A normal distribution for every coordinate of `body.limits`, joints independent. The widths are round numbers of how
freely joints move in daily life: trunk, collars and wrists little, hips, knees, shoulders and elbows much. Pictures say
where limbs are, so their widths hardly matter; trunk, twists and what is not seen follow the prior.
"""

from __future__ import annotations

import numpy as np

from qnerf_core.body.pose import SMPL_JOINTS

# Degrees about x, y, z, of the left side.
_WIDTHS: dict[str, tuple[float, float, float]] = {
    "spine1": (14, 8, 8),
    "spine2": (10, 8, 8),
    "spine3": (10, 8, 8),
    "neck": (14, 16, 10),
    "head": (12, 16, 8),
    "collar": (5, 9, 10),
    "shoulder": (40, 45, 50),
    "elbow": (25, 50, 4),
    "wrist": (12, 15, 20),
    "hand": (5, 6, 10),
    "hip": (50, 20, 25),
    "knee": (50, 6, 2),
    "ankle": (15, 10, 8),
    "foot": (8, 3, 3),
}
_RELAXED: dict[str, tuple[float, float, float]] = {"shoulder": (0, 0, -50), "elbow": (0, -15, 0), "knee": (5, 0, 0)}


def _table() -> tuple[np.ndarray, np.ndarray]:
    mean, width = np.zeros((23, 3)), np.empty((23, 3))
    for row, name in enumerate(SMPL_JOINTS[1:]):
        kind = name.removeprefix("left_").removeprefix("right_")
        width[row] = np.radians(_WIDTHS[kind])
        mean[row] = np.radians(_RELAXED.get(kind, (0, 0, 0)))
        if name.startswith("right_"):
            mean[row] *= (1, -1, -1)
    for array in (mean, width):
        array.setflags(write=False)
    return mean, width


MEAN, WIDTH = _table()
"""(23, 3) and (23, 3) radians, in the coordinates of `body.limits`, for joints 1 to 23."""
