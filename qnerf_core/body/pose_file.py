"""Pose files: JSON with named joints, its convention written into the file, versioned."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from qnerf_core.body.pose import BETA_COUNT, PROPORTIONS, SMPL_JOINTS, BodyPose
from qnerf_core.errors import FileFormatError, PoseFileError
from qnerf_core.files import read_json, write_json

FORMAT = "qnerf-studio-pose"
VERSION = 2
CONVENTION = (
    "SMPL: rest pose is the T-pose, y up, facing +z, the body's left is +x. joints: axis-angle in radians, relative to "
    "the parent joint. global_orient: axis-angle in radians, turns the body into the right-handed world with z up, "
    "about the pelvis at rest; (pi/2, 0, 0) stands upright and faces -y. translation: metres, added last. betas: "
    "shape coefficients. proportions: factors of the body's parts and of its size, 1 is a person's."
)
_MOST_RADIANS = 2 * math.pi + 1e-6


def write_pose(path: Path | str, pose: BodyPose) -> None:
    """Writes a pose so that `read_pose` gives exactly the same numbers.

    Args:
        path: Where to; replaced atomically.
        pose: The pose.

    Raises:
        PoseFileError: A value is not finite.
    """
    arrays = (pose.global_orient, pose.body_pose, pose.betas, pose.translation, pose.proportions)
    if not all(np.isfinite(array).all() for array in arrays):
        raise PoseFileError(f"Cannot write {path}", "the pose holds values that are not finite", "Reset the pose.")
    write_json(path, pose_record(pose))


def pose_record(pose: BodyPose) -> dict[str, Any]:
    """A pose as the JSON object of a pose file, to be kept inside another file.

    Args:
        pose: The pose.
    """
    return {
        "format": FORMAT,
        "version": VERSION,
        "convention": CONVENTION,
        "joints": {name: row.tolist() for name, row in zip(SMPL_JOINTS[1:], pose.body_pose, strict=True)},
        "global_orient": pose.global_orient.tolist(),
        "translation": pose.translation.tolist(),
        "betas": pose.betas.tolist(),
        "proportions": dict(zip(PROPORTIONS, pose.proportions.tolist(), strict=True)),
    }


def read_pose(path: Path | str) -> BodyPose:
    """Reads a pose file.

    Args:
        path: The file.

    Raises:
        PoseFileError: It is missing, not JSON, of another format or a newer version, or a value is missing or wrong;
            the error names the place in the file.
    """
    try:
        content = read_json(path)
    except FileFormatError as error:
        raise PoseFileError(error.title, error.cause, error.next_step) from error
    return parse_pose(content, f"Cannot read the pose {path}")


def parse_pose(content: Any, title: str) -> BodyPose:
    """Reads the JSON object of a pose file.

    Args:
        content: What `pose_record` gave, after a way through JSON.
        title: What fails if it is wrong, for the error.

    Raises:
        PoseFileError: As `read_pose`.
    """
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        found = repr(content.get("format")) if isinstance(content, dict) else f"a {type(content).__name__}"
        raise PoseFileError(
            title, f'it is not a pose file: "format" should be "{FORMAT}", found {found}', "Choose a pose file."
        )
    _check_version(title, content.get("version"))
    joints = content.get("joints")
    if not isinstance(joints, dict):
        raise PoseFileError(title, '"joints" is missing or not an object', "Write the file again from QNeRF Studio.")
    _check_joint_names(title, joints)
    body_pose = [_numbers(title, f'"joints" -> "{name}"', joints[name], 3, rotation=True) for name in SMPL_JOINTS[1:]]
    # Version 1 knew people only.
    usual = content["version"] == 1
    return BodyPose(
        global_orient=_numbers(title, '"global_orient"', content.get("global_orient"), 3, rotation=True),
        body_pose=np.array(body_pose),
        betas=_numbers(title, '"betas"', content.get("betas"), BETA_COUNT),
        translation=_numbers(title, '"translation"', content.get("translation"), 3),
        proportions=np.ones(len(PROPORTIONS)) if usual else _proportions(title, content.get("proportions")),
    )


def _check_version(title: str, version: Any) -> None:
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise PoseFileError(title, f'"version" should be a whole number from 1, found {version!r}', "Correct it.")
    if version > VERSION:
        raise PoseFileError(
            title,
            f"it has version {version}, and this program reads versions up to {VERSION}",
            "Update QNeRF Studio, or save the pose again with an older version.",
        )


def _check_joint_names(title: str, joints: Mapping[str, Any]) -> None:
    unknown = [name for name in joints if name not in SMPL_JOINTS[1:]]
    if unknown:
        raise PoseFileError(
            title,
            f'"joints" has names that SMPL does not know: {", ".join(unknown)}',
            f"Known are: {', '.join(SMPL_JOINTS[1:])}.",
        )
    missing = [name for name in SMPL_JOINTS[1:] if name not in joints]
    if missing:
        raise PoseFileError(title, f'"joints" lacks {", ".join(missing)}', "Add them; [0, 0, 0] is the T-pose.")


def _proportions(title: str, value: Any) -> np.ndarray:
    if not isinstance(value, dict) or sorted(value) != sorted(PROPORTIONS):
        raise PoseFileError(
            title, '"proportions" should name ' + ", ".join(PROPORTIONS), "Correct it; 1 is a person's."
        )
    factors = _numbers(title, '"proportions"', [value[name] for name in PROPORTIONS], len(PROPORTIONS))
    if (factors <= 0).any():
        raise PoseFileError(title, '"proportions" should be factors above 0', "Correct it; 1 is a person's.")
    return factors


def _numbers(title: str, where: str, value: Any, count: int, *, rotation: bool = False) -> np.ndarray:
    def is_number(item: Any) -> bool:
        return isinstance(item, int | float) and not isinstance(item, bool) and -1e9 < item < 1e9

    if not isinstance(value, list) or len(value) != count or not all(is_number(item) for item in value):
        raise PoseFileError(title, f"{where} should be a list of {count} finite numbers", f"Correct {where}.")
    numbers = np.array(value, dtype=np.float64)
    if rotation and float(np.linalg.norm(numbers)) > _MOST_RADIANS:
        raise PoseFileError(
            title,
            f"{where} turns by more than a full circle",
            "Axis-angle vectors are in radians; convert them if they are in degrees.",
        )
    return numbers
