"""What the angles of a joint and the shapes of the built-in body are called."""

from __future__ import annotations

from qnerf_core.body.pose import SMPL_JOINTS

# About the axes x, y, z in the convention of `qnerf_core.body.limits`.
_ANGLES: dict[str, tuple[str, str, str]] = {
    "pelvis": ("Lean forward", "Lean left", "Turn"),
    "spine": ("Bend", "Twist", "Lean"),
    "neck": ("Nod", "Turn", "Tilt"),
    "head": ("Nod", "Turn", "Tilt"),
    "hip": ("Swing", "Twist", "Spread"),
    "knee": ("Bend", "Twist", "Sideways"),
    "ankle": ("Flex", "Twist", "Roll"),
    "foot": ("Toes", "Twist", "Sideways"),
    "collar": ("Twist", "Forward", "Shrug"),
    "shoulder": ("Twist", "Forward", "Raise"),
    "elbow": ("Twist", "Bend", "Sideways"),
    "wrist": ("Twist", "Sideways", "Flex"),
    "hand": ("Twist", "Sideways", "Curl"),
}

GROUPS: tuple[tuple[str, ...], ...] = (
    ("pelvis", "spine1", "spine2", "spine3"),
    ("neck", "head"),
    *(
        tuple(f"{side}_{kind}" for kind in kinds)
        for kinds in (("collar", "shoulder", "elbow", "wrist", "hand"), ("hip", "knee", "ankle", "foot"))
        for side in ("left", "right")
    ),
)
"""The joints in the order people think of them, a group a limb."""
assert sorted(joint for group in GROUPS for joint in group) == sorted(SMPL_JOINTS)

SHAPES: tuple[tuple[str, float, str], ...] = (
    ("Height", 1.0, "Taller or shorter, all over."),
    ("Weight", -1.0, "Heavier or slimmer; the height stays."),
    ("Hips", 1.0, "Wider hips and narrower shoulders, or the other way round."),
    ("Chest", 1.0, "A larger chest and a longer trunk, or a smaller one and longer legs."),
)
"""Name, sign and effect of the shapes that a person can name; the coefficients are `SHAPE_BETAS`."""
SHAPE_BETAS = (0, 3, 1, 2)


def angle_names(joint: str) -> tuple[str, str, str]:
    kind = joint.removeprefix("left_").removeprefix("right_").rstrip("123")
    return _ANGLES[kind]
