"""What can be wrong with a capture, as data that is listed instead of raised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from qnerf_core.errors import CaptureError

Severity = Literal["error", "warning"]
RepairKind = Literal["skip", "orthonormalise", "model", "recentre"]


@dataclass(frozen=True)
class Repair:
    """What this program can do about a problem; the capture's files stay as they are.

    Attributes:
        kind: "skip" leaves frames out, "orthonormalise" takes scale and shear out of poses, "model" takes one of
            several sparse models, "recentre" stands the scene upright on its floor, at the size of a person.
        value: The frame, or the model.
    """

    kind: RepairKind
    value: str = ""

    @property
    def label(self) -> str:
        """What a button says."""
        texts = {
            "skip": f"Skip {self.value}",
            "orthonormalise": "Correct the rotations",
            "model": f"Use model {self.value}",
            "recentre": "Re-centre and scale",
        }
        return texts[self.kind]


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a capture.

    Attributes:
        severity: "error" = the capture cannot be used; "warning" = it can, but the result may suffer.
        where: The file, frame or key.
        what: What is wrong.
        next_step: What to do about it.
        repair: What this program can do about it itself.
    """

    severity: Severity
    where: str
    what: str
    next_step: str
    repair: Repair | None = None

    def __str__(self) -> str:
        return f"{self.severity}: {self.where}: {self.what}. {self.next_step}"


@dataclass(frozen=True)
class CaptureReport:
    """Everything found wrong with a capture.

    Attributes:
        problems: All of them, in the order of the file.
        kind: Which reader understood it, in its own word; empty if none did.
        views: How many frames have a camera.
        points: How many sparse points there are.
        models: Names of the sparse models there are to choose from, the chosen one first.
    """

    problems: tuple[Problem, ...]
    kind: str = ""
    views: int = 0
    points: int = 0
    models: tuple[str, ...] = ()

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that make the capture unusable."""
        return tuple(problem for problem in self.problems if problem.severity == "error")

    @property
    def usable(self) -> bool:
        """Whether no problem is an error."""
        return not self.errors


def raise_first_error(title: str, problems: Sequence[Problem]) -> None:
    """Raise the first error of a list, saying how many more there are.

    Args:
        title: What failed.
        problems: What was found.

    Raises:
        CaptureError: There is an error among the problems.
    """
    errors = CaptureReport(tuple(problems)).errors
    if not errors:
        return
    first = errors[0]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    raise CaptureError(title, f"{first.where}: {first.what}{more}", first.next_step)
