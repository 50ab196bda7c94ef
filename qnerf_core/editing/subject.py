"""What is edited, before and after: a posed body or a loose proxy, and the control images made of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qnerf_core.body.model import BodyModel
from qnerf_core.body.pose import BodyPose
from qnerf_core.control.loose_depth import depth_control_image, over_boundary
from qnerf_core.control.openpose import skeleton_image
from qnerf_core.editing.body_motion import BodyMotion
from qnerf_core.editing.motion import Motion
from qnerf_core.editing.proxy_motion import ProxyMotion
from qnerf_core.editing.spec import ControlSettings
from qnerf_core.proxy.correspondence import places_before
from qnerf_core.proxy.model import DepthProxy
from qnerf_core.scene.camera import Camera
from qnerf_core.scene.capture import ControlKind

Mesh = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class Subject:
    """Two states of a subject as meshes in the world: vertices (V, 3), metres, and faces (F, 3).

    Attributes:
        control: Which kind of control image shows it to the diffusion.
        source: As the pictures show it.
        target: After the edit.
        source_keypoints: (18, 3) OpenPose keypoints of the source, metres; None for a proxy.
        keypoints: (18, 3) of the target.
        places: Of source and target vertices, (V, 3) each: the spot of the subject that they are, metres,
            the same before and after; on a body in rest pose, where no limb is near another, or on a proxy's source.
        motion: How the edit moves what goes with the subject; None as `places`.
    """

    control: ControlKind
    source: Mesh
    target: Mesh
    source_keypoints: np.ndarray | None = None
    keypoints: np.ndarray | None = None
    places: tuple[np.ndarray, np.ndarray] | None = None
    motion: Motion | None = None

    @classmethod
    def of(cls, source: BodyPose | DepthProxy, target: BodyPose | DepthProxy, body: BodyModel | None) -> Subject:
        """Make it of two poses of a body, or of two proxies.

        Args:
            source: As the pictures show it.
            target: After the edit, of the same kind.
            body: The body model; only poses need one.

        Raises:
            TypeError: One is a pose and the other a proxy, or a pose comes without a body.
        """
        if isinstance(source, BodyPose) and isinstance(target, BodyPose) and body is not None:
            before, after = body(source), body(target)
            meshes = (before.vertices, body.faces), (after.vertices, body.faces)
            rest = body.rest_vertices(source.betas, source.proportions)
            motion = BodyMotion(before.vertices, after.vertices, body.faces, body.weights.argmax(axis=1))
            return cls("skeleton", *meshes, before.keypoints, after.keypoints, (rest, rest), motion)
        if isinstance(source, DepthProxy) and isinstance(target, DepthProxy):
            before_mesh = source.mesh()
            places = before_mesh[0], places_before(source, target)
            return cls("depth", before_mesh, target.mesh(), places=places, motion=ProxyMotion(source, target))
        raise TypeError("source and target must both be poses of a given body, or both proxies")

    def control_image(
        self,
        camera: Camera,
        depth: np.ndarray,
        boundary: np.ndarray,
        settings: ControlSettings,
        *,
        before: bool = False,
    ) -> np.ndarray:
        """Draw what the diffusion sees of the subject.

        Args:
            camera: The view; gives the size.
            depth: (H, W) depth of the subject alone in that state, metres, 0 = nothing.
            boundary: (H, W) depth of the scene without its subject, metres, 0 = unknown.
            settings: In which style.
            before: As the pictures show it, instead of after the edit.

        Returns:
            (H, W, 3) uint8 RGB.
        """
        keypoints = self.source_keypoints if before else self.keypoints
        if keypoints is not None:
            return skeleton_image(keypoints, camera, settings.style)
        return depth_control_image(over_boundary(depth, boundary), settings.depth_style)


def surface_points(mesh: Mesh, count: int) -> np.ndarray:
    """Spread points over a surface, evenly by area and always the same.

    Args:
        mesh: Vertices (V, 3) and faces (F, 3).
        count: How many.

    Returns:
        (count, 3) float64; (0, 3) of a mesh without area.
    """
    vertices, faces = mesh
    corners = np.asarray(vertices, dtype=np.float64)[faces]
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    ends = np.cumsum(0.5 * np.linalg.norm(np.cross(first, second), axis=1))
    if not len(ends) or ends[-1] <= 0:
        return np.zeros((0, 3))
    chosen = np.searchsorted(ends, (np.arange(count) + 0.5) / count * ends[-1])
    # Within the triangles by the sequence of Roberts' plastic number, folded from the square.
    u, v = ((0.5 + np.arange(count)[:, None] * np.array([0.7548776662466927, 0.5698402909980532])) % 1.0).T
    u, v = np.where(u + v > 1, 1 - u, u), np.where(u + v > 1, 1 - v, v)
    return np.asarray(corners[chosen, 0] + u[:, None] * first[chosen] + v[:, None] * second[chosen])
