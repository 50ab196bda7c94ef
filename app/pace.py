"""How long something still takes, from how fast it went."""

from __future__ import annotations

_LEAST_SHARE, _LEAST_SECONDS = 0.01, 2.0


class Pace:
    """Counts from the first share it is told, since a resumed run begins somewhere in the middle."""

    def __init__(self) -> None:
        self._began: tuple[float, float] | None = None

    def left(self, fraction: float, now: float) -> float | None:
        """Seconds; None as long as that would be a guess."""
        if self._began is None or fraction <= 0.0:
            self._began = now, fraction
        began, first = self._began
        elapsed, done = now - began, fraction - first
        if done < _LEAST_SHARE or elapsed < _LEAST_SECONDS:
            return None
        return elapsed * (1.0 - fraction) / done


def left_in_words(seconds: float | None) -> str:
    return "" if seconds is None else f"{duration_in_words(seconds)} left"


def duration_in_words(seconds: float) -> str:
    if seconds >= 5400:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
