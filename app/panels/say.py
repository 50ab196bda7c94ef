from __future__ import annotations

from app.shell.notices import notice_of, notices
from qnerf_core.errors import StudioError


def say(error: StudioError) -> None:
    """Show an error as a notice."""
    found = notices()
    if found is not None:
        found.post(notice_of(error))
