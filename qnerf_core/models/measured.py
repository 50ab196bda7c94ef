"""What was measured of a model on this machine."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class StepCost:
    """Cost of one view's step.

    Attributes:
        plain: Seconds of a step with control.
        guided: Seconds of its guidance alone.
        memory: Bytes that a guided step takes beside the weights.
        element_bytes: Of a number that the network computes with.
        size: (height, width) of the pictures, pixels.
        device: Where it was measured.
    """

    plain: float
    guided: float
    memory: int
    element_bytes: int
    size: tuple[int, int]
    device: str
