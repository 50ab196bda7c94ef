"""What the commands share: messages, results, Ctrl-C."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Event
from types import FrameType
from typing import Any

from rich.console import Console
from rich.text import Text

from qnerf_core.errors import StudioError

USER_ERROR = 2
CANCELLED = 130

# Results go to stdout, everything said on the way to stderr, so that a script can read the former.
messages = Console(stderr=True, highlight=False)
results = Console(highlight=False)


def print_error(error: StudioError) -> None:
    messages.print(Text(error.title, style="bold red"), soft_wrap=True)
    if error.cause:
        messages.print(Text(f"  why:  {error.cause}"), soft_wrap=True)
    if error.next_step:
        messages.print(Text(f"  next: {error.next_step}"), soft_wrap=True)


def print_json(content: Mapping[str, Any]) -> None:
    print(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False))


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Ctrl-C asks to stop (the yielded function then says so); a second Ctrl-C stops at once."""
    asked = Event()

    def ask(number: int, frame: FrameType | None) -> None:
        if asked.is_set():
            signal.default_int_handler(number, frame)
        asked.set()
        messages.print("Stopping after this step ... (Ctrl-C again: at once)")

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, before)
