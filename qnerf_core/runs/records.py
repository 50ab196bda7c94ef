"""Events as lines of JSON, and the log they make."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

if TYPE_CHECKING:
    from qnerf_core.editing.events import Event


def event_to_record(event: Event, time: float) -> dict[str, Any]:
    """One event as JSON: its type, its time, its small fields; of a tensor only the shape.

    Args:
        event: The event.
        time: Seconds since the epoch.

    Returns:
        What `json` can serialise; numbers that are not finite become None.
    """
    content = {field.name: jsonable(getattr(event, field.name)) for field in fields(event)}
    return {"event": type(event).__name__, "time": time, **content}


def jsonable(value: Any) -> Any:
    """A value made of what JSON has; tensors become {"shape": [...]}, numbers that are not finite None."""
    if hasattr(value, "shape"):
        return {"shape": list(value.shape)}
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, range):
        return [value.start, value.stop]
    if isinstance(value, (list, tuple)):
        return [jsonable(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if hasattr(value, "__dataclass_fields__"):
        return {field.name: jsonable(getattr(value, field.name)) for field in fields(value)}
    return value


class EventLog:
    """`events.jsonl`: appended to, flushed after every line; a torn last line is cut off on opening."""

    def __init__(self, path: Path) -> None:
        self._path = path
        if path.exists():
            content = path.read_bytes()
            complete = content.rfind(b"\n") + 1
            if complete < len(content):
                with path.open("rb+") as file:
                    file.truncate(complete)

    def append(self, record: Mapping[str, Any], *, durable: bool) -> None:
        """Add a line; ``durable`` also waits until it is on the disk."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n")
            file.flush()
            if durable:
                os.fsync(file.fileno())


def read_records(path: Path) -> Iterator[dict[str, Any]]:
    """The complete lines of a log; a torn last line is left out."""
    if not path.exists():
        return
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.endswith("\n"):
                yield json.loads(line)
