"""Progress of an edit or a fit: bars on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn

from app.console import messages
from app.job_state import stage_in_words
from app.pace import Pace, left_in_words

if TYPE_CHECKING:
    from qnerf_core.editing.events import Event, FieldFitted, IntervalFinished, RunStarted, StageProgress

_SECONDS_BETWEEN_LINES = 15.0


class _Bar:
    """One bar with a text and the time left; without a terminal, a line every few seconds instead."""

    def __init__(self) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(bar_width=30), TaskProgressColumn())
        self._progress = Progress(*columns, TextColumn("{task.fields[left]}"), console=messages, transient=True)
        self._task: TaskID = self._progress.add_task("starting", total=1.0, left="")
        self._pace = Pace()
        self._last_line = -_SECONDS_BETWEEN_LINES

    def __enter__(self) -> Self:
        if messages.is_terminal:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def move(self, description: str, fraction: float) -> None:
        now = time.monotonic()
        left = left_in_words(self._pace.left(fraction, now))
        if messages.is_terminal:
            self._progress.update(self._task, description=description, completed=fraction, left=left)
        elif now - self._last_line >= _SECONDS_BETWEEN_LINES:
            self._last_line = now
            messages.print(f"{fraction:4.0%}  {description}  {left}".rstrip(), soft_wrap=True)


class EditProgress(_Bar):
    """Shows the events of an edit."""

    def __init__(self) -> None:
        super().__init__()
        self._steps = 0
        self._intervals = 0

    def preparing(self, what: str, done: int, count: int) -> None:
        self.move(f"{what} · view {done + 1}/{count}", 0.0)

    def show(self, event: Event) -> None:
        from qnerf_core.editing import events

        match event:
            case events.RunStarted():
                self._started(event)
            case events.StageProgress():
                self._moved(event)
            case events.InversionFinished():
                messages.print("All views are inverted.")
            case events.FieldFitted():
                self._fitted(event)
            case events.IntervalFinished():
                self._finished(event)
            case _:
                pass

    def _started(self, event: RunStarted) -> None:
        self._steps, self._intervals = len(event.timesteps), len(event.intervals)
        height, width = event.image_size
        messages.print(
            f"{len(event.views)} views of {event.spec.scene} at {width}x{height}, edit {event.spec.edit}, method "
            f"{event.spec.method}: {self._steps} steps in {self._intervals} intervals.",
            soft_wrap=True,
        )
        if event.first_interval:
            messages.print(f"Going on from interval {event.first_interval + 1}.")

    def _moved(self, event: StageProgress) -> None:
        parts: list[str] = [event.stage]
        if event.interval is not None:
            parts.append(f"interval {event.interval + 1}/{event.intervals}")
        if event.step is not None:
            parts.append(f"step {event.step + 1}/{self._steps}")
        parts.append(f"view {event.views_done}/{event.views}")
        self.move(" · ".join(parts), event.fraction)

    def _fitted(self, event: FieldFitted) -> None:
        if not event.disagreement:
            return
        count = len(event.disagreement)
        before, after = sum(event.disagreement) / count, sum(event.rendered_disagreement) / count
        messages.print(
            f"Interval {event.interval + 1}/{self._intervals}: QNeRF in {event.seconds:.1f} s, query disagreement "
            f"{before:.3f}, rendered {after:.3f}",
            soft_wrap=True,
        )

    def _finished(self, event: IntervalFinished) -> None:
        messages.print(
            f"Interval {event.interval + 1}/{self._intervals} is saved, {event.steps_done}/{self._steps} steps."
        )


class ResultProgress(_Bar):
    """Shows the parts of an export or a fit, one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self._part = ""

    def show(self, part: str, fraction: float, detail: str) -> None:
        if part != self._part:
            self._part, self._pace = part, Pace()
        what = stage_in_words({"stage": part})
        self.move(f"{what} · {detail}" if detail else what, fraction)

    def share(self, stage: str, fraction: float) -> None:
        """Of a stage that only knows how far it is."""
        self.show(stage, fraction, "")

    def count(self, stage: str, done: int, total: int) -> None:
        """Of a stage that counts its steps."""
        self.show(stage, done / max(total, 1), f"{done}/{total}")
