"""The window's end of the child that previews poses and renders NeRFs."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QObject, Qt, QThread, Signal

from app.engine.process import EngineProcess
from qnerf_core.body.pose import BodyPose
from qnerf_core.body.pose_file import pose_record
from qnerf_core.proxy.files import proxy_record

if TYPE_CHECKING:
    from qnerf_core.editing.spec import EditSpec
    from qnerf_core.proxy.model import DepthProxy
    from qnerf_core.scene.camera import Camera


class _Listener(QThread):
    """Starts the child and passes on what it says; ends with it."""

    said = Signal(object)
    died = Signal(str, str)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._child: EngineProcess | None = None
        self._lock = threading.Lock()
        self._unsent: list[dict[str, Any]] = []
        self._ending = False

    def send(self, message: dict[str, Any]) -> None:
        with self._lock:
            if self._child is None:
                self._unsent.append(message)
            else:
                self._child.send(message)

    @property
    def engine_pid(self) -> int | None:
        return self._child.pid if self._child is not None else None

    def end(self, timeout: float) -> None:
        with self._lock:
            self._ending = True
            child = self._child
        if child is not None:
            child.hang_up()
        if not self.wait(round(timeout * 1000)) and self._child is not None:
            self._child.kill()
        self.wait()

    def run(self) -> None:
        child = EngineProcess("--interactive")
        with self._lock:
            self._child = child
            for message in self._unsent:
                child.send(message)
            if self._ending:
                child.hang_up()
        for message in child.messages():
            self.said.emit(message)
        cause, words = child.obituary()
        if not self._ending:
            self.died.emit(cause, words)


class PreviewClient(QObject):
    ready = Signal(str, object, float)  # view, uint8 (H, W, 3), seconds
    nerfReady = Signal(str, object, int)  # path of the field, uint8 (H, W, 3), level (0 is the coarsest)
    nerfFinished = Signal(str)  # path of the field: this was the finest level
    warmed = Signal(str, float)  # view, seconds
    failed = Signal(object)  # {title, cause, next_step, details}

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._scratch = tempfile.TemporaryDirectory(prefix="qnerf-previews-")
        self._listener: _Listener | None = None
        self._count = 0
        self._newest: dict[str, int] = {}
        self._warming = ""
        self._closed = False

    @property
    def engine_pid(self) -> int | None:
        return self._listener.engine_pid if self._listener is not None else None

    def request(
        self, view: str, target: BodyPose | DepthProxy, spec: EditSpec, source: BodyPose | DepthProxy | None = None
    ) -> None:
        """Preview an edit of a view; what was asked for before is dropped.

        `source` is the subject in the pictures; without it, it is where the target is.
        """
        records = {"target": _record(target), "source": _record(target if source is None else source)}
        self._ask("preview", {"view": view, "spec": spec.model_dump(mode="json"), **records})

    def warm(self, view: str, source: BodyPose | DepthProxy, spec: EditSpec) -> None:
        """Load the model and prepare a view, so that its first preview is quick."""
        self._warming = view
        self._ask("warm", {"view": view, "spec": spec.model_dump(mode="json"), "source": _record(source)})

    def render_nerf(self, path: str | Path, camera: Camera, size: int) -> None:
        """Render a field (a folder with `radiance.safetensors`, or the file): coarse first, then finer up to `size`."""
        file = Path(path)
        file = file / "radiance.safetensors" if file.is_dir() else file
        given = {name: getattr(camera, name) for name in ("fx", "fy", "cx", "cy", "width", "height")}
        given["camera_to_world"] = camera.camera_to_world.tolist()
        self._ask("nerf", {"path": str(file), "asked": str(path), "camera": given, "size": size})

    def stop(self) -> None:
        """Drop everything that was asked for."""
        self._newest.clear()
        if self._listener is not None:
            self._count += 1
            self._listener.send({"do": "stop", "id": self._count})

    def close(self, timeout: float = 1.0) -> None:
        if self._closed:
            return
        self._closed = True
        if self._listener is not None:
            self._listener.end(timeout)
        self._scratch.cleanup()

    def _ask(self, kind: str, request: dict[str, Any]) -> None:
        if self._closed:
            return
        if self._listener is None:
            self._listener = _Listener(self)
            self._listener.said.connect(self._on_message, Qt.ConnectionType.QueuedConnection)
            self._listener.died.connect(self._on_death, Qt.ConnectionType.QueuedConnection)
            self._listener.start()
        self._count += 1
        self._newest[kind] = self._count
        out = str(Path(self._scratch.name) / f"{kind}-{self._count}.npy")
        self._listener.send({"do": kind, "id": self._count, "out": out, **request})

    def _on_message(self, message: dict[str, Any]) -> None:
        if self._closed:
            return
        event, number = message["event"], message["id"]
        if event == "Warm":
            self.warmed.emit(self._warming, message["seconds"])
        elif event == "Failed":
            self.failed.emit(message["failure"])
        elif event == "PreviewReady":
            picture = _taken(message["path"])
            if picture is not None and self._newest.get("preview") == number:
                self.ready.emit(message["view"], picture, message["seconds"])
        elif event == "NerfReady":
            picture = _taken(message["path"])
            if picture is not None and self._newest.get("nerf") == number:
                self.nerfReady.emit(message["asked"], picture, message["level"])
                if message["last"]:
                    self.nerfFinished.emit(message["asked"])

    def _on_death(self, cause: str, words: str) -> None:
        if self._listener is not None:
            self._listener.wait()
            self._listener.deleteLater()
            self._listener = None
        self._newest.clear()
        next_step = "The next preview starts it again. The log tells more."
        self.failed.emit({"title": "The preview stopped", "cause": cause, "next_step": next_step, "details": words})


def _record(subject: BodyPose | DepthProxy) -> dict[str, Any]:
    return pose_record(subject) if isinstance(subject, BodyPose) else proxy_record(subject)


def _taken(path: str) -> np.ndarray | None:
    file = Path(path)
    if not file.is_file():
        return None
    picture: np.ndarray = np.load(file)
    file.unlink()
    return picture
