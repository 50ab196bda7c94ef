"""What a person says about a run: a title, a star, a note. Kept in the run's folder, changes nothing of the run."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from qnerf_core import files
from qnerf_core.errors import FileFormatError

LABEL_FILE = "label.json"
VERSION = 1


class RunLabel(BaseModel):
    """A person's words about a run.

    Attributes:
        version: Of the file's format.
        title: Instead of the folder's name; empty for none.
        starred: Worth keeping.
        note: Anything.
    """

    model_config = ConfigDict(frozen=True)

    version: int = VERSION
    title: str = ""
    starred: bool = False
    note: str = ""


def read_label(run: Path | str) -> RunLabel:
    """Read a run's label; a run without one, or with a damaged one, has the empty label.

    Args:
        run: The run's folder.
    """
    try:
        return RunLabel.model_validate(files.read_json(Path(run) / LABEL_FILE))
    except (FileFormatError, ValidationError):
        return RunLabel()


def write_label(run: Path | str, label: RunLabel) -> None:
    """Write a run's label, atomically.

    Args:
        run: The run's folder.
        label: What to say.
    """
    files.write_json(Path(run) / LABEL_FILE, label.model_dump(mode="json"))
