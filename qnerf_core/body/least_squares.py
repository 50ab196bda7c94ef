"""Least squares inside a box, for a few numbers out of many: Levenberg and Marquardt with an active set."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

_LEAST_GAIN = 1e-4
_MOST_DAMPING = 1e8


def descend(
    start: np.ndarray,
    free: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    system: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
    residuals: Callable[[np.ndarray], np.ndarray],
    rounds: int,
) -> np.ndarray:
    """Lower the sum of squared residuals.

    Args:
        start: (N,) where to start; moved into the box.
        free: (F,) indices of the numbers to change.
        low, high: (N,) the box.
        system: Residuals (R,) and their derivatives (R, F) by the free numbers.
        residuals: The residuals alone.
        rounds: Steps, at most.

    Returns:
        (N,).
    """
    here = start.copy()
    here[free] = np.clip(start[free], low[free], high[free])
    damping = 1e-3
    for _ in range(rounds):
        errors, slopes = system(here)
        cost = float(errors @ errors)
        pull = -slopes.T @ errors
        normal = slopes.T @ slopes
        blocked = ((here[free] <= low[free]) & (pull < 0)) | ((here[free] >= high[free]) & (pull > 0))
        moving = np.nonzero(~blocked)[0]
        gain = 0.0
        while damping < _MOST_DAMPING:
            damped = normal[np.ix_(moving, moving)].copy()
            damped.flat[:: len(moving) + 1] *= 1.0 + damping
            trial = here.copy()
            trial[free[moving]] += np.linalg.solve(damped, pull[moving])
            trial[free] = np.clip(trial[free], low[free], high[free])
            errors = residuals(trial)
            if errors @ errors < cost:
                gain = 1.0 - float(errors @ errors) / cost
                here, damping = trial, max(damping * 0.2, 1e-9)
                break
            damping *= 5.0
        if gain < _LEAST_GAIN:
            break
    return here
