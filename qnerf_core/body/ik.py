"""Inverse kinematics: one joint of the SMPL skeleton is dragged to a place while others stay where they are.

Damped least squares (Levenberg-Marquardt) over the swing and twist coordinates of the joints between the root and the
dragged and pinned joints, with an analytic Jacobian. In these coordinates the joint limits are a box, so that a step
is held inside them by an active set. The solve starts from the current pose and takes small steps of least
joint motion, so a drag is continuous and what need not move does not.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.spatial.transform import Rotation

from qnerf_core.body.limits import LOWER, TWIST_AXIS, UPPER
from qnerf_core.body.pose import SMPL_JOINTS, SMPL_PARENTS, BodyPose, forward_kinematics
from qnerf_core.body.rotations import (
    exponential,
    left_jacobian,
    swing_twist_to_vectors,
    vectors_to_swing_twist,
)

# A pin counts so much more than the dragged joint that it hardly gives way when the target is out of reach; what it
# still gives is taken back at the end.
_PIN_WEIGHT = 12.0
_PIN_TOLERANCE = 1e-3
_PIN_EVALUATIONS = 8
# Enough for a jump across the reach of a limb; a drag needs three or four, and goes on at the next call.
_MAX_EVALUATIONS = 14
_MOST_DAMPING = 1e2
_MAX_STEP = 0.5
# Metres; for pins 12 times finer.
_SLACK = 5e-5
_MIN_GAIN = 1e-3

# How readily a joint takes part: the trunk follows the limbs reluctantly, and twists come last, as people move.
_MOBILITY = {"spine": 0.35, "neck": 0.6, "collar": 0.35, "hip": 1.0, "foot": 0.5}
_TWIST_MOBILITY = 0.5
_ROOT_MOBILITY = 0.35

# Hinges by joint index: axis and sign of bending. A straight limb cannot feel that bending would shorten it.
_HINGES = {4: (0, 1.0), 5: (0, 1.0), 18: (1, -1.0), 19: (1, 1.0)}
_STRAIGHT = 0.15
_LEAST_BEND = 0.03
_MOST_BEND = 0.8


@dataclass(frozen=True, eq=False)
class IKSolution:
    """What `solve_ik` found.

    Attributes:
        pose: the solved pose, inside the joint limits (a joint that started outside does not go further out).
        residual: distance of the dragged joint from its target, metres.
        pin_residual: largest distance of a pinned joint from its place, metres; 0 without pins.
    """

    pose: BodyPose
    residual: float
    pin_residual: float


def pins_at(rest_joints: np.ndarray, pose: BodyPose, joints: Collection[str]) -> dict[str, np.ndarray]:
    """Where joints are now, to be kept there during a drag: take them once, when the drag starts.

    Args:
        rest_joints: (24, 3) rest joints of the shaped body, metres.
        pose: the current pose.
        joints: names out of `SMPL_JOINTS`.

    Returns:
        World position (3,) by name, metres.
    """
    positions, _ = forward_kinematics(rest_joints, pose)
    return {name: positions[_index(name)] for name in joints}


def solve_ik(
    rest_joints: np.ndarray,
    pose: BodyPose,
    joint: str,
    target: np.ndarray,
    *,
    pins: Mapping[str, np.ndarray] | None = None,
    free_root: bool = False,
) -> IKSolution:
    """Moves one joint to a place in the world, or as near as limits and pins allow.

    Args:
        rest_joints: (24, 3) rest joints of the shaped body in SMPL's frame (`BodyModel.rest_joints`), metres.
        pose: where to start from; while dragging, the result of the last call.
        joint: the dragged joint. Dragging the pelvis moves the whole body, less what the pins hold.
        target: (3,) its wanted place in the world, metres.
        pins: joints to keep at a place in the world (`pins_at`). A pinned joint also keeps its orientation when no
            other pinned or dragged joint hangs on it: a planted foot stays flat.
        free_root: let the body's translation follow. The root's orientation is always kept.

    Returns:
        The pose, and how far the dragged joint and the pins are from where they should be.

    Raises:
        ValueError: an unknown joint, a joint both dragged and pinned, or a target that is not finite.
    """
    dragged = _index(joint)
    held = {_index(name): np.asarray(place, dtype=np.float64) for name, place in (pins or {}).items()}
    if dragged in held:
        raise ValueError(f"{joint} is pinned and cannot be dragged")
    goals = np.array([np.asarray(target, dtype=np.float64), *held.values()])
    if goals.shape != (1 + len(held), 3) or not np.isfinite(goals).all():
        raise ValueError("the target and the pins must be finite points (3,)")
    plan = _plan(dragged, tuple(held), free_root or dragged == 0)
    solver = _Solver(plan, np.asarray(rest_joints, dtype=np.float64), pose, goals)
    return solver.run()


def _index(name: str) -> int:
    if name not in SMPL_JOINTS:
        raise ValueError(f"{name!r} is not a joint of SMPL; the joints are {', '.join(SMPL_JOINTS)}")
    return SMPL_JOINTS.index(name)


@dataclass(frozen=True, eq=False)
class _Plan:
    """What of a solve depends only on which joints take part, kept from call to call of a drag.

    The chain are the joints that turn an effector, without the root. The tree are all joints whose place matters,
    parents first; a place in it is a slot. Effectors are the dragged joint, then the pins.
    """

    free_root: bool
    effectors: tuple[int, ...]
    chain: np.ndarray
    axes: np.ndarray
    is_twist: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    joints: np.ndarray
    parents: np.ndarray
    tree: tuple[tuple[int, int], ...]
    """Slot of the parent, and row of the chain or -1 for an effector that turns nothing."""
    chain_slots: np.ndarray
    parent_slots: np.ndarray
    effector_slots: np.ndarray
    moves: np.ndarray
    mobility: np.ndarray
    weights: np.ndarray
    hinges: tuple[tuple[int, tuple[int, ...], int, int], ...]
    """Row of the chain, effectors beyond it, slot of the limb's root and of the hinge."""
    planted: np.ndarray
    """Rows of `body_pose` of the pins that turn nothing."""
    planted_parents: np.ndarray
    """The slots of their parents."""


