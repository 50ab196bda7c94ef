"""Where a capture comes from, if it is a set of edited pictures or the prepared copy of another capture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from qnerf_core import files
from qnerf_core.scene.nerfstudio import FILE_NAME


def read_provenance(folder: Path | str) -> dict[str, Any] | None:
    """The provenance of an edited set, None for any other capture.

    Args:
        folder: Holds a ``transforms.json``.

    Raises:
        FileFormatError: The file is missing or not JSON.
    """
    return _own_entry(folder, "provenance")


def read_origin(folder: Path | str) -> dict[str, Any] | None:
    """What the capture was of which a folder is the prepared copy, None for any other folder.

    Args:
        folder: Holds a ``transforms.json``, or nothing that is known.

    Raises:
        FileFormatError: The file is not JSON.
    """
    return _own_entry(folder, "origin") if (Path(folder) / FILE_NAME).is_file() else None


def is_framed(origin: Mapping[str, Any]) -> bool:
    """Tell whether a prepared copy stands upright on z = 0 with its subject over the origin.

    Args:
        origin: Of `read_origin`.
    """
    return not np.array_equal(np.array(origin["frame"]), np.eye(4))


def _own_entry(folder: Path | str, key: str) -> dict[str, Any] | None:
    content = files.read_json(Path(folder) / FILE_NAME)
    own = content.get("qnerf") if isinstance(content, dict) else None
    found = own.get(key) if isinstance(own, dict) else None
    return found if isinstance(found, dict) else None
