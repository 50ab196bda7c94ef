from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from qnerf_core.editing.spec import EditSpec

StopKind = Literal["original", "interval", "result"]
StopState = Literal["finished", "running", "planned", "stopped"]


class Picture(NamedTuple):
    """A file and when it was written, so that a picture made anew is read anew."""

    path: Path
    stamp: int


@dataclass(frozen=True)
class Fit:
    """One QNeRF: its loss over the iterations and, per query layer, the views' disagreement before and after."""

    losses: tuple[float, ...]
    recorded: tuple[float, ...]
    rendered: tuple[float, ...]
    errors: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Stop:
    """A place of the scrubber: the originals, an interval, or the result."""

    kind: StopKind
    state: StopState
    pictures: Mapping[str, Picture] = field(default_factory=dict)
    interval: int | None = None
    steps: tuple[int, int] = (0, 0)
    guided: bool = False
    fraction: float = 0.0
    disagreement: tuple[float, ...] = ()
    guidance_loss: float | None = None
    seconds: float | None = None
    maps: Picture | None = None
    fit: Fit | None = None

    @property
    def short(self) -> str:
        return {"original": "Original", "result": "Result"}.get(self.kind, str((self.interval or 0) + 1))

    @property
    def title(self) -> str:
        return f"Interval {self.short}" if self.kind == "interval" else self.short

    @property
    def has_pictures(self) -> bool:
        return bool(self.pictures)


@dataclass(frozen=True, eq=False)
class RunState:
    """All that the gallery shows of a run, as it was when it was read. `problem` says why a run cannot be read."""

    path: Path
    title: str = ""
    spec: EditSpec | None = None
    status: str = ""
    views: tuple[str, ...] = ()
    size: tuple[int, int] = (1, 1)
    stops: tuple[Stop, ...] = ()
    truth: Mapping[str, Picture] = field(default_factory=dict)
    query_layers: tuple[str, ...] = ()
    query_shapes: tuple[tuple[int, int, int], ...] = ()
    activity: str = ""
    fraction: float = 0.0
    problem: str = ""

    @property
    def interval_count(self) -> int:
        return sum(stop.kind == "interval" for stop in self.stops)

    @property
    def newest(self) -> int:
        """The last stop that has pictures."""
        return max((index for index, stop in enumerate(self.stops) if stop.has_pictures), default=0)

    def picture(self, stop: int, view: str) -> Picture | None:
        return self.stops[stop].pictures.get(view) if 0 <= stop < len(self.stops) else None

    def stop_of_interval(self, interval: int) -> int:
        for index, stop in enumerate(self.stops):
            if stop.interval == interval:
                return index
        return 0

    def stop_like(self, other: Stop, of: RunState) -> int | None:
        """The stop of this run that is as far as a stop of another run."""
        if other.kind != "interval":
            return next((index for index, stop in enumerate(self.stops) if stop.kind == other.kind), None)
        share = other.steps[1] / max(1, of.step_count)
        distances = [
            (abs(stop.steps[1] / max(1, self.step_count) - share), index)
            for index, stop in enumerate(self.stops)
            if stop.kind == "interval"
        ]
        return min(distances)[1] if distances else None

    @property
    def step_count(self) -> int:
        return max((stop.steps[1] for stop in self.stops), default=0)
