"""Proportions of subjects that are not built like people: toys, statues, drawn figures.

Each part of the body is stretched along the axes of the T-pose: limbs along their bone, the trunk in height and in the
width of hips and shoulders, head, hands and feet in all directions. `size` scales the whole, for captures whose unit is
not the metre. All are factors; ones are the body that SMPL's betas describe.

The rest body is stretched, before it is posed: joint c with parent p goes to J'c = J'p + Sp (Jc - Jp), and a vertex
follows by its skinning weights, sum_j w_j (J'j + Sj (v - Jj)), so that parts blend where limbs bend.
"""

from __future__ import annotations

import numpy as np

from qnerf_core.body.pose import PROPORTIONS, SMPL_JOINTS, SMPL_PARENTS

# Factors along x, y, z of what a joint carries; "" keeps its size.
_ALONG: dict[str, tuple[str, str, str]] = {
    "pelvis": ("hips", "torso", ""),
    "spine1": ("hips", "torso", ""),
    "spine2": ("", "torso", ""),
    "spine3": ("shoulders", "torso", ""),
    "neck": ("", "neck", ""),
    "head": ("head", "head", "head"),
    "collar": ("shoulders", "", ""),
    "shoulder": ("upper_arms", "", ""),
    "elbow": ("forearms", "", ""),
    "wrist": ("hands", "hands", "hands"),
    "hand": ("hands", "hands", "hands"),
    "hip": ("", "thighs", ""),
    "knee": ("", "shins", ""),
    "ankle": ("feet", "feet", "feet"),
    "foot": ("feet", "feet", "feet"),
}
_ONE = len(PROPORTIONS)


def _table() -> np.ndarray:
    rows = [_ALONG[name.removeprefix("left_").removeprefix("right_")] for name in SMPL_JOINTS]
    return np.array([[PROPORTIONS.index(name) if name else _ONE for name in row] for row in rows])


_FACTOR_OF = _table()


def stretches(proportions: np.ndarray) -> np.ndarray:
    """How much each joint's part is stretched along x, y, z of the T-pose, without the size.

    Args:
        proportions: (..., 12) factors in the order of `PROPORTIONS`.

    Returns:
        (..., 24, 3).
    """
    padded = np.concatenate([proportions, np.ones((*proportions.shape[:-1], 1))], axis=-1)
    return padded[..., _FACTOR_OF]


def stretched_joints(joints: np.ndarray, proportions: np.ndarray) -> np.ndarray:
    """Rest joints with other proportions, in their true size.

    Args:
        joints: (..., 24, 3) rest joints, metres.
        proportions: (..., 12).

    Returns:
        (..., 24, 3); the pelvis is scaled about the origin.
    """
    factors = stretches(proportions)
    result = np.empty(np.broadcast_shapes(joints.shape, factors.shape))
    result[..., 0, :] = joints[..., 0, :]
    for joint in range(1, 24):
        parent = SMPL_PARENTS[joint]
        offset = joints[..., joint, :] - joints[..., parent, :]
        result[..., joint, :] = result[..., parent, :] + factors[..., parent, :] * offset
    return result * proportions[..., :1, None]


def stretched_vertices(
    vertices: np.ndarray, joints: np.ndarray, weights: np.ndarray, proportions: np.ndarray
) -> np.ndarray:
    """Rest vertices with other proportions, in their true size.

    Args:
        vertices: (..., V, 3) at rest, metres.
        joints: (..., 24, 3) rest joints they belong to.
        weights: (V, 24) skinning weights.
        proportions: (..., 12).

    Returns:
        (..., V, 3).
    """
    size = proportions[..., :1, None]
    factors = stretches(proportions)
    shifts = stretched_joints(joints, proportions) / size - factors * joints
    return ((weights @ factors) * vertices + weights @ shifts) * size
