"""A body fitted to a subject: where its joints are seen in the pictures, its pose, shape and place follow.

In the manner of SMPLify (Bogo et al., ECCV 2016), but in several views at once: the sum of squared distances between
seen and projected keypoints in standard deviations, each weighed down by Geman and McClure as it turns out to be wrong,
plus what poses (`body.pose_prior`) and shapes are likely; inside the limits of the joints.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from qnerf_core.body.body_vector import (
    HIGHEST,
    JOINTS,
    LENGTH,
    LOWEST,
    NUDGE,
    PARTS,
    PLACE,
    SHAPE,
    SIZE,
    TURN,
    BodyVectors,
    Posed,
)
from qnerf_core.body.fitting_start import Seen, placed, put_right
from qnerf_core.body.keypoints import KEYPOINTS, Keypoints
from qnerf_core.body.least_squares import descend
from qnerf_core.body.pose import BodyPose
from qnerf_core.body.pose_prior import MEAN, WIDTH
from qnerf_core.body.rest_body import RestBody
from qnerf_core.body.rotations import exponential
from qnerf_core.body.triangulation import NOISE, OUTLIER, Triangulated
from qnerf_core.errors import Cancelled
from qnerf_core.scene.scene import Scene

# A capture whose body would come out within this of a person's size is taken to be in metres.
_PERSON = (0.75, 1.3)
_SIZE_WIDTH = 1.0
_PARTS_WIDTH = 0.25
# With own proportions the betas have less to say.
_TOY_SHAPE_WIDTH = 0.4
# Where wrong looks begin to lose weight, in usual standard deviations, and how many steps are taken until then.
_STAGES = ((12.0, 15), (5.0, 12), (OUTLIER, 15))
# A mirrored subject must explain the looks this much better.
_MIRROR_GAIN = 0.6


@dataclass(frozen=True)
class FitSettings:
    """Choices of a fit.

    Attributes:
        own_proportions: The subject is not built like people: fit the lengths of its parts, too.
        noise: How far looks are usually off, as a share of the picture's longer side.
    """

    own_proportions: bool = False
    noise: float = NOISE


@dataclass(frozen=True)
class Residual:
    """How far a look is from the fitted body.

    Attributes:
        view, keypoint: Which look, as it was named.
        pixels: (dx, dy) from the body's keypoint to the look.
        error: Its length, pixels.
        outlier: The fit did not believe it.
        exchanged: The fit took it for the other side's.
    """

    view: str
    keypoint: str
    pixels: tuple[float, float]
    error: float
    outlier: bool
    exchanged: bool


@dataclass(frozen=True, eq=False)
class BodyFit:
    """A fitted body.

    Attributes:
        pose: Pose, shape, proportions and place.
        residuals: Of every look, in the order of the keypoints.
        points: Triangulated keypoints by name, world (3,).
        joint_deviations: (24,) how well each joint is known, standard deviations in the world's unit.
        in_metres: The subject has a person's size, so that its size was not fitted.
        mirrored: Left and right were exchanged everywhere, as the body would face the other way.
    """

    pose: BodyPose
    residuals: tuple[Residual, ...]
    points: dict[str, np.ndarray]
    joint_deviations: np.ndarray
    in_metres: bool
    mirrored: bool

    @property
    def error(self) -> float:
        """Root of the mean squared residual of the looks that were believed, pixels."""
        believed = [one.error**2 for one in self.residuals if not one.outlier]
        return float(np.sqrt(np.mean(believed))) if believed else float("nan")


class Evidence(Protocol):
    """Something else than keypoints that a body should agree with, such as silhouettes."""

    rows: np.ndarray
    """Which vertices of the body it looks at."""

    def residuals(self, vertices: np.ndarray) -> np.ndarray:
        """Residuals (B, R) of the vertices (B, N, 3)."""

    def look_again(self, vertices: np.ndarray) -> None:
        """Match anew with the vertices (N, 3)."""


def fit_body(
    keypoints: Keypoints,
    scene: Scene,
    body: RestBody,
    settings: FitSettings | None = None,
    *,
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> BodyFit:
    """Fit a body to keypoints.

    Args:
        keypoints: Seen in the scene's views.
        scene: The capture.
        body: The body.
        settings: Choices.
        progress: Told the share that is done.
        cancelled: Asked between steps.

    Raises:
        KeypointsError: Too little is seen.
        CaptureError: A view is not in the scene.
        Cancelled: It was.
    """
    settings = settings or FitSettings()
    seen, exchanged = put_right(Seen.of(keypoints, scene, settings.noise))
    vectors = BodyVectors(body)
    attempts = []
    for index, looks in enumerate((seen, seen.mirrored())):
        attempt = _Fit(vectors, looks, settings, cancelled)
        attempt.start()
        attempt.descend(*_STAGES[0], shape=False)
        attempt.descend(*_STAGES[1], shape=True)
        attempts.append(attempt)
        if progress:
            progress(0.4 * (index + 1))
    mirrored = attempts[1].cost() < _MIRROR_GAIN * attempts[0].cost()
    fit = attempts[int(mirrored)]
    fit.descend(*_STAGES[2], shape=True)
    if progress:
        progress(1.0)
    return fit.result(keypoints, exchanged ^ mirrored, mirrored)


def refine_body(
    fit: BodyFit,
    keypoints: Keypoints,
    scene: Scene,
    body: RestBody,
    evidence: Evidence,
    settings: FitSettings | None = None,
    *,
    rounds: int = 6,
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> BodyFit:
    """Fit a body to something else, too, from where `fit_body` brought it.

    Args:
        fit: The body so far.
        keypoints, scene, body, settings: As they were for it.
        evidence: What else it should agree with.
        rounds: How often the evidence is matched anew.
        progress: Told the share that is done.
        cancelled: Asked between steps.

    Raises:
        Cancelled: It was.
    """
    settings = settings or FitSettings()
    seen = Seen.of(keypoints, scene, settings.noise)
    exchanged = np.array([one.exchanged for one in fit.residuals])
    seen = Seen(seen.looks, np.where(exchanged, seen.mirrored().keypoints, seen.keypoints), seen.views)
    step = _Fit(BodyVectors(body, evidence.rows), seen, settings, cancelled, evidence)
    step.go_on(fit)
    for index in range(rounds):
        evidence.look_again(step.posed().vertices[0])
        step.descend(OUTLIER, 4, shape=True)
        if progress:
            progress((index + 1) / rounds)
    return step.result(keypoints, exchanged, fit.mirrored)


class _Fit:
    """One descent: where it is, and what it minimises."""

    def __init__(
        self,
        vectors: BodyVectors,
        seen: Seen,
        settings: FitSettings,
        cancelled: Callable[[], bool] | None,
        evidence: Evidence | None = None,
    ) -> None:
        self.vectors, self.seen, self.settings, self.cancelled = vectors, seen, settings, cancelled
        self.evidence = evidence
        self.points: dict[int, Triangulated] = seen.triangulated()
        self.vector, self.base = np.zeros(LENGTH), np.eye(3)
        self.in_metres = False
        self.scale = _STAGES[0][0]
        self.weights = np.ones(len(seen.keypoints))
        self.free = np.empty(0, dtype=int)
        self.widths, self.means = np.ones(LENGTH), np.zeros(LENGTH)
        self.widths[JOINTS], self.means[JOINTS] = WIDTH.ravel(), MEAN.ravel()
        self.widths[SIZE], self.widths[PARTS] = _SIZE_WIDTH, _PARTS_WIDTH
        self.widths[SHAPE] = _TOY_SHAPE_WIDTH if settings.own_proportions else 1.0
        self.has_prior = np.ones(LENGTH, dtype=bool)
        self.has_prior[TURN] = self.has_prior[PLACE] = False

    def start(self) -> None:
        """Stand a relaxed body where the trunk is."""
        vector, base = placed(self.vectors, self.points, None)
        size = float(np.exp(vector[SIZE][0]))
        self.in_metres = _PERSON[0] < size < _PERSON[1] and not self.settings.own_proportions
        if self.in_metres:
            vector, base = placed(self.vectors, self.points, 1.0)
        self.vector, self.base = vector, base
        # What no other look agrees with has no say until the body itself agrees.
        for keypoint in np.unique(self.seen.keypoints):
            rows = np.nonzero(self.seen.keypoints == keypoint)[0]
            point = self.points.get(int(keypoint))
            self.weights[rows] = 0.0 if point is None else point.agrees
        if not self.weights.any():
            self.weights[:] = 1.0

    def go_on(self, fit: BodyFit) -> None:
        """Start where another fit ended."""
        self.vector, self.base = self.vectors.vector(fit.pose)
        self.in_metres = fit.in_metres
        self._weigh(OUTLIER)

    def descend(self, scale: float, rounds: int, *, shape: bool) -> None:
        parts: list[slice] = [TURN, JOINTS, PLACE]
        if not self.in_metres:
            parts.append(SIZE)
        if shape:
            parts.append(SHAPE)
            if self.settings.own_proportions:
                parts.append(PARTS)
        self.free = np.concatenate([np.arange(LENGTH)[part] for part in parts])
        # The weights are found anew a few times on the way.
        for _ in range(3):
            if self.cancelled and self.cancelled():
                raise Cancelled("The fit is stopped")
            self.vector = descend(
                self.vector, self.free, LOWEST, HIGHEST, self._system, self._residuals, max(rounds // 3, 1)
            )
            self.base = exponential(self.vector[None, TURN])[0][0] @ self.base
            self.vector = self.vector.copy()
            self.vector[TURN] = 0.0
            self._weigh(scale * max(NOISE / self.settings.noise, 1.0))

    def posed(self) -> Posed:
        return self.vectors.posed(self.vector[None], self.base)

    def cost(self) -> float:
        """Of the looks, truncated, and of the prior."""
        off = np.minimum(self._off(), 2 * OUTLIER)
        prior = self._prior(self.vector)
        return float(self.seen.looks.weights @ off**2 + prior @ prior)

    def _off(self) -> np.ndarray:
        return self.seen.looks.off(self.posed().keypoints[0][self.seen.keypoints])

    def _weigh(self, scale: float) -> None:
        self.weights = (scale**2 / (scale**2 + self._off() ** 2)) ** 2

    def _prior(self, vector: np.ndarray) -> np.ndarray:
        free = self.free[self.has_prior[self.free]]
        return (vector[free] - self.means[free]) / self.widths[free]

    def _look_scale(self) -> np.ndarray:
        return (np.sqrt(self.seen.looks.weights * self.weights) / self.seen.looks.noise)[:, None]

    def _look_residuals(self, keypoints: np.ndarray) -> np.ndarray:
        """(B, 2N) of keypoints (B, 22, 3)."""
        seen = self.seen
        pixels = seen.looks.projected(keypoints[:, seen.keypoints])
        return ((pixels - seen.looks.pixels) * self._look_scale()).reshape(len(keypoints), -1)

    def _residuals(self, vector: np.ndarray) -> np.ndarray:
        posed = self.vectors.posed(vector[None], self.base)
        parts = [self._look_residuals(posed.keypoints)[0], self._prior(vector)]
        if self.evidence is not None:
            parts.append(self.evidence.residuals(posed.vertices)[0])
        return np.concatenate(parts)

    def _system(self, vector: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        posed = self.vectors.nudged(vector, self.base, self.free)
        parts = [self._look_residuals(posed.keypoints)]
        if self.evidence is not None:
            parts.append(self.evidence.residuals(posed.vertices))
        values = np.concatenate(parts, axis=1)
        slopes = (values[1:] - values[0]).T / NUDGE
        priors = np.nonzero(self.has_prior[self.free])[0]
        prior_slopes = np.zeros((len(priors), len(self.free)))
        prior_slopes[np.arange(len(priors)), priors] = 1.0 / self.widths[self.free[priors]]
        count = 2 * len(self.seen.keypoints)
        residuals = np.concatenate([values[0, :count], self._prior(vector), values[0, count:]])
        return residuals, np.concatenate([slopes[:count], prior_slopes, slopes[count:]])

    def _deviations(self) -> np.ndarray:
        _, slopes = self._system(self.vector)
        covariance = np.linalg.pinv(slopes.T @ slopes)
        joints = self.vectors.nudged(self.vector, self.base, self.free).joints
        moves = (joints[1:] - joints[0]) / NUDGE
        spread = np.einsum("fja,fg,gja->j", moves, covariance, moves, optimize=True)
        return np.sqrt(np.maximum(spread, 0.0))

    def result(self, keypoints: Keypoints, exchanged: np.ndarray, mirrored: bool) -> BodyFit:
        places = self.posed().keypoints[0][self.seen.keypoints]
        off = self.seen.looks.off(places)
        apart = self.seen.looks.pixels - self.seen.looks.projected(places)
        residuals = tuple(
            Residual(
                one.view,
                one.keypoint,
                (float(pixels[0]), float(pixels[1])),
                float(np.hypot(*pixels)),
                bool(sigmas > OUTLIER),
                bool(other),
            )
            for one, pixels, sigmas, other in zip(keypoints, apart, off, exchanged, strict=True)
        )
        points = {KEYPOINTS[index]: point.position for index, point in sorted(self.points.items())}
        return BodyFit(
            self.vectors.pose(self.vector, self.base),
            residuals,
            points,
            self._deviations(),
            self.in_metres,
            mirrored,
        )