@lru_cache(maxsize=256)
def _plan(dragged: int, pinned: tuple[int, ...], free_root: bool) -> _Plan:
    effectors = (dragged, *pinned)
    paths = [_ancestors(effector) for effector in effectors]
    ancestors = set().union(*paths)
    chain = sorted(ancestors - {0})
    joints = sorted({0, *ancestors, *effectors})
    slots = {joint: slot for slot, joint in enumerate(joints)}
    slots[-1] = -1
    axes = TWIST_AXIS[np.array(chain, dtype=int) - 1]
    is_twist = np.arange(3) == axes[:, None]
    mobility = np.array([[_MOBILITY.get(_kind(joint), 1.0)] * 3 for joint in chain]).reshape(-1, 3)
    mobility[is_twist] *= _TWIST_MOBILITY
    root = np.full(3 if free_root else 0, _ROOT_MOBILITY)
    rows = np.array(chain, dtype=int) - 1
    planted = [pin for pin in pinned if pin > 0 and pin not in ancestors]
    return _Plan(
        free_root=free_root,
        effectors=effectors,
        chain=rows + 1,
        axes=axes,
        is_twist=is_twist.astype(np.float64),
        lower=LOWER[rows].ravel(),
        upper=UPPER[rows].ravel(),
        joints=np.array(joints),
        parents=np.array([SMPL_PARENTS[joint] for joint in joints]),
        tree=tuple((slots[SMPL_PARENTS[joint]], chain.index(joint) if joint in chain else -1) for joint in joints),
        chain_slots=np.array([slots[joint] for joint in chain], dtype=int),
        parent_slots=np.array([slots[SMPL_PARENTS[joint]] for joint in chain], dtype=int),
        effector_slots=np.array([slots[joint] for joint in effectors], dtype=int),
        moves=np.array([[joint in path for joint in chain] for path in paths], dtype=np.float64)[:, :, None],
        mobility=np.concatenate([mobility.ravel(), root]) ** 2,
        weights=np.repeat([1.0] + [_PIN_WEIGHT] * len(pinned), 3),
        hinges=tuple(
            (row, tuple(e for e, path in enumerate(paths) if joint in path), slots[SMPL_PARENTS[joint]], slots[joint])
            for row, joint in enumerate(chain)
            if joint in _HINGES
        ),
        planted=np.array(planted, dtype=int) - 1,
        planted_parents=np.array([slots[SMPL_PARENTS[pin]] for pin in planted], dtype=int),
    )


def _kind(joint: int) -> str:
    return SMPL_JOINTS[joint].removeprefix("left_").removeprefix("right_").rstrip("123")


def _ancestors(joint: int) -> set[int]:
    found = set()
    while (joint := SMPL_PARENTS[joint]) >= 0:
        found.add(joint)
    return found


