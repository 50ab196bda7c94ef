"""A first proxy of a capture by itself: oriented boxes by splitting, or one smooth mesh."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import ndimage
from scipy.spatial.transform import Rotation

from qnerf_core.errors import Cancelled, ProxyError
from qnerf_core.proxy.model import DepthProxy, ProxyPart, mesh_part
from qnerf_core.proxy.solid_field import SolidField, Tell, looked_at, part_of, visual_hull
from qnerf_core.proxy.topology import Topology
from qnerf_core.scene.scene import Scene, load_depth, load_mask

# More views carve the same hull.
_MOST_VIEWS = 32
# Boxes keep the directions of what they were split from unless others make them smaller by this share.
_TURN_GAIN = 0.15
# A split must save this share of the first box's volume.
_SPLIT_GAIN = 0.01
_SCRAP = 0.005
_MIN_LAYERS = 2
_MOST_SLABS = 4
# Ways to cut a box that are judged by what follows.
_LOOKED_AHEAD = 5
_RELAX_ROUNDS = 3
# Cells.
_SMOOTHING = 0.4
_LEVEL = -0.3
# Shares of the time at which the masks are read, and the subject is carved; measured on the sofa.
_READ = 0.05
_CARVED = {"boxes": 0.6, "mesh": 0.95}


def fit_proxy(
    scene: Scene,
    kind: Literal["boxes", "mesh"] = "boxes",
    *,
    boxes: int = 8,
    resolution: int = 64,
    misses: int = 0,
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> DepthProxy:
    """Fit a proxy to a capture's masks, and to its depth if it has any.

    Args:
        scene: Its training views with masks are used.
        kind: Oriented boxes, or one mesh.
        boxes: At most so many.
        resolution: Nodes of the grid along the subject's longest side.
        misses: So many masks may be wrong at a place.
        progress: Told the share that is done, after every view and every cut.
        cancelled: Asked as often.

    Raises:
        ProxyError: Under two views have masks, or the masks do not meet.
        StudioError: A picture cannot be read.
        Cancelled: It was.
    """
    views = [view for view in scene.training_views if view.mask_path]
    if len(views) < 2:
        raise ProxyError(
            f"No proxy can be fitted to {scene.name}",
            "under two of its views have masks",
            "Add masks, or start from a box.",
        )
    views = [views[index * len(views) // min(len(views), _MOST_VIEWS)] for index in range(min(len(views), _MOST_VIEWS))]
    cameras = [view.camera for view in views]
    bounds = np.asarray(scene.bounds if scene.bounds is not None else looked_at(cameras))
    has_depth = all(view.depth_path for view in views)

    def tell(share: float) -> None:
        if cancelled is not None and cancelled():
            raise Cancelled("The fit is stopped", "nothing was changed", "Start it again any time.")
        if progress is not None:
            progress(share)

    tell(0.0)
    masks, depths = [], []
    for number, view in enumerate(views, 1):
        masks.append(load_mask(view))
        if has_depth:
            depths.append(load_depth(view))
        tell(_READ * number / len(views))
    carved = _CARVED[kind]
    field = visual_hull(
        cameras,
        masks,
        bounds,
        depths or None,
        resolution=resolution,
        misses=misses,
        tell=part_of(tell, _READ, carved),
    )
    if kind == "boxes":
        proxy = fit_boxes(field, boxes, part_of(tell, carved, 1.0))
    else:
        proxy = DepthProxy((fit_mesh(field, scene.name or "subject"),))
    tell(1.0)
    return proxy


def fit_mesh(field: SolidField, name: str) -> ProxyPart:
    """Wrap a smooth mesh around the inside of a field.

    Args:
        field: Where the subject is.
        name: Of the part.
    """
    from skimage.measure import marching_cubes

    # Only the largest piece; a cell from its surface any number will do.
    near = ndimage.binary_dilation(field.inside)
    values = np.where(near, np.clip(field.values / field.cell, -1.0, 1.0), -1.0)
    values = ndimage.gaussian_filter(np.pad(values, 2, constant_values=-1.0), _SMOOTHING)
    vertices, faces, _, _ = marching_cubes(values, _LEVEL, spacing=(field.cell,) * 3, gradient_direction="ascent")
    faces = faces.astype(np.int64)
    vertices = Topology.of(faces, len(vertices)).relaxed(vertices, _RELAX_ROUNDS)
    return mesh_part(name, vertices + field.lower - 2 * field.cell, faces)


def fit_boxes(field: SolidField, most: int = 8, tell: Tell | None = None) -> DepthProxy:
    """Cover the inside of a field by oriented boxes: the box that gains most by being cut into slabs is cut, and again.

    Boxes stand upright, turned about the vertical as fits best, unless leaning saves much.

    Args:
        field: Where the subject is.
        most: Boxes, at most.
        tell: Told after every cut.

    Returns:
        Boxes named "box 1", "box 2" ... by falling volume.
    """
    leaves = [_Leaf.of(field.points(), field.cell, None)]
    plans = [_plan(leaves[0], field.cell)]
    smallest_gain = _SPLIT_GAIN * leaves[0].volume
    while True:
        affordable = [[cut for cut in plan if cut.boxes <= most - len(leaves)] for plan in plans]
        index = int(np.argmax([cuts[0].promise if cuts else -np.inf for cuts in affordable]))
        if not affordable[index] or affordable[index][0].promise < smallest_gain:
            break
        leaf, cut = leaves.pop(index), affordable[index][0]
        del plans[index]
        parts = [_Leaf.of(part, field.cell, leaf.axes) for part in cut.parts(leaf)]
        leaves += parts
        plans += [_plan(part, field.cell) for part in parts]
        if tell is not None:
            tell(len(leaves) / most)
    # What is left between two cuts may be a few nodes.
    leaves = [leaf for leaf in leaves if len(leaf.points) >= _SCRAP * sum(len(other.points) for other in leaves)]
    leaves.sort(key=lambda leaf: -leaf.volume)
    return DepthProxy(tuple(leaf.part(f"box {number}") for number, leaf in enumerate(leaves, 1)))


@dataclass(frozen=True, eq=False)
class _Leaf:
    """Points (N, 3) and their box: axes in columns, extents along them with a cell's rim."""

    points: np.ndarray
    axes: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @property
    def volume(self) -> float:
        return float(np.prod(self.high - self.low))

    @classmethod
    def of(cls, points: np.ndarray, cell: float, parent_axes: np.ndarray | None) -> _Leaf:
        return cls.along(points, cell, _best_axes(points, cell, parent_axes))

    @classmethod
    def along(cls, points: np.ndarray, cell: float, axes: np.ndarray) -> _Leaf:
        along = points @ axes
        return cls(points, axes, along.min(axis=0) - 0.5 * cell, along.max(axis=0) + 0.5 * cell)

    def part(self, name: str) -> ProxyPart:
        centre = self.axes @ (0.5 * (self.low + self.high))
        return ProxyPart(name, "box", centre, Rotation.from_matrix(self.axes).as_rotvec(), self.high - self.low)


