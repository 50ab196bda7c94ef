"""The plan of an edit: which steps are kept, which are guided, where the look-ahead goes (method.md 1.6)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """One interval: steps that are kept, then a look-ahead that is thrown away.

    Steps count from 0 (noise) to steps - 1; step i takes the latents from level i to level i + 1.

    Attributes:
        index: Position in the plan.
        start: First kept step.
        stop: One past the last kept step; the latents at this level are cached, and the next interval starts there.
        guided: Kept steps that are guided by the QNeRF of an earlier interval, a part of start..stop.
        look_ahead: Unguided steps from the cached latents on, made only to record queries; empty if there is no fit.
            At the last of them the queries of all views are recorded and the next QNeRF is fitted to them.
    """

    index: int
    start: int
    stop: int
    guided: range
    look_ahead: range

    @property
    def kept(self) -> range:
        """All kept steps."""
        return range(self.start, self.stop)

    @property
    def record_step(self) -> int | None:
        """The step whose queries are recorded, None without a fit."""
        return self.look_ahead[-1] if self.look_ahead else None


def plan_intervals(
    steps: int, tau: int, stop_step: int, *, consolidate: bool = True, progressive: bool = True
) -> tuple[Interval, ...]:
    """Cut the denoising into intervals (paper: "the zipper"; method.md 1.6).

    Each interval keeps tau steps, guided by the QNeRF of the interval before it, then looks tau steps ahead without
    guidance, fits the next QNeRF to the queries of the last of these steps, and rewinds to where the kept steps ended.
    There is no look-ahead that would reach beyond `stop_step`, and no step from there on is guided.

    Not progressive (ablation): one look-ahead over everything that will be guided, from the very start to `stop_step`,
    one fit, rewind to the start, and that QNeRF guides all steps before `stop_step`. As in the progressive plan the
    queries are recorded at the last level that they will guide.

    Args:
        steps: Number of DDIM steps.
        tau: Kept steps per interval (half the interval's length).
        stop_step: Number of steps after which nothing is guided, at most `steps`.
        consolidate: False plans no look-ahead and no guidance (every view alone).
        progressive: False for the ablation.

    Returns:
        The intervals; their kept steps are all steps, once each, in order.

    Raises:
        ValueError: A number is out of range.
    """
    if steps < 1 or tau < 1 or not 0 <= stop_step <= steps:
        raise ValueError(f"steps {steps}, tau {tau} and stop step {stop_step} make no plan")
    intervals: list[Interval] = []
    has_field = False
    if consolidate and not progressive and stop_step > 0:
        intervals.append(Interval(0, 0, 0, range(0), range(stop_step)))
        has_field = True
    for start in range(0, steps, tau):
        stop = min(start + tau, steps)
        guided = range(start, max(start, min(stop, stop_step))) if has_field else range(0)
        look_ahead = range(0)
        if consolidate and progressive and stop + tau <= stop_step:
            look_ahead = range(stop, stop + tau)
            has_field = True
        intervals.append(Interval(len(intervals), start, stop, guided, look_ahead))
    return tuple(intervals)
