from __future__ import annotations

import time
from collections import deque

_WINDOW_S = 2.0
_SAME_BURST_S = 1.0


class FrameMeter:
    """Frames a second while something moves, and the milliseconds that one takes."""

    def __init__(self) -> None:
        self._frames: deque[tuple[float, float]] = deque()
        self._text = ""
        self._said = 0.0

    def add(self, milliseconds: float) -> None:
        now = time.perf_counter()
        if self._frames and now - self._frames[-1][0] > _SAME_BURST_S:
            self._frames.clear()
        self._frames.append((now, milliseconds))
        while now - self._frames[0][0] > _WINDOW_S:
            self._frames.popleft()

    @property
    def frames_per_second(self) -> float:
        if len(self._frames) < 2:
            return 0.0
        return (len(self._frames) - 1) / max(self._frames[-1][0] - self._frames[0][0], 1e-6)

    @property
    def text(self) -> str:
        """Of the last movement; changes twice a second, so that it can be read."""
        now = time.perf_counter()
        if len(self._frames) > 2 and now - self._said > 0.5:
            self._said = now
            mean = sum(spent for _, spent in self._frames) / len(self._frames)
            self._text = f"{self.frames_per_second:.0f} fps  ·  {mean:.1f} ms a frame"
        return self._text
