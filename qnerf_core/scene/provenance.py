"""Where a capture comes from, if it is a set of edited pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qnerf_core import files
from qnerf_core.scene.nerfstudio import FILE_NAME


def read_provenance(folder: Path | str) -> dict[str, Any] | None:
    """The provenance of an edited set, None for any other capture.

    Args:
        folder: Holds a ``transforms.json``.

    Raises:
        FileFormatError: The file is missing or not JSON.
    """
    content = files.read_json(Path(folder) / FILE_NAME)
    own = content.get("qnerf") if isinstance(content, dict) else None
    found = own.get("provenance") if isinstance(own, dict) else None
    return found if isinstance(found, dict) else None