class _State(NamedTuple):
    """Coordinates with what forward kinematics makes of them; positions and rotations by slot of the plan's tree."""

    values: np.ndarray
    swings: np.ndarray
    terms: tuple[np.ndarray, np.ndarray, np.ndarray]
    rotations: np.ndarray
    positions: np.ndarray
    error: np.ndarray
    cost: float


class _Solver:
    """One solve: the unknowns are the coordinates of the chain, and the translation when the root is free."""

    def __init__(self, plan: _Plan, rest_joints: np.ndarray, pose: BodyPose, goals: np.ndarray) -> None:
        self.plan, self.pose, self.goals = plan, pose, goals
        self.weights = plan.weights
        rows = plan.chain - 1
        start = vectors_to_swing_twist(pose.body_pose[rows], plan.axes).ravel()
        # A joint that starts beyond its limits may stay there, so that touching another one does not make it jump.
        lower, upper = np.minimum(plan.lower, start), np.maximum(plan.upper, start)
        if plan.free_root:
            start = np.concatenate([start, pose.translation])
            lower, upper = np.append(lower, [-np.inf] * 3), np.append(upper, [np.inf] * 3)
        self.start, self.lower, self.upper = start, lower, upper
        self.root_rotation = exponential(pose.global_orient[None])[0][0]
        self.offsets = rest_joints[plan.joints] - rest_joints[plan.parents]
        self.offsets[0] = rest_joints[0]

    def run(self) -> IKSolution:
        first = current = self._evaluate(self.start)
        if np.abs(first.error).max() >= _SLACK:
            current = self._descend(self._evaluate(self._with_straight_hinges_bent(first)), _MAX_EVALUATIONS)
            if np.abs(current.error[3:]).max(initial=0.0) > _PIN_WEIGHT * _PIN_TOLERANCE:
                self.weights = np.where(np.arange(len(self.weights)) < 3, 0.0, self.weights)
                current = self._descend(self._evaluate(current.values), _PIN_EVALUATIONS)
        return self._solution(first, current)

    def _descend(self, current: _State, evaluations: int) -> _State:
        damping = 1e-3
        jacobian = None
        for _ in range(evaluations):
            if jacobian is None:
                jacobian = self._jacobian(current)
            trial = self._evaluate(self._step(current, jacobian, damping))
            if trial.cost >= current.cost:
                damping *= 6.0
                if damping > _MOST_DAMPING:
                    break
                continue
            gain = 1.0 - trial.cost / current.cost
            current, jacobian = trial, None
            damping = max(damping * 0.2, 1e-9)
            if np.abs(current.error).max() < _SLACK or gain < _MIN_GAIN:
                break
        return current

    def _evaluate(self, values: np.ndarray) -> _State:
        plan = self.plan
        count = len(plan.chain)
        coordinates = values[: 3 * count].reshape(count, 3)
        twist = coordinates * plan.is_twist
        both, terms = exponential(np.concatenate([coordinates - twist, twist]))
        local = both[:count] @ both[count:]
        rotations, positions = np.empty((len(plan.tree), 3, 3)), np.empty((len(plan.tree), 3))
        rotations[0] = self.root_rotation
        positions[0] = self.offsets[0] + (values[-3:] if plan.free_root else self.pose.translation)
        for slot, (parent, own) in enumerate(plan.tree):
            if parent < 0:
                continue
            above = rotations[parent]
            positions[slot] = positions[parent] + above.dot(self.offsets[slot])
            if own >= 0:
                above.dot(local[own], out=rotations[slot])
        error = (self.goals - positions[plan.effector_slots]).ravel() * self.weights
        return _State(values, both[:count], terms, rotations, positions, error, float(error @ error))

    def _jacobian(self, state: _State) -> np.ndarray:
        """d (weighted effector positions) / d values, (3 effectors, 3 chain [+ 3])."""
        plan = self.plan
        count, effectors = len(plan.chain), len(plan.effector_slots)
        # A change of the swing vector s turns by the left Jacobian of SO(3) at s; a twist turns about the swung axis.
        axes = np.where(plan.is_twist[:, None, :] > 0, state.swings, left_jacobian(state.terms, count))
        axes = state.rotations[plan.parent_slots] @ axes
        levers = (state.positions[plan.effector_slots][:, None] - state.positions[plan.chain_slots]) * plan.moves
        lx, ly, lz = levers[:, :, 0, None], levers[:, :, 1, None], levers[:, :, 2, None]
        ax, ay, az = axes[:, 0], axes[:, 1], axes[:, 2]
        jacobian = np.empty((effectors, 3, len(state.values)))
        jacobian[:, 0, : 3 * count] = (ay * lz - az * ly).reshape(effectors, -1)
        jacobian[:, 1, : 3 * count] = (az * lx - ax * lz).reshape(effectors, -1)
        jacobian[:, 2, : 3 * count] = (ax * ly - ay * lx).reshape(effectors, -1)
        if plan.free_root:
            jacobian[:, :, 3 * count :] = np.eye(3)
        flat = jacobian.reshape(3 * effectors, -1)
        flat *= self.weights[:, None]
        return flat

    def _step(self, state: _State, jacobian: np.ndarray, damping: float) -> np.ndarray:
        """One damped step inside the limits; coordinates that a limit stops leave the others to make up for them."""
        start, error = state.values, state.error
        pull = error @ jacobian
        blocked = ((start <= self.lower) & (pull < 0)) | ((start >= self.upper) & (pull > 0))
        trial = start
        for _ in range(2):
            moving = jacobian * np.where(blocked, 0.0, self.plan.mobility)
            system = moving @ jacobian.T
            system.flat[:: len(system) + 1] += damping
            step = np.linalg.solve(system, error) @ moving
            step *= min(1.0, _MAX_STEP / max(float(np.abs(step).max()), 1e-12))
            trial = start + step
            stopped = (trial < self.lower) | (trial > self.upper)
            if not stopped.any():
                return trial
            blocked |= stopped
            trial = np.minimum(np.maximum(trial, self.lower), self.upper)
        return trial

    def _with_straight_hinges_bent(self, state: _State) -> np.ndarray:
        """The start, with straight elbows and knees bent by the law of cosines where an end has to come nearer."""
        bent = self.start.copy()
        # The hips follow when the pelvis is what is dragged.
        shift = self.goals[0] - state.positions[0] if self.plan.effectors[0] == 0 else np.zeros(3)
        for row, effectors, anchor, hinge in self.plan.hinges:
            axis, sign = _HINGES[int(self.plan.chain[row])]
            bend = sign * bent[3 * row + axis]
            if abs(bend) > _STRAIGHT:
                continue
            wanted = _LEAST_BEND
            upper = math.dist(state.positions[hinge], state.positions[anchor])
            for effector in effectors:
                lower = math.dist(state.positions[self.plan.effector_slots[effector]], state.positions[hinge])
                distance = math.dist(self.goals[effector] - shift, state.positions[anchor])
                cosine = (upper**2 + lower**2 - distance**2) / max(2 * upper * lower, 1e-9)
                wanted = max(wanted, math.pi - math.acos(min(max(cosine, -1.0), 1.0)))
            bent[3 * row + axis] = sign * max(bend, min(wanted, _MOST_BEND))
        return np.clip(bent, self.lower, self.upper)

    def _solution(self, first: _State, last: _State) -> IKSolution:
        plan, count = self.plan, len(self.plan.chain)
        pose = self.pose
        if last is not first:
            body_pose = pose.body_pose.copy()
            body_pose[plan.chain - 1] = swing_twist_to_vectors(last.values[: 3 * count].reshape(count, 3), plan.axes)
            if len(plan.planted):
                turns = last.rotations[plan.planted_parents].transpose(0, 2, 1) @ first.rotations[plan.planted_parents]
                body_pose[plan.planted] = _turned(body_pose[plan.planted], turns, plan.planted)
            pose = pose.replaced(
                body_pose=body_pose, translation=last.values[-3:] if plan.free_root else pose.translation
            )
        distances = np.linalg.norm(self.goals - last.positions[plan.effector_slots], axis=1)
        return IKSolution(pose, float(distances[0]), float(distances[1:].max(initial=0.0)))


def _turned(vectors: np.ndarray, turns: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Local rotations (n, 3) turned by matrices on their parents' side, as far as the limits allow."""
    wanted = Rotation.from_matrix(turns @ exponential(vectors)[0]).as_rotvec()
    before = vectors_to_swing_twist(vectors, TWIST_AXIS[rows])
    coordinates = vectors_to_swing_twist(wanted, TWIST_AXIS[rows])
    inside = np.clip(coordinates, np.minimum(LOWER[rows], before), np.maximum(UPPER[rows], before))
    return swing_twist_to_vectors(inside, TWIST_AXIS[rows])
