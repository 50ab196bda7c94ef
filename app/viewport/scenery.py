from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.viewport.desk import Desk
from app.viewport.look import Look
from app.viewport.photos import Photos
from app.viewport.proxy_scenery import ProxyScenery
from app.viewport.tools import Tools

if TYPE_CHECKING:
    from app.viewport.stage import Stage

_GHOST_OPACITY = 0.32
_TRANSLUCENT = 0.45
_BODY, _GHOST, _SCENE, _THUMBNAILS, _LOOK = range(5)


class Scenery:
    """Brings to the stage what changed in the document, and nothing else, when the next frame is drawn."""

    def __init__(self, desk: Desk, tools: Tools, photos: Photos, stage: Stage) -> None:
        self._desk, self._tools, self._photos, self._stage = desk, tools, photos, stage
        self._proxies = ProxyScenery(desk, stage)
        self._stale = {_BODY, _GHOST, _SCENE, _THUMBNAILS, _LOOK}
        self._faces: np.ndarray | None = None
        self._colours = np.zeros((0, 3), dtype=np.uint8)

    def pose_changed(self) -> None:
        self._stale |= {_BODY, _GHOST}

    def scene_changed(self) -> None:
        self._stale |= {_BODY, _GHOST, _SCENE, _THUMBNAILS}

    def thumbnails_changed(self) -> None:
        self._stale.add(_THUMBNAILS)

    def look_changed(self) -> None:
        self._stale.add(_LOOK)

    def sync(self, look: Look, shown: set[str], is_result: bool, through: bool) -> None:
        stage, desk = self._stage, self._desk
        empty = desk.is_empty
        if _LOOK in self._stale:
            stage.set_look(look)
            self._stale.discard(_LOOK)
        if not empty:
            self._sync_scene(look)
        stage.floor.set_visible("floor" in shown and not through and not empty)
        posed = desk.has_body and not is_result
        stage.body.set_visible("body" in shown and posed)
        stage.body.set_opacity(_TRANSLUCENT if "translucent" in shown and not through else 1.0)
        with_ghost = desk.document.show_both and posed
        stage.ghost.set_visible(with_ghost)
        self._proxies.sync(look, shown, is_result, through)
        stage.frusta.set_visible("cameras" in shown and not through and not is_result and not empty)
        if empty:
            return
        if _BODY in self._stale and posed:
            stage.body.set_vertices(desk.vertices)
            self._stale.discard(_BODY)
        if _GHOST in self._stale and with_ghost:
            self._sync_ghost()
        self._sync_cameras(look)

    def _sync_scene(self, look: Look) -> None:
        if _SCENE not in self._stale:
            return
        self._stale.discard(_SCENE)
        body = self._desk.document.body
        if self._faces is not body.faces:
            self._faces = body.faces
            for figure in (self._stage.body, self._stage.ghost):
                figure.set_faces(body.faces, len(self._desk.vertices))
        self._stage.floor.place(self._desk.scene_radius, self._desk.document.floor)
        self._stage.frusta.set_shapes(self._desk.shapes, look.rgb8("grid"))
        self._colours = np.zeros((0, 3), dtype=np.uint8)

    def _sync_ghost(self) -> None:
        document = self._desk.document
        other = document.source_pose if document.posed == "target" else document.target_pose
        self._stage.ghost.set_vertices(document.body.vertices(other))
        self._stage.ghost.set_opacity(_GHOST_OPACITY)
        self._stale.discard(_GHOST)

    def _sync_cameras(self, look: Look) -> None:
        if _THUMBNAILS in self._stale:
            for index, pixels in self._photos.thumbnails():
                self._stage.frusta.set_thumbnail(index, pixels)
            self._stage.frusta.upload_thumbnails()
            self._stale.discard(_THUMBNAILS)
        self._stage.frusta.hide_those(self._desk.shapes.in_the_way(self._desk.camera, self._desk.focus_depth))
        colours = self._camera_colours(look)
        if not np.array_equal(colours, self._colours):
            self._stage.frusta.set_colours(colours)
            self._colours = colours

    def _camera_colours(self, look: Look) -> np.ndarray:
        document = self._desk.document
        views = document.scene.views if document.scene is not None else ()
        names = ["heldout" if view.heldout else "training" for view in views]
        for index, view in enumerate(views):
            if view.name == document.current_view:
                names[index] = "current"
        if self._tools.hovered_frustum is not None and self._tools.hovered_frustum < len(names):
            names[self._tools.hovered_frustum] = "selected"
        return np.array([look.rgb8(name) for name in names], dtype=np.uint8).reshape(-1, 3)
