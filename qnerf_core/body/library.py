"""Named poses: those that come with the program and the user's own, and what can be done with two of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import platformdirs
from scipy.spatial.transform import Rotation

from qnerf_core.assets import poses_folder
from qnerf_core.body.pose import SMPL_JOINTS, BodyPose
from qnerf_core.body.pose_file import read_pose, write_pose
from qnerf_core.errors import PoseFileError

_NAME = re.compile(r"[^\W_][\w \-]{0,63}")


def _rows(*names: str) -> tuple[int, ...]:
    return tuple(SMPL_JOINTS.index(name) - 1 for name in names)


def _limb(side: str, *kinds: str) -> tuple[int, ...]:
    return _rows(*(f"{side}_{kind}" for kind in kinds))


_ARM, _LEG = ("collar", "shoulder", "elbow", "wrist", "hand"), ("hip", "knee", "ankle", "foot")

PARTS = MappingProxyType(
    {
        "whole body": tuple(range(23)),
        "trunk": _rows("spine1", "spine2", "spine3"),
        "head": _rows("neck", "head"),
        "arms": _limb("left", *_ARM) + _limb("right", *_ARM),
        "left arm": _limb("left", *_ARM),
        "right arm": _limb("right", *_ARM),
        "legs": _limb("left", *_LEG) + _limb("right", *_LEG),
        "left leg": _limb("left", *_LEG),
        "right leg": _limb("right", *_LEG),
    }
)
"""Parts of the body as rows of `body_pose`."""


def user_poses_folder() -> Path:
    """The folder of the user's own poses; it need not exist."""
    return platformdirs.user_data_path("qnerf-studio", appauthor=False) / "poses"


@dataclass(frozen=True)
class PoseLibrary:
    """Poses as files of two folders; a pose's name is its file's name.

    Attributes:
        builtin: Folder that is only read.
        user: Folder for the user's poses, made when the first is saved.
    """

    builtin: Path
    user: Path

    @classmethod
    def standard(cls) -> PoseLibrary:
        """The program's poses and those of the user who runs it.

        Raises:
            AssetError: The program's poses are missing.
        """
        return cls(poses_folder(), user_poses_folder())

    def names(self) -> list[str]:
        """All names, the built-in first, each group sorted."""
        own = {file.stem for file in self.user.glob("*.json")} if self.user.is_dir() else set()
        builtin = {file.stem for file in self.builtin.glob("*.json")}
        return sorted(builtin) + sorted(own - builtin)

    def is_builtin(self, name: str) -> bool:
        """Whether the pose came with the program, so that it cannot be changed."""
        return self._file(self.builtin, name).is_file()

    def load(self, name: str) -> BodyPose:
        """Reads a pose.

        Args:
            name: One of `names()`.

        Raises:
            PoseFileError: There is none of this name, or its file is bad.
        """
        for folder in (self.builtin, self.user):
            file = self._file(folder, name)
            if file.is_file():
                return read_pose(file)
        known = ", ".join(self.names()) or "none"
        raise PoseFileError(f"There is no pose named {name!r}", f"known are: {known}", "Choose one of them.")

    def save(self, name: str, pose: BodyPose) -> Path:
        """Saves one of the user's poses; one of the same name is replaced.

        Args:
            name: Letters, digits, spaces, - and _; at most 64.
            pose: The pose.

        Returns:
            The file.

        Raises:
            PoseFileError: The name cannot be used or belongs to a built-in pose.
        """
        file = self._file(self.user, name)
        if self.is_builtin(name):
            raise PoseFileError(
                f"Cannot save the pose {name!r}", "a built-in pose has this name", "Choose another name."
            )
        write_pose(file, pose)
        return file

    def delete(self, name: str) -> None:
        """Deletes one of the user's poses.

        Args:
            name: Its name.

        Raises:
            PoseFileError: It is built in, or there is none of this name.
        """
        file = self._file(self.user, name)
        if not file.is_file():
            cause = "it is built in" if self.is_builtin(name) else "there is no such pose"
            raise PoseFileError(f"Cannot delete the pose {name!r}", cause, "Choose one of your own poses.")
        file.unlink()

    @staticmethod
    def _file(folder: Path, name: str) -> Path:
        # The name becomes a file's name: anything that could leave the folder or hide the file is refused.
        if not _NAME.fullmatch(name) or name != name.strip():
            raise PoseFileError(
                f"The pose name {name!r} cannot be used",
                "a name starts with a letter or digit and has letters, digits, spaces, - and _, at most 64",
                "Choose another name.",
            )
        return folder / f"{name}.json"


def apply_part(pose: BodyPose, source: BodyPose, part: str = "whole body") -> BodyPose:
    """Takes the joint rotations of one part of the body from another pose; place, heading and shape stay.

    Args:
        pose: The pose to change.
        source: Where the rotations come from.
        part: A key of `PARTS`.

    Raises:
        ValueError: There is no such part.
    """
    if part not in PARTS:
        raise ValueError(f"{part!r} is no part of the body; the parts are {', '.join(PARTS)}")
    body_pose = pose.body_pose.copy()
    body_pose[list(PARTS[part])] = source.body_pose[list(PARTS[part])]
    return pose.replaced(body_pose=body_pose)


def blend_poses(first: BodyPose, second: BodyPose, weight: float) -> BodyPose:
    """A pose between two, every joint on the shortest way from one to the other.

    Args:
        first: The pose at weight 0; its shape is kept.
        second: The pose at weight 1.
        weight: From 0 to 1.

    Raises:
        ValueError: The weight is outside [0, 1].
    """
    if not 0.0 <= weight <= 1.0:
        raise ValueError(f"the weight must lie within 0 and 1, not {weight}")
    start, end = Rotation.from_matrix(first.rotations), Rotation.from_matrix(second.rotations)
    vectors = (start * Rotation.from_rotvec(weight * (start.inv() * end).as_rotvec())).as_rotvec()
    translation = (1.0 - weight) * first.translation + weight * second.translation
    return first.replaced(global_orient=vectors[0], body_pose=vectors[1:], translation=translation)
