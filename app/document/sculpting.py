from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand

from app.shell.tasks import beside
from qnerf_core.errors import ProxyError
from qnerf_core.proxy.model import ProxyPart
from qnerf_core.proxy.sculpt import Brush, SculptChange, SculptMesh, Stroke

if TYPE_CHECKING:
    from app.document.proxied import ProxiedState

LEAST_RADIUS, MOST_RADIUS = 0.01, 2.0
_FIRST_SHARE = 0.25


class SculptStroke(QUndoCommand):
    """Keeps the moved vertices only."""

    def __init__(self, document: ProxiedState, posed: str, name: str, change: SculptChange, text: str) -> None:
        super().__init__(text)
        self._document, self._posed, self._name, self._change = document, posed, name, change

    def redo(self) -> None:
        self._document.replace_part(self._posed, self._name, self._change.redone)

    def undo(self) -> None:
        self._document.replace_part(self._posed, self._name, self._change.undone)


class Sculpting(QObject):
    """Brushes on the mesh of one part; a stroke is one command."""

    changed = Signal()
    """The mode, the part or the brush."""
    stroked = Signal()
    """The surface, while the brush moves."""

    def __init__(self, document: ProxiedState) -> None:
        super().__init__(document)
        self._document = document
        self.brush = Brush("grab", 0.15)
        self.resolution = 48
        self.is_busy = False
        self.name: str | None = None
        self._part: ProxyPart | None = None
        self._mesh: SculptMesh | None = None
        self._stroke: Stroke | None = None
        for signal in (document.targetProxyChanged, document.sourceProxyChanged, document.posedChanged):
            signal.connect(self._follow)

    @property
    def is_active(self) -> bool:
        return self.name is not None

    @property
    def is_stroking(self) -> bool:
        return self._stroke is not None

    @property
    def mesh(self) -> SculptMesh | None:
        return self._mesh

    @property
    def unit_vertices(self) -> np.ndarray | None:
        """(V, 3) of the part while a stroke changes it."""
        if self._stroke is None or self._mesh is None or self._part is None:
            return None
        return self._mesh.vertices / self._part.size

    def toggle(self) -> None:
        self.leave() if self.is_active else self.enter()

    def enter(self) -> None:
        """Of the selected part, which becomes a mesh first if it is none, beside the window.

        Raises:
            ProxyError: no part is selected.
        """
        part = self._document.active_part
        if part is None:
            raise ProxyError("There is nothing to sculpt", "no part is selected", "Click a part first.")
        if part.kind == "mesh":
            self._begin(part.name)
        else:
            self._make_mesh(part, lambda: self._begin(part.name))

    def _begin(self, name: str) -> None:
        self._document.select_parts([name])
        self.name = name
        self._follow()
        self.set_brush(radius=_FIRST_SHARE * float(self._document.proxy.part(name).size.max()))

    def leave(self) -> None:
        if self.is_active:
            self.cancel()
            self.name = self._part = self._mesh = None
            self.changed.emit()

    def remesh(self) -> None:
        """The selected part as one closed surface of even triangles, made beside the window."""
        part = self._document.active_part
        if part is not None:
            self._make_mesh(part, lambda: None)

    def _make_mesh(self, part: ProxyPart, then: Callable[[], None]) -> None:
        if self.is_busy:
            return
        resolution = self.resolution
        self.is_busy = True
        self.changed.emit()

        def work() -> ProxyPart:
            from qnerf_core.proxy.remesh import remeshed

            return remeshed(part, resolution)

        def take(mesh: ProxyPart) -> None:
            # What was changed meanwhile is not overwritten.
            if any(other is part for other in self._document.proxy.parts):
                self._document.set_part(mesh, f"Remesh {part.name}")
                then()

        def done() -> None:
            self.is_busy = False
            self.changed.emit()

        beside(self, work, take, done)

    def set_brush(self, **changes: Any) -> None:
        brush = replace(self.brush, **changes)
        radius = min(max(brush.radius, LEAST_RADIUS), MOST_RADIUS)
        self.brush = replace(brush, radius=radius, strength=min(max(brush.strength, 0.02), 1.0))
        self.changed.emit()

    def set_resolution(self, cells: int) -> None:
        self.resolution = cells

    # ---- strokes

    def begin(self, point: np.ndarray, *, invert: bool = False, smooth: bool = False) -> None:
        if self._mesh is not None:
            kind = "smooth" if smooth else self.brush.kind
            self._stroke = Stroke(self._mesh, replace(self.brush, kind=kind, invert=invert), point)
            self.stroked.emit()

    def step(self, point: np.ndarray) -> None:
        if self._stroke is not None:
            self._stroke.step(point)
            self.stroked.emit()

    def finish(self) -> None:
        stroke, self._stroke = self._stroke, None
        if stroke is None or self._part is None or self._part.vertices is None:
            return
        done = stroke.finish()
        if len(done.indices):
            # Exactly what was there, so that undo brings back the very same numbers.
            change = replace(done, before=self._part.vertices[done.indices])
            text = f"Sculpt {self._part.name}"
            document = self._document
            document.undo_stack.push(SculptStroke(document, document.posed, self._part.name, change, text))

    def cancel(self) -> None:
        stroke, self._stroke = self._stroke, None
        if stroke is not None:
            stroke.cancel()
            self.stroked.emit()

    # ---- the document

    def _follow(self) -> None:
        """Another mesh of the part, by undo or a remesh; without it there is nothing to sculpt."""
        if self.name is None:
            return
        names = self._document.proxy.names
        part = self._document.proxy.part(self.name) if self.name in names else None
        if part is None or part.kind != "mesh":
            self.leave()
        elif part is not self._part:
            self._stroke = None
            self._part = part
            self._mesh = SculptMesh(part, self._mesh.topology if self._mesh is not None else None)