def _best_axes(points: np.ndarray, cell: float, parent: np.ndarray | None) -> np.ndarray:
    def upright(yaws: np.ndarray) -> tuple[float, float, np.ndarray]:
        turned = [Rotation.from_rotvec([0.0, 0.0, yaw]).as_matrix() for yaw in yaws]
        volumes = [_volume(points, axes, cell) for axes in turned]
        best = int(np.argmin(volumes))
        return volumes[best], float(yaws[best]), turned[best]

    rough = upright(np.radians(np.arange(0.0, 90.0, 3.0)))[1]
    volume, _, preferred = upright(rough + np.radians(np.arange(-1.5, 1.6, 0.5)))
    if parent is not None and _volume(points, parent, cell) * (1 - _TURN_GAIN) <= volume:
        preferred = parent
    vectors = np.linalg.eigh(np.cov(points.T))[1] if len(points) > 3 else np.eye(3)
    leaning = vectors * np.sign(np.linalg.det(vectors))
    if _volume(points, leaning, cell) < _volume(points, preferred, cell) * (1 - 2 * _TURN_GAIN):
        return np.asarray(leaning)
    return preferred


def _volume(points: np.ndarray, axes: np.ndarray, cell: float) -> float:
    return float(np.prod(np.ptp(points @ axes, axis=0) + cell))


