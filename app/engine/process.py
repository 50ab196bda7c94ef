"""The window's end of a child process."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

_ROOT = Path(__file__).resolve().parents[2]
_LAST_LINES = 60

log = logging.getLogger("qnerf.engine")


class EngineProcess:
    """One child. What it prints to stderr goes to the log, the last lines are kept for when it dies."""

    def __init__(self, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-X", "faulthandler", "-m", "app.engine", *arguments],
            cwd=_ROOT,
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._lock = threading.Lock()
        self._words: deque[str] = deque(maxlen=_LAST_LINES)
        self._all_heard = threading.Event()
        threading.Thread(target=self._listen, args=(self._pipe("stderr"),), name="engine words", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def send(self, message: Mapping[str, Any]) -> bool:
        """False if the child is gone."""
        line = json.dumps(message, ensure_ascii=False, allow_nan=False) + "\n"
        with self._lock:
            try:
                self._pipe("stdin").write(line.encode())
                self._pipe("stdin").flush()
            except (OSError, ValueError):
                return False
        return True

    def messages(self) -> Iterator[dict[str, Any]]:
        """What the child says, until it is gone."""
        for line in self._pipe("stdout"):
            try:
                yield json.loads(line)
            except ValueError:
                # A line torn by the child's death.
                continue

    def kill(self) -> None:
        self._process.kill()

    def hang_up(self) -> None:
        """Say no more, upon which it stops what it does and ends."""
        with self._lock:
            try:
                self._pipe("stdin").close()
            except OSError:
                log.debug("the engine was gone already")

    def close(self, timeout: float) -> None:
        """Let it end by itself, or kill it. Nobody may be listening to its messages any more."""
        self.hang_up()
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._reap()

    def obituary(self) -> tuple[str, str]:
        """Why it ended, and its last words; after its messages came to an end."""
        self.hang_up()
        code = self._reap()
        words = "\n".join(self._words)
        if code == -9:
            return "it was killed, perhaps because the memory was full", words
        if code < 0:
            return f"it crashed (signal {-code})", words
        last = self._words[-1].strip() if self._words else ""
        return (last or f"it ended with code {code}"), words

    def _reap(self) -> int:
        code = self._process.wait()
        # Joining the listener would make Python count the caller's QThread among its own, for good.
        self._all_heard.wait(1.0)
        self._pipe("stdout").close()
        return code

    def _pipe(self, name: str) -> IO[bytes]:
        pipe: IO[bytes] | None = getattr(self._process, name)
        assert pipe is not None
        return pipe

    def _listen(self, pipe: IO[bytes]) -> None:
        with pipe:
            for line in pipe:
                text = line.decode(errors="replace").rstrip()
                self._words.append(text)
                log.info(text)
        self._all_heard.set()


def _environment() -> dict[str, str]:
    environment = dict(os.environ)
    # Runs are bit-equal for one number of threads; threads that wait do not spin, which leaves the window its share.
    environment.setdefault("OMP_NUM_THREADS", str(os.cpu_count() or 1))
    environment.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    environment["PYTHONUNBUFFERED"] = "1"
    environment["PYTHONPATH"] = os.pathsep.join(part for part in (str(_ROOT), os.environ.get("PYTHONPATH", "")) if part)
    return environment
