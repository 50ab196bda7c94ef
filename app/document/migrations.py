"""Old project files are brought up one version at a time; every step is kept for ever."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qnerf_core.errors import FileFormatError

FORMAT = "qnerf-studio-project"
VERSION = 1

_STEPS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}


def migrated(record: Any, title: str) -> dict[str, Any]:
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise FileFormatError(title, "it is not a project file", "Choose the folder of a project.")
    version = record.get("version")
    if not isinstance(version, int) or version < 1:
        raise FileFormatError(title, f"its version is {version!r}", "Choose the folder of a project.")
    if version > VERSION:
        cause = f"it has version {version}, this program reads versions up to {VERSION}"
        raise FileFormatError(title, cause, "Update QNeRF Studio.")
    while version < VERSION:
        record = {**_STEPS[version](record), "version": version + 1}
        version += 1
    return record
