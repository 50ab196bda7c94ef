"""Reading body files in SMPL's schema, `.npz` or `.pkl`; a pickle is decoded, never executed."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from qnerf_core.body.openpose import FACE_VERTEX_NAMES, SMPL_FACE_VERTICES
from qnerf_core.body.pose import BETA_COUNT, SMPL_PARENTS
from qnerf_core.errors import BodyModelError

_SMPL_VERTEX_COUNT = 6890
_HOW_TO_GET = "Download SMPL from smpl.is.tue.mpg.de (research licence), or use the built-in body."


@dataclass(frozen=True, eq=False)
class SmplData:
    """The arrays of an SMPL file.

    Attributes:
        template: (V, 3) mean body in T-pose, y up, metres, float64.
        shape_directions: (V, 3, 10) displacement per unit of each beta.
        pose_directions: (V, 3, 207) pose correctives.
        joint_regressor: (24, V), rows sum to 1.
        weights: (V, 24) skinning weights, rows sum to 1.
        kinematic_tree: (2, 24) parent and own index of each joint.
        faces: (F, 3) int64 triangles.
        face_vertices: Vertex of each OpenPose face keypoint.
    """

    template: np.ndarray
    shape_directions: np.ndarray
    pose_directions: np.ndarray
    joint_regressor: np.ndarray
    weights: np.ndarray
    kinematic_tree: np.ndarray
    faces: np.ndarray
    face_vertices: Mapping[str, int]


class _ChumpyArray:
    """Stands for `chumpy.Ch` while unpickling: SMPL's pickles wrap some arrays in it."""

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.array = np.asarray(state["x"])


def _encoded(text: str, encoding: str) -> bytes:
    """Stands for `codecs.encode`, with which Python 3 writes bytes into old pickle protocols."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"it encodes text as {encoding}, which no SMPL file needs")
    return text.encode("latin1")


class _SmplUnpickler(pickle.Unpickler):
    """Unpickles numpy arrays, scipy sparse matrices and chumpy wrappers; refuses everything else.

    A pickle can call any function when loaded, so the classes it may name are listed here.
    """

    _ALLOWED: Mapping[tuple[str, str], Any] = {
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        ("_codecs", "encode"): _encoded,
        ("chumpy.ch", "Ch"): _ChumpyArray,
        ("scipy.sparse.csc", "csc_matrix"): sparse.csc_matrix,
        ("scipy.sparse._csc", "csc_matrix"): sparse.csc_matrix,
    }
    _NUMPY_HELPERS = ("_reconstruct", "scalar", "_frombuffer")

    def find_class(self, module_name: str, global_name: str) -> Any:
        allowed = self._ALLOWED.get((module_name, global_name))
        if allowed is not None:
            return allowed
        if module_name in ("numpy.core.multiarray", "numpy._core.multiarray", "numpy._core.numeric") and (
            global_name in self._NUMPY_HELPERS
        ):
            # numpy 2 moved these helpers; old files name the old place.
            home = "numpy._core.numeric" if global_name == "_frombuffer" else "numpy._core.multiarray"
            return getattr(import_module(home), global_name)
        raise pickle.UnpicklingError(f"it names {module_name}.{global_name}, which no SMPL file needs")


def read_body_file(path: Path) -> SmplData:
    """Reads a body in SMPL's schema.

    Args:
        path: `.npz` with SMPL's keys, or SMPL's own `.pkl` (chumpy is not needed).

    Raises:
        BodyModelError: Missing file, other format, missing or misshapen arrays, or a pickle that is more than data.
    """
    if not path.is_file():
        raise BodyModelError("The body file was not found", f"There is no file {path}", _HOW_TO_GET)
    raw = _read_arrays(path)
    try:
        data = _from_arrays(raw)
    except KeyError as error:
        raise BodyModelError(
            "The body file is not in SMPL's schema", f"{path} has no array {error}", _HOW_TO_GET
        ) from error
    _check(data, path)
    return data


def _read_arrays(path: Path) -> Mapping[str, Any]:
    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as archive:
                return {key: archive[key] for key in archive.files}
        if path.suffix == ".pkl":
            with path.open("rb") as file:
                content = _SmplUnpickler(file, encoding="latin1").load()
            if not isinstance(content, dict):
                raise BodyModelError("The body file is not in SMPL's schema", f"{path} holds no table", _HOW_TO_GET)
            return content
    except (pickle.UnpicklingError, zipfile.BadZipFile, EOFError, OSError, ValueError, AttributeError) as error:
        raise BodyModelError("The body file cannot be read", f"{path}: {error}", _HOW_TO_GET) from error
    raise BodyModelError(
        "The body file has another format", f"{path.name} is neither .npz nor .pkl", "Choose SMPL's .npz or .pkl file."
    )


def _dense(value: Any) -> np.ndarray:
    if isinstance(value, _ChumpyArray):
        return np.asarray(value.array)
    return np.asarray(value.todense()) if sparse.issparse(value) else np.asarray(value)


def _from_arrays(raw: Mapping[str, Any]) -> SmplData:
    template = _dense(raw["v_template"]).astype(np.float64)
    if "face_vertices" in raw:
        face_vertices = dict(zip(FACE_VERTEX_NAMES, _dense(raw["face_vertices"]).astype(int).tolist(), strict=True))
    elif len(template) == _SMPL_VERTEX_COUNT:
        face_vertices = dict(SMPL_FACE_VERTICES)
    else:
        raise KeyError("face_vertices")
    shape_directions = _dense(raw["shapedirs"]).astype(np.float64)[:, :, :BETA_COUNT]
    # The built-in body has no pose correctives; SMPL's schema wants the array.
    pose_directions = _dense(raw["posedirs"]).astype(np.float64) if "posedirs" in raw else None
    if pose_directions is None:
        pose_directions = np.zeros((len(template), 3, 9 * 23))
    return SmplData(
        template=template,
        shape_directions=shape_directions,
        pose_directions=pose_directions,
        joint_regressor=_dense(raw["J_regressor"]).astype(np.float64),
        weights=_dense(raw["weights"]).astype(np.float64),
        kinematic_tree=_dense(raw["kintree_table"]).astype(np.int64),
        faces=_dense(raw["f"]).astype(np.int64),
        face_vertices=face_vertices,
    )


def _check(data: SmplData, path: Path) -> None:
    count = len(data.template)
    expected = {
        "v_template": (data.template, (count, 3)),
        "shapedirs": (data.shape_directions, (count, 3, BETA_COUNT)),
        "posedirs": (data.pose_directions, (count, 3, 207)),
        "J_regressor": (data.joint_regressor, (24, count)),
        "weights": (data.weights, (count, 24)),
        "kintree_table": (data.kinematic_tree, (2, 24)),
    }
    problems = [
        f"{key} has shape {array.shape}, needs {shape}"
        for key, (array, shape) in expected.items()
        if array.shape != shape
    ]
    problems += [f"{key} is not finite" for key, (array, _) in expected.items() if not np.isfinite(array).all()]
    if not problems:
        if tuple(data.kinematic_tree[0, 1:].tolist()) != SMPL_PARENTS[1:]:
            problems.append("kintree_table is not SMPL's tree of 24 joints")
        if data.faces.ndim != 2 or data.faces.shape[1] != 3 or data.faces.min() < 0 or data.faces.max() >= count:
            problems.append("f does not index the vertices")
        if max(data.face_vertices.values()) >= count:
            problems.append("face_vertices does not index the vertices")
    if problems:
        raise BodyModelError("The body file is not in SMPL's schema", f"{path}: {'; '.join(problems)}", _HOW_TO_GET)
