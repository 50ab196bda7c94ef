"""Old project files are brought up one version at a time; every step is kept for ever."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qnerf_core.errors import FileFormatError, StudioError

FORMAT = "qnerf-studio-project"
VERSION = 3


def _control_of_its_own(record: dict[str, Any]) -> dict[str, Any]:
    """Version 2 keeps what shapes the subject in one place, since it is not a body in every capture."""
    record = dict(record)
    poses = {name: record.pop(f"{name}_pose") for name in ("source", "target")}
    control = {"kind": "skeleton", **poses, "pinned": record.pop("pinned")}
    return {**record, "control": control}


def _room_for_proxies(record: dict[str, Any]) -> dict[str, Any]:
    """Version 3 keeps the proxies of a capture that is shaped by them; earlier ones could not change them."""
    return {**record, "control": {**record["control"], "proxies": None}}


_STEPS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _control_of_its_own, 2: _room_for_proxies}


class NewerProjectError(StudioError):
    """A later version of the program wrote it."""


def migrated(record: Any, title: str) -> dict[str, Any]:
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise FileFormatError(title, "it is not a project file", "Choose the folder of a project.")
    version = record.get("version")
    if not isinstance(version, int) or version < 1:
        raise FileFormatError(title, f"its version is {version!r}", "Choose the folder of a project.")
    if version > VERSION:
        cause = f"it has version {version}, this program reads versions up to {VERSION}"
        raise NewerProjectError(title, cause, "Update QNeRF Studio.")
    try:
        while version < VERSION:
            record = {**_STEPS[version](record), "version": version + 1}
            version += 1
    except (KeyError, TypeError) as error:
        raise FileFormatError(title, f"it is incomplete ({error!r})", "Restore it from a copy.") from error
    return record
