"""Progress, time and memory of a run."""

from __future__ import annotations

import resource
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from qnerf_core.editing.events import Stage, StageProgress
from qnerf_core.editing.intervals import Interval
from qnerf_core.editing.spec import EditSpec

# Expected cost of one view's pass in each stage, in passes of the denoiser with control; measured with the built-in
# model's size. Only the smoothness of the progress bar depends on it.
_COST = {"encoding": 0.5, "inversion": 1.0, "kept": 1.0, "guidance": 2.3, "look-ahead": 1.0, "decoding": 1.0}
_COST_OF_FIT_ITERATION = 0.02
# What a fit does besides its iterations, in iterations.
_REST_OF_FIT = 20


class Bookkeeping:
    """Counts what is done of a run, and the seconds of each stage.

    Attributes:
        seconds: Wall time by stage.
        total: Expected cost of the whole run, in passes of the denoiser for one view.
    """

    def __init__(self, run_id: str, spec: EditSpec, plan: Sequence[Interval], views: int) -> None:
        """Estimate the work.

        Args:
            run_id: The run.
            spec: Its choices.
            plan: Its intervals.
            views: Number of views.
        """
        self._run_id = run_id
        self._spec = spec
        self._plan = tuple(plan)
        self._views = views
        self._done = 0.0
        self.total = self._cost("encoding") + self._cost("inversion") * spec.steps + self._cost("decoding")
        self.total += sum(self.interval_cost(interval) for interval in plan)
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._marked: dict[str, float] = {}

    def skip_to(self, interval: int) -> None:
        """Count everything before an interval as done (resumed runs).

        Args:
            interval: Index of the first interval that is not done.
        """
        self._done = self._cost("encoding") + self._cost("inversion") * self._spec.steps
        self._done += sum(self.interval_cost(done) for done in self._plan[:interval])

    def interval_cost(self, interval: Interval) -> float:
        """Return the expected cost of an interval.

        Args:
            interval: One of the plan.
        """
        soft = 0 if self._spec.hard_injection else len(interval.guided)
        cost = len(interval.kept) * self._cost("kept") + soft * self._cost("guidance")
        cost += len(interval.look_ahead) * self._cost("look-ahead")
        if interval.look_ahead:
            cost += self.fit_cost(interval)
        if self._spec.previews and interval.kept:
            cost += self._cost("decoding")
        return cost

    def fit_cost(self, interval: Interval) -> float:
        """Return the expected cost of the fit that ends an interval.

        Args:
            interval: One with a look-ahead.
        """
        first = next(other for other in self._plan if other.look_ahead) is interval
        iterations = self._spec.qnerf.iterations if first else self._spec.qnerf.warm_iterations
        return self.iteration_cost * (iterations + _REST_OF_FIT)

    @property
    def iteration_cost(self) -> float:
        """The expected cost of one iteration of a fit."""
        return _COST_OF_FIT_ITERATION * self._views

    def advance(
        self, stage: Stage, views_done: int, now: int, *, interval: int | None = None, step: int | None = None
    ) -> StageProgress:
        """Count views that one more step of a stage is done for.

        Args:
            stage: What was done.
            views_done: Views that have this step behind them.
            now: How many of them only just.
            interval: Index of the interval.
            step: Index of the step.
        """
        return self.spent(stage, _COST[stage] * now, views_done, interval=interval, step=step)

    def spent(
        self, stage: Stage, cost: float, views_done: int, *, interval: int | None = None, step: int | None = None
    ) -> StageProgress:
        """Count some cost as done.

        Args:
            stage: What was done.
            cost: How much of the whole.
            views_done: Views that have it behind them.
            interval: Index of the interval.
            step: Index of the step.
        """
        self._done += cost
        fraction = min(self._done / self.total, 1.0)
        return StageProgress(self._run_id, stage, interval, len(self._plan), step, views_done, self._views, fraction)

    @contextmanager
    def timed(self, stage: Stage) -> Iterator[None]:
        """Add the time of a block to a stage.

        Args:
            stage: Which.
        """
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] += time.perf_counter() - started

    def since_last(self) -> dict[str, float]:
        """Return the seconds by stage since the last call."""
        passed = {stage: value - self._marked.get(stage, 0.0) for stage, value in self.seconds.items()}
        self._marked = dict(self.seconds)
        return {stage: value for stage, value in passed.items() if value > 0.0}

    def _cost(self, stage: str) -> float:
        return _COST[stage] * self._views


def peak_memory_mb() -> float:
    """Return the largest resident size of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
