from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.document import posing
from app.document.proxied import ProxiedState
from app.document.state import State, same
from qnerf_core.body.fitting import BodyFit
from qnerf_core.body.fitting_start import Seen
from qnerf_core.body.keypoints import KEYPOINTS, Keypoints, Sighting
from qnerf_core.body.pose import SMPL_JOINTS, BodyPose
from qnerf_core.body.triangulation import NOISE
from qnerf_core.scene.camera import Camera

# As a person goes through them: the trunk first, which says most.
CLICK_ORDER: tuple[str, ...] = (
    *("left_shoulder", "right_shoulder", "left_hip", "right_hip", "neck"),
    *("left_elbow", "left_wrist", "left_hand", "right_elbow", "right_wrist", "right_hand"),
    *("left_knee", "left_ankle", "left_foot", "right_knee", "right_ankle", "right_foot"),
    *("nose", "left_eye", "right_eye", "left_ear", "right_ear"),
)
_JOINTS = [SMPL_JOINTS.index(name) for name in KEYPOINTS[18:]]


def words(keypoint: str) -> str:
    return keypoint.replace("_", " ")


class KeypointedState(ProxiedState):
    """Where joints are seen in the photos, and the body fitted to them."""

    clickingChanged = Signal()

    def __init__(self, state: State, parent: QObject | None = None) -> None:
        super().__init__(state, parent)
        self.is_clicking = False
        self.current_keypoint = CLICK_ORDER[0]
        self._fit: BodyFit | None = None
        self._triangulated: tuple[Keypoints, dict[str, np.ndarray]] = (Keypoints(), {})

    @property
    def keypoints(self) -> Keypoints:
        return self._state.keypoints

    @property
    def fit(self) -> BodyFit | None:
        """The last one, while the source pose is what it found."""
        return self._fit if self._fit is not None and same(self._fit.pose, self.source_pose) else None

    def set_clicking(self, clicking: bool) -> None:
        if clicking != self.is_clicking:
            self.end_drag()
            self.is_clicking = clicking
            self.clickingChanged.emit()

    def choose_keypoint(self, name: str) -> None:
        if name not in KEYPOINTS:
            raise ValueError(f"{name!r} is not a keypoint")
        if name != self.current_keypoint:
            self.current_keypoint = name
            self.clickingChanged.emit()

    def step_keypoint(self, step: int) -> None:
        index = CLICK_ORDER.index(self.current_keypoint) + step
        self.choose_keypoint(CLICK_ORDER[index % len(CLICK_ORDER)])

    def click_keypoint(self, view: str, pixel: np.ndarray) -> None:
        """The current keypoint is here; the next one that this view lacks becomes the current one. [undo]"""
        name = self.current_keypoint
        x, y = pixel.tolist()
        self._push_keypoints(f"Click {words(name)}", self.keypoints.with_sighting(Sighting(view, name, x, y)))
        seen = {one.keypoint for one in self.keypoints.of_view(view)}
        start = CLICK_ORDER.index(name)
        following = (*CLICK_ORDER[start + 1 :], *CLICK_ORDER[:start])
        self.choose_keypoint(next((other for other in following if other not in seen), name))

    def remove_keypoint(self, view: str, name: str) -> None:
        self._push_keypoints(f"Remove {words(name)}", self.keypoints.without(view, name))

    def clear_keypoints(self) -> None:
        self._push_keypoints("Remove all clicks", Keypoints())

    def take_found(self, found: Iterable[Sighting]) -> None:
        """What a detector found; clicks stay. [undo]"""
        self._push_keypoints("Find joints", self.keypoints.found_again(found))

    def take_keypoints(self, keypoints: Keypoints) -> None:
        self._push_keypoints("Load keypoints", keypoints)

    def _push_keypoints(self, text: str, keypoints: Keypoints) -> None:
        self._push_change(text, keypoints=keypoints)

    def apply_fit(self, fit: BodyFit) -> None:
        """The fitted body is the source; the target gets the same body and stands as it did to the source. [undo]"""
        self._fit = fit
        before, target = self.source_pose, self.target_pose
        after = fit.pose if same(before, target) else _follows(target, before, fit.pose)
        self._push_change("Fit body to the photos", source_pose=fit.pose, target_pose=after)
        self.__dict__["floor"] = posing.lowest(self.body, fit.pose)

    # ---- for the eye

    def guesses(self) -> dict[str, np.ndarray]:
        """Where keypoints are in space, as far as that is known: by the fit, else by two clicks or more."""
        if self.fit is not None:
            points = np.concatenate(
                [self.body.keypoints(self.source_pose), self.body.joints(self.source_pose)[_JOINTS]]
            )
            return dict(zip(KEYPOINTS, points, strict=True))
        if self._triangulated[0] is not self.keypoints:
            self._triangulated = (self.keypoints, self._triangulate())
        return self._triangulated[1]

    def _triangulate(self) -> dict[str, np.ndarray]:
        scene = self._opened.scene if self._opened else None
        if scene is None:
            return {}
        names = {view.name for view in scene.views}
        known = Keypoints(tuple(one for one in self.keypoints if one.view in names))
        found = Seen.of(known, scene, NOISE).triangulated()
        return {KEYPOINTS[index]: point.position for index, point in found.items()}

    def apart(self, one: Sighting) -> float | None:
        """How far a look is from where the keypoint is known to be, in usual deviations of a look."""
        scene, place = self._opened.scene if self._opened else None, self.guesses().get(one.keypoint)
        if scene is None or place is None:
            return None
        camera = scene.view(one.view).camera
        pixel, depth = camera.project(place)
        if not depth > 0:
            return float("inf")
        return float(np.hypot(pixel[0] - one.x, pixel[1] - one.y)) / deviation(camera)

    def _restore(self, state: State) -> None:
        super()._restore(state)
        if self.control == "depth":
            self.set_clicking(False)

    def _restart(self, state: State) -> None:
        self.is_clicking, self.current_keypoint, self._fit = False, CLICK_ORDER[0], None
        self._triangulated = (Keypoints(), {})
        super()._restart(state)


def deviation(camera: Camera) -> float:
    """Pixels that a look at a joint is usually off."""
    return NOISE * max(camera.width, camera.height)


def _follows(target: BodyPose, before: BodyPose, after: BodyPose) -> BodyPose:
    turn = after.rotations[0] @ before.rotations[0].T
    rotations = target.rotations.copy()
    rotations[0] = turn @ rotations[0]
    moved = after.translation + turn @ (target.translation - before.translation)
    return target.with_rotations(rotations).replaced(
        betas=after.betas, proportions=after.proportions, translation=moved
    )
