"""BlazePose (Bazarevsky et al., 2020) as a detector of keypoints.

Its weights (Apache 2.0) are files of the package `mediapipe` 0.10.21, and only these files are used: the package itself
wants an older numpy. `ai-edge-litert` computes them. Both work offline once they are installed.

The network finds 33 landmarks in an upright square around a person, and two more points that say which square that is.
It is asked a few times: first about the whole picture, and if nobody is seen there about squares of half its size.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from qnerf_core.errors import KeypointsError

NAME = "blazepose"
HOW_TO_INSTALL = (
    "Install BlazePose: pip install 'qnerf-studio[detect]' and pip install --no-deps mediapipe==0.10.21; or click the "
    "joints."
)
_WEIGHTS = Path("modules", "pose_landmark", "pose_landmark_full.tflite")
_SIDE = 256
_ROUNDS = 3
# Around the circle that the two extra points give, as in MediaPipe.
_ROOM = 1.25
_HERE = 0.3

# Rows of the landmarks; the mean of several.
_ROWS: dict[str, tuple[int, ...]] = {
    "nose": (0,),
    "left_eye": (2,),
    "right_eye": (5,),
    "left_ear": (7,),
    "right_ear": (8,),
    "left_shoulder": (11,),
    "right_shoulder": (12,),
    "left_elbow": (13,),
    "right_elbow": (14,),
    "left_wrist": (15,),
    "right_wrist": (16,),
    "left_hand": (17, 19),
    "right_hand": (18, 20),
    "left_hip": (23,),
    "right_hip": (24,),
    "left_knee": (25,),
    "right_knee": (26,),
    "left_ankle": (27,),
    "right_ankle": (28,),
    "left_foot": (31,),
    "right_foot": (32,),
}


def is_installed() -> bool:
    """Whether runtime and weights are there."""
    return find_spec("ai_edge_litert") is not None and _weights() is not None


def load() -> BlazePose:
    """Load the network.

    Raises:
        KeypointsError: It is not installed.
    """
    weights = _weights()
    if find_spec("ai_edge_litert") is None or weights is None:
        missing = "ai-edge-litert" if find_spec("ai_edge_litert") is None else f"mediapipe's file {_WEIGHTS}"
        raise KeypointsError("BlazePose is not installed", f"there is no {missing}", HOW_TO_INSTALL)
    from ai_edge_litert.interpreter import Interpreter

    return BlazePose(Interpreter(model_path=str(weights), num_threads=1))


def _weights() -> Path | None:
    # Found without importing the package, which would want an older numpy.
    spec = find_spec("mediapipe")
    places = spec.submodule_search_locations if spec is not None else None
    found = (Path(place) / _WEIGHTS for place in places or ())
    return next((path for path in found if path.is_file()), None)


class BlazePose:
    """The network, as a `Detector`."""

    def __init__(self, interpreter: Any) -> None:
        """Take an interpreter of its weights."""
        interpreter.allocate_tensors()
        self._interpreter = interpreter
        self._input = interpreter.get_input_details()[0]["index"]
        outputs = interpreter.get_output_details()
        self._landmarks = next(one["index"] for one in outputs if int(np.prod(one["shape"])) == 195)
        self._score = next(one["index"] for one in outputs if int(np.prod(one["shape"])) == 1)

    def __call__(self, picture: np.ndarray) -> Sequence[tuple[str, float, float, float]]:
        """Find keypoints.

        Args:
            picture: (H, W, 3) uint8 RGB.

        Returns:
            Name, x and y in pixels, confidence; nothing if nobody is seen.
        """
        height, width = picture.shape[:2]
        middle, side = np.array([width / 2, height / 2]), float(max(width, height))
        score, points = self._ask(picture, middle, side)
        if score < _HERE:
            shifts = [np.array([x, y]) * side / 4 for x in (-1, 0, 1) for y in (-1, 0, 1)]
            asked = (self._ask(picture, middle + shift, side / 2) for shift in shifts)
            score, points = max(asked, key=lambda answer: answer[0])
        for _ in range(_ROUNDS - 1):
            if score < _HERE:
                return []
            radius = float(np.linalg.norm(points[34, :2] - points[33, :2]))
            score, points = self._ask(picture, points[33, :2], max(2 * _ROOM * radius, 16.0))
        # Landmarks come with the logits of being visible and of being in the picture.
        trust = score / (1.0 + np.exp(-points[:, 3])) / (1.0 + np.exp(-points[:, 4]))
        return [
            (name, *points[list(rows), :2].mean(axis=0).tolist(), float(trust[list(rows)].min()))
            for name, rows in _ROWS.items()
        ]

    def _ask(self, picture: np.ndarray, centre: np.ndarray, side: float) -> tuple[float, np.ndarray]:
        """How surely somebody is in a square of the picture, and the landmarks (39, 5) with x and y in pixels."""
        corner, side = np.rint(centre - side / 2), float(np.rint(side))
        box = [round(value) for value in (*corner.tolist(), *(corner + side).tolist())]
        # Cut first, since a smaller picture made of what lies outside would not be smooth.
        cut = Image.fromarray(picture).crop((box[0], box[1], box[2], box[3]))
        square = cut.resize((_SIDE, _SIDE), Image.Resampling.BILINEAR)
        values = np.asarray(square, dtype=np.float32)[None] / 255.0
        self._interpreter.set_tensor(self._input, values)
        self._interpreter.invoke()
        points = np.array(self._interpreter.get_tensor(self._landmarks), dtype=np.float64).reshape(39, 5)
        points[:, :2] = corner + points[:, :2] * side / _SIDE
        return float(np.ravel(self._interpreter.get_tensor(self._score))[0]), points
