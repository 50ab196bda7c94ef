"""How well a body is fitted to the figures among the built-in captures, whose poses are known.

`python -m qnerf_core.evaluation.body_fitting` prints the table of `docs/fitting.md`. What is seen is simulated: the
true keypoints are projected into the capture's own cameras and pixels are drawn around them. Hidden keypoints are seen
like others; what a detector does with them stands in the share that is quite wrong.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from qnerf_core.body.detectors import detect, load_detector
from qnerf_core.body.fitting import BodyFit, FitSettings, fit_body, refine_body
from qnerf_core.body.keypoints import KEYPOINTS, Keypoints, Sighting
from qnerf_core.body.pose import PROPORTIONS, SMPL_JOINTS, BodyPose
from qnerf_core.body.pose_file import read_pose
from qnerf_core.body.silhouettes import Silhouettes
from qnerf_core.body.surface import BodySurface
from qnerf_core.scene.capture import load_capture
from qnerf_core.scene.scene import Scene, View

FIGURES = ("person", "hero", "statue", "alligator")
SEEDS = (101, 102, 103)
"""Never used while the fit was made."""

_NOISE = 2.0
_WRONG = 0.2
_AROUND = 15.0
_TOYS: Mapping[str, Mapping[str, float]] = {
    "doll": {"head": 1.7, "thighs": 0.65, "shins": 0.65, "feet": 1.3, "upper_arms": 0.75, "forearms": 0.75},
    "teddy": {"head": 1.9, "torso": 1.15, "hips": 1.4, "thighs": 0.5, "shins": 0.5, "forearms": 0.7, "shoulders": 1.2},
    "spider": {"torso": 0.75, "upper_arms": 1.4, "forearms": 1.5, "hands": 1.4, "thighs": 1.2, "shins": 1.3},
}
_EXTRA = [SMPL_JOINTS.index(name) for name in KEYPOINTS[18:]]


@dataclass(frozen=True, eq=False)
class Case:
    """A figure in a pose: its pictures and the truth."""

    figure: str
    state: str
    scene: Scene
    pose: BodyPose


@dataclass(frozen=True)
class Row:
    """Errors over all seeds, centimetres, and the share of joints within the goal.

    Attributes:
        figure, state, way: What was fitted, and from what.
        mean: Of all 24 joints.
        seen: Of the joints that are keypoints themselves.
        worst: Of the worst joint, mean over the seeds.
        within: Share of joints within the goal.
        goal: Centimetres.
    """

    figure: str
    state: str
    way: str
    mean: float
    seen: float
    worst: float
    within: float
    goal: float


def cases(figures: Sequence[str] = FIGURES, *, edits: bool = True) -> Iterator[Case]:
    """Yield the figures as their pictures show them, and as their edits' true pictures do.

    Args:
        figures: Names of captures.
        edits: Whether edits are wanted, too.
    """
    for name in figures:
        capture = load_capture(name)
        yield Case(name, "source", capture.scene, read_pose(capture.source_pose_path))
        for edit, target in capture.edits.items() if edits else ():
            yield Case(name, edit, target.truth, read_pose(target.pose_path))


def toys() -> Iterator[Case]:
    """Yield bodies with the proportions of toys before the cameras of a capture; there are no pictures of them."""
    capture = load_capture("alligator")
    pose = read_pose(capture.edits["wave"].target_path)
    for name, factors in _TOYS.items():
        proportions = np.array([factors.get(part, 1.0) for part in PROPORTIONS])
        yield Case(name, "no pictures", capture.scene, pose.replaced(proportions=proportions))


def true_keypoints(body: BodySurface, pose: BodyPose) -> np.ndarray:
    """Return where keypoints truly are.

    Args:
        body: The body.
        pose: Its pose.

    Returns:
        (22, 3) in the order of `KEYPOINTS`.
    """
    return np.concatenate([body.keypoints(pose), body.joints(pose)[_EXTRA]])


def seen_by_a_detector(points: np.ndarray, views: Sequence[View], generator: np.random.Generator) -> Keypoints:
    """Draw what a detector sees: pixels off by two in both directions, and a fifth of them quite wrong.

    Half of the wrong ones are at another keypoint, half anywhere around the figure.

    Args:
        points: (22, 3) where keypoints are.
        views: In which they are seen.
        generator: Of everything drawn.
    """
    found = []
    for view in views:
        pixels, _ = view.camera.project(points)
        low, high = pixels.min(axis=0) - _AROUND, pixels.max(axis=0) + _AROUND
        for index, name in enumerate(KEYPOINTS):
            pixel = pixels[index]
            if generator.random() < _WRONG:
                other = pixels[generator.integers(len(pixels))]
                pixel = other if generator.random() < 0.5 else generator.uniform(low, high)
            x, y = pixel + generator.normal(0, _NOISE, 2)
            found.append(Sighting(view.name, name, float(x), float(y), 1.0, "simulated"))
    return Keypoints(tuple(found))


def clicked(points: np.ndarray, views: Sequence[View], generator: np.random.Generator) -> Keypoints:
    """Draw clicks of a hand: every keypoint once in every view, and once more in one of them, off by two pixels.

    Args:
        points: (22, 3) where keypoints are.
        views: In which they are clicked.
        generator: Of everything drawn.
    """
    found = []
    for index, name in enumerate(KEYPOINTS):
        again = views[int(generator.integers(len(views)))]
        for view in (*views, again):
            pixel, _ = view.camera.project(points[index])
            x, y = pixel + generator.normal(0, _NOISE, 2)
            found.append(Sighting(view.name, name, float(x), float(y)))
    return Keypoints(tuple(found))


def measure(case: Case, body: BodySurface, seeds: Sequence[int], detector: str | None = None) -> list[Row]:
    """Fit a case in all ways.

    Args:
        case: What to fit.
        body: The body.
        seeds: Of what is drawn.
        detector: A real one, which looks at the photos themselves.
    """
    points, truth = true_keypoints(body, case.pose), body.joints(case.pose)
    eight, three = _spread(case.scene, 8), _spread(case.scene, 3)
    found = keypoints_of_photos(eight, detector) if detector else None
    detected: list[np.ndarray] = []
    by_hand: list[np.ndarray] = []
    refined: list[np.ndarray] = []
    silhouettes = Silhouettes.of(case.scene, body)
    for seed in seeds:
        generator = np.random.default_rng(seed)
        detected.append(_off(body, truth, fit_body(seen_by_a_detector(points, eight, generator), case.scene, body)))
        keypoints = clicked(points, three, generator)
        fit = fit_body(keypoints, case.scene, body)
        by_hand.append(_off(body, truth, fit))
        refined.append(_off(body, truth, refine_body(fit, keypoints, case.scene, body, silhouettes)))
    ways = (("8 views", detected, 2.0), ("4 clicks", by_hand, 3.0), ("4 clicks, masks", refined, 3.0))
    rows = [_row(case, way, np.stack(off), goal) for way, off, goal in ways]
    if found is not None:
        off = _off(body, truth, fit_body(found, case.scene, body))
        rows.append(_row(case, f"8 photos, {detector}", off[None], 2.0))
    return rows


def measure_toy(case: Case, body: BodySurface, seeds: Sequence[int]) -> list[Row]:
    """Fit a toy with and without proportions of its own.

    Args:
        case: What to fit.
        body: The body.
        seeds: Of what is drawn.
    """
    points, truth = true_keypoints(body, case.pose), body.joints(case.pose)
    rows = []
    for way, own in (("8 views", False), ("8 views, own proportions", True)):
        off = []
        for seed in seeds:
            seen = seen_by_a_detector(points, _spread(case.scene, 8), np.random.default_rng(seed))
            off.append(_off(body, truth, fit_body(seen, case.scene, body, FitSettings(own_proportions=own))))
        rows.append(_row(case, way, np.stack(off), 2.0))
    return rows


def keypoints_of_photos(views: Sequence[View], detector: str) -> Keypoints:
    """Find keypoints by a real detector.

    Args:
        views: Whose photos.
        detector: Its name.

    Raises:
        KeypointsError: It is not installed.
    """
    return Keypoints(tuple(detect(load_detector(detector), detector, views)))


def _off(body: BodySurface, truth: np.ndarray, fit: BodyFit) -> np.ndarray:
    """(24,) centimetres."""
    return np.asarray(100 * np.linalg.norm(body.joints(fit.pose) - truth, axis=1))


def _spread(scene: Scene, count: int) -> list[View]:
    views = scene.training_views
    return [views[index * len(views) // count] for index in range(count)]


def _row(case: Case, way: str, off: np.ndarray, goal: float) -> Row:
    seen = [index for index, name in enumerate(SMPL_JOINTS) if name in KEYPOINTS]
    return Row(
        case.figure,
        case.state,
        way,
        float(off.mean()),
        float(off[:, seen].mean()),
        float(off.max(axis=1).mean()),
        float((off <= goal).mean()),
        goal,
    )


def table(rows: Sequence[Row]) -> str:
    """Write rows as a Markdown table.

    Args:
        rows: From `measure`.
    """
    head = "| Figure | Pictures of | From | Mean, cm | Joints seen | Worst joint | Within goal |"
    lines = [head, "| --- | --- | --- | ---: | ---: | ---: | ---: |"]
    for row in rows:
        numbers = f"{row.mean:.2f} | {row.seen:.2f} | {row.worst:.2f} | {row.within:.0%} within {row.goal:.0f} cm"
        lines.append(f"| {row.figure} | {row.state} | {row.way} | {numbers} |")
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--figure", action="append", choices=FIGURES)
    parser.add_argument("--seed", action="append", type=int)
    parser.add_argument("--no-edits", action="store_true", help="only the captures' own pictures")
    parser.add_argument("--detector", help="a real one that is installed, on the photos themselves")
    parser.add_argument("--toys", action="store_true", help="bodies with other proportions instead")
    chosen = parser.parse_args()
    body, seeds = BodySurface.load(), chosen.seed or SEEDS
    rows: list[Row] = []
    for case in toys() if chosen.toys else ():
        rows += measure_toy(case, body, seeds)
    for case in () if chosen.toys else cases(chosen.figure or FIGURES, edits=not chosen.no_edits):
        rows += measure(case, body, seeds, chosen.detector)
    sys.stdout.write(f"{table(rows)}\n")


if __name__ == "__main__":
    main()
