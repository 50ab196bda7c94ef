"""Random poses for training pictures: natural ones mostly, wide ones too, so that the model obeys any skeleton."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from qnerf_core.body.pose import SMPL_JOINTS, UPRIGHT_FACING_CAMERA, BodyPose

_INDEX = {name: index - 1 for index, name in enumerate(SMPL_JOINTS)}


def random_pose(generator: np.random.Generator) -> BodyPose:
    """Draws a pose, turned about the vertical axis; shape and height above the floor are the caller's."""
    body = np.zeros((23, 3))
    mirrored = generator.random() < 0.35
    arm = _arm(generator)
    leg = _leg(generator)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        if side == "right" and not mirrored:
            arm, leg = _arm(generator), _leg(generator)
        flip = np.array([1.0, sign, sign])
        for name, vector in {**arm, **leg}.items():
            body[_INDEX[f"{side}_{name}"]] = vector * flip
    body[_INDEX["spine1"]] = generator.normal(0.0, 0.08, 3)
    body[_INDEX["spine2"]] = generator.normal(0.0, 0.08, 3)
    body[_INDEX["neck"]] = generator.normal(0.0, 0.12, 3)
    body[_INDEX["head"]] = generator.normal(0.0, [0.1, 0.25, 0.08])
    yaw = Rotation.from_rotvec([0.0, 0.0, generator.uniform(-np.pi, np.pi)])
    lean = Rotation.from_rotvec(generator.normal(0.0, 0.05, 3))
    orient = (yaw * Rotation.from_rotvec(UPRIGHT_FACING_CAMERA) * lean).as_rotvec()
    place = np.append(generator.normal(0.0, 0.08, 2), 0.0)
    return BodyPose(orient, body, np.zeros(10), place)


def _arm(generator: np.random.Generator) -> dict[str, np.ndarray]:
    """Left-side joint vectors: hanging, raised or anywhere, with a bent elbow or a straight one."""
    lift = generator.choice(
        [generator.uniform(-85, -60), generator.uniform(-85, 85), generator.uniform(40, 85)], p=[0.35, 0.4, 0.25]
    )
    swing = generator.uniform(-70, 25) if generator.random() < 0.6 else generator.normal(0, 8)
    twist = generator.normal(0, 25)
    # From the T-pose: twist about the arm, swing it forward (negative about y), lift it (about z).
    shoulder = Rotation.from_euler("xyz", [twist, swing * np.cos(np.radians(lift)), lift], degrees=True)
    bend = generator.uniform(0, 130) if generator.random() < 0.5 else generator.uniform(0, 20)
    return {
        "shoulder": shoulder.as_rotvec(),
        "elbow": np.array([0.0, -np.radians(bend), 0.0]),
        "wrist": generator.normal(0.0, 0.1, 3),
    }


def _leg(generator: np.random.Generator) -> dict[str, np.ndarray]:
    """Left-side joint vectors: standing, stepping or kicking."""
    kind = generator.choice(["stand", "step", "lift"], p=[0.5, 0.3, 0.2])
    spread = np.radians(generator.uniform(0, 32) if generator.random() < 0.5 else generator.uniform(0, 8))
    if kind == "stand":
        flexion, knee = generator.normal(0, 4), abs(generator.normal(0, 4))
    elif kind == "step":
        flexion, knee = generator.uniform(-25, 45), generator.uniform(0, 50)
    else:
        flexion, knee = generator.uniform(40, 95), generator.uniform(0, 100)
    return {
        "hip": Rotation.from_euler("xyz", [-np.radians(flexion), generator.normal(0, 0.1), spread]).as_rotvec(),
        "knee": np.array([np.radians(knee), 0.0, 0.0]),
        "ankle": np.array([generator.normal(0.0, 0.1), 0.0, 0.0]),
    }
