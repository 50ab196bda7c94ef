"""The child's end: events to stdout, requests from stdin, each read at once whatever is being computed."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any


class Channel:
    def __init__(self) -> None:
        # Libraries print to stdout; their text must not get between the events.
        self._out = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        self._lock = threading.Lock()

    def send(self, message: Mapping[str, Any]) -> None:
        line = (json.dumps(message, ensure_ascii=False, allow_nan=False) + "\n").encode()
        with self._lock:
            try:
                self._out.write(line)
            except BrokenPipeError:
                # The window is gone; what is finished is on the disk.
                os._exit(0)

    def listen(self, on_message: Callable[[dict[str, Any]], None], on_end: Callable[[], None]) -> None:
        def read() -> None:
            for line in sys.stdin.buffer:
                on_message(json.loads(line))
            on_end()

        threading.Thread(target=read, name="requests", daemon=True).start()
