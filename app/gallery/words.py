from __future__ import annotations

from math import isfinite

from app.gallery.run_state import RunState, Stop


def mean(values: tuple[float, ...]) -> float | None:
    known = [value for value in values if isfinite(value)]
    return sum(known) / len(known) if known else None


def describe(stop: Stop, state: RunState) -> str:
    """A stop in one line."""
    if stop.kind == "original":
        return f"Original pictures, {len(state.views)} views"
    if stop.kind == "result":
        return "Result" if stop.state == "finished" else f"Result, {_state_word(stop)}"
    return "   ".join([f"Interval {stop.short} of {state.interval_count}", *figures(stop, state)])


def figures(stop: Stop, state: RunState) -> list[str]:
    first, last = stop.steps[0] + 1, stop.steps[1]
    parts = [
        f"step {last} of {state.step_count}" if first >= last else f"steps {first} to {last} of {state.step_count}"
    ]
    if stop.state != "finished":
        return [*parts, _state_word(stop)]
    parts.append("guided" if stop.guided else "not guided")
    if (value := mean(stop.disagreement)) is not None:
        parts.append(f"disagreement {value:.3f}")
    if stop.guidance_loss is not None:
        parts.append(f"guidance loss {stop.guidance_loss:.2f}")
    if stop.seconds:
        parts.append(f"{stop.seconds:.0f} s")
    return parts


def _state_word(stop: Stop) -> str:
    if stop.state == "running":
        return f"in work, {stop.fraction:.0%}"
    return {"planned": "not made yet", "stopped": "stopped here"}.get(stop.state, stop.state)