@dataclass(frozen=True, eq=False)
class _Cut:
    """A way to cut a box: volume saved, slab (N,) of every point, and what it promises if its parts are cut as well.

    `promise` is the volume saved per box that is added, `boxes` how many these are.
    """

    gain: float
    slabs: np.ndarray
    promise: float
    boxes: int

    def parts(self, leaf: _Leaf) -> list[np.ndarray]:
        return [leaf.points[self.slabs == slab] for slab in np.unique(self.slabs)]


def _plan(leaf: _Leaf, cell: float) -> list[_Cut]:
    """The most promising ways to cut a box, the best first, each judged with the best next cuts of its parts.

    An arm of a sofa saves nothing until the other one is cut off, too, and both little until the seat is cut from the
    back: so cuts are into several slabs at once, and one more cut is looked ahead.
    """
    planned = []
    for cut in sorted(_cuts(leaf, cell), key=lambda cut: -cut.promise)[:_LOOKED_AHEAD]:
        choices = [(cut.gain, cut.boxes)]
        for part in cut.parts(leaf):
            following = max(_cuts(_Leaf.along(part, cell, leaf.axes), cell), key=lambda cut: cut.promise, default=None)
            if following is not None and following.gain > 0:
                choices.append((following.gain, following.boxes))
        # The cut itself, and as many of the next ones as pay.
        gain, boxes = choices[0]
        for more, added in sorted(choices[1:], key=lambda choice: -choice[0] / choice[1]):
            if (gain + more) / (boxes + added) > gain / boxes:
                gain, boxes = gain + more, boxes + added
        planned.append(_Cut(cut.gain, cut.slabs, gain / boxes, boxes))
    return sorted(planned, key=lambda cut: -cut.promise)


def _cuts(leaf: _Leaf, cell: float) -> list[_Cut]:
    """The best ways to cut a box across each of its axes into two, three ... slabs."""
    found = []
    along = leaf.points @ leaf.axes
    for axis in range(3):
        layers = np.rint((along[:, axis] - along[:, axis].min()) / cell).astype(np.int64)
        volumes = _slab_volumes(along, layers, cell)
        count = len(volumes)
        cost, choice = volumes[0], []
        for slabs in range(2, _MOST_SLABS + 1):
            # Of everything up to a layer: the best of all places where its last slab may begin.
            total = np.full((count, count), np.inf)
            total[1:] = cost[:-1, None] + volumes[1:]
            choice.append(total.argmin(axis=0))
            cost = total.min(axis=0)
            gain = leaf.volume - float(cost[-1])
            if np.isfinite(gain):
                found.append(_Cut(gain, _slabs_of(layers, choice, count), gain / (slabs - 1), slabs - 1))
    return found


def _slab_volumes(along: np.ndarray, layers: np.ndarray, cell: float) -> np.ndarray:
    """Volumes (L, L) of the boxes of all points from a layer to another one; endless for slabs too thin or no slabs."""
    count = int(layers.max()) + 1
    low, high = np.full((count, 3), np.inf), np.full((count, 3), -np.inf)
    np.minimum.at(low, layers, along)
    np.maximum.at(high, layers, along)
    volumes = np.full((count, count), np.inf)
    for first in range(count):
        extent = np.maximum.accumulate(high[first:]) - np.minimum.accumulate(low[first:]) + cell
        # Nothing in it costs nothing.
        volumes[first, first:] = np.where(np.isfinite(extent).all(axis=1), np.prod(np.maximum(extent, 0), axis=1), 0.0)
        volumes[first, first : first + _MIN_LAYERS - 1] = np.inf
    return volumes


def _slabs_of(layers: np.ndarray, choice: list[np.ndarray], count: int) -> np.ndarray:
    slabs, end = np.zeros(len(layers), dtype=np.int64), count - 1
    for begins in reversed(choice):
        begin = int(begins[end])
        slabs[layers >= begin] += 1
        end = begin - 1
    return slabs
