"""Where the pictures of an edited set come from, in words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def origin_in_words(provenance: Mapping[str, Any]) -> str:
    """What was edited to what, the earliest first: "person, edited to raise-arms, interval 2, edited to kick"."""
    spec, source, interval = (provenance.get(key) for key in ("spec", "source", "interval"))
    if not isinstance(spec, Mapping):
        return "an edited set"
    edit = Path(str(spec.get("edit", "")))
    start = origin_in_words(source) if isinstance(source, Mapping) else Path(str(spec.get("scene", ""))).name
    words = [start, f"edited to {'an own pose' if edit.suffix else edit.name}"]
    if isinstance(interval, int):
        words.append(f"interval {interval + 1}")
    return ", ".join(words)
