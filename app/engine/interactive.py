"""The second child: previews of a pose and pictures of a NeRF, the newest request first."""

from __future__ import annotations

import threading
import time
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.engine.channel import Channel
from app.engine.models import Models
from app.model_store import equipped
from qnerf_core import files
from qnerf_core.errors import Cancelled, StudioError

if TYPE_CHECKING:
    from qnerf_core.body.model import BodyModel
    from qnerf_core.body.pose import BodyPose
    from qnerf_core.editing.inputs import EditInputs
    from qnerf_core.editing.photographs import Beside
    from qnerf_core.editing.preview import Previewer
    from qnerf_core.editing.spec import EditSpec
    from qnerf_core.field.radiance import RadianceField
    from qnerf_core.proxy.model import DepthProxy
    from qnerf_core.scene.capture import ControlKind
    from qnerf_core.scene.scene import Scene

_COARSEST = 64
_SCENES = 4
# Further photos that show in a preview what its own view hides: an edit has more, and more time.
_NEIGHBOURS = 4


class Interactive:
    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._models = Models()
        self._waiting: dict[str, dict[str, Any]] = {}
        self._newest: dict[str, dict[str, Any]] = {}
        self._news = threading.Condition()
        self._ended = False
        self._previewer: Previewer | None = None

    def serve(self) -> None:
        self._channel.listen(self._on_message, self._on_end)
        while True:
            with self._news:
                self._news.wait_for(lambda: self._waiting or self._ended)
                if self._ended:
                    return
                kind = min(self._waiting, key=lambda kind: self._waiting[kind]["id"])
                request = self._waiting.pop(kind)
            try:
                self._answer(kind, request)
            except Cancelled:
                continue
            except StudioError as error:
                failure = {"title": error.title, "cause": error.cause, "next_step": error.next_step, "details": ""}
                self._channel.send({"event": "Failed", "id": request["id"], "kind": kind, "failure": failure})

    def _on_message(self, message: dict[str, Any]) -> None:
        with self._news:
            self._newest[message["do"]] = message
            if message["do"] == "stop":
                self._waiting.clear()
                self._newest = {"preview": message, "nerf": message, "warm": message}
            else:
                self._waiting[message["do"]] = message
            self._news.notify()

    def _on_end(self) -> None:
        with self._news:
            self._ended = True
            self._news.notify()

    def _answer(self, kind: str, request: dict[str, Any]) -> None:
        if kind == "nerf":
            self._render(request)
        else:
            self._preview(request, only_warm=kind == "warm")

    def _preview(self, request: dict[str, Any], *, only_warm: bool) -> None:
        from qnerf_core.editing.preview import Previewer
        from qnerf_core.editing.spec import EditSpec

        if self._previewer is None:
            self._previewer = Previewer()

        def same_view() -> None:
            # An inversion serves every pose, so a newer pose lets it finish.
            newest = self._newest.get("preview", request)
            if self._ended or (newest["id"] > request["id"] and newest.get("view") != request["view"]):
                raise Cancelled

        def newest() -> None:
            if self._ended or self._newest["preview"]["id"] != request["id"]:
                raise Cancelled

        started = time.perf_counter()
        spec = EditSpec.model_validate(request["spec"])
        inputs = self._inputs(request, spec)
        self._previewer.invert(inputs, spec, same_view)
        if only_warm:
            self._channel.send({"event": "Warm", "id": request["id"], "seconds": time.perf_counter() - started})
            return
        picture = self._previewer.render(inputs, spec, newest)
        newest()
        _write(Path(request["out"]), picture)
        seconds = time.perf_counter() - started
        answer = {"event": "PreviewReady", "id": request["id"], "view": request["view"], "path": request["out"]}
        self._channel.send(answer | {"seconds": seconds})

    def _inputs(self, request: dict[str, Any], spec: EditSpec) -> EditInputs:
        from qnerf_core.body.pose import BodyPose
        from qnerf_core.editing.inputs import build_inputs

        only = spec.model_copy(update={"views": (request["view"],)})
        source = _subject(request["source"])
        target = _subject(request["target"]) if "target" in request else source
        control: ControlKind = "skeleton" if isinstance(target, BodyPose) else "depth"
        spec = equipped(spec, control)
        backbone = self._models.of(spec.backbone, control, spec.model)
        beside = _beside() if "target" in request else None
        return build_inputs(_scene(spec.scene), source, target, only, backbone, _body(), beside)

    def _render(self, request: dict[str, Any]) -> None:
        from qnerf_core.scene.camera import Camera

        def newest() -> None:
            if self._ended or self._newest["nerf"]["id"] != request["id"]:
                raise Cancelled

        path = Path(request["path"])
        field = _field(path, path.stat().st_mtime_ns if path.exists() else 0)
        given = request["camera"]
        camera = Camera(np.array(given.pop("camera_to_world")), **given)
        longest = max(camera.width, camera.height)
        size = min(_COARSEST, request["size"])
        level = 0
        while True:
            scale = size / longest
            smaller = camera.scaled(max(1, round(camera.width * scale)), max(1, round(camera.height * scale)))
            rgb = field.render(smaller, newest).rgb.clamp(0, 1).mul(255).round().byte()
            out = Path(request["out"]).with_suffix(f".{level}.npy")
            newest()
            _write(out, rgb.permute(1, 2, 0).contiguous().numpy())
            last = size >= request["size"]
            answer = {"event": "NerfReady", "id": request["id"], "asked": request["asked"], "path": str(out)}
            self._channel.send(answer | {"level": level, "last": last})
            if last:
                return
            size = min(size * 2, request["size"])
            level += 1


def _subject(record: dict[str, Any]) -> BodyPose | DepthProxy:
    from qnerf_core.body.pose_file import FORMAT, parse_pose
    from qnerf_core.proxy.files import proxy_of_record

    return parse_pose(record, "preview") if record.get("format") == FORMAT else proxy_of_record(record)


@lru_cache(maxsize=1)
def _body() -> BodyModel:
    from qnerf_core.body.model import BodyModel

    return BodyModel.load()


@lru_cache(maxsize=1)
def _beside() -> Beside:
    from qnerf_core.editing.photographs import Beside

    return Beside(_NEIGHBOURS)


@lru_cache(maxsize=_SCENES)
def _scene(name: str) -> Scene:
    from qnerf_core.runs.scenes import load_run_scene

    return load_run_scene(name)[0]


@lru_cache(maxsize=2)
def _field(path: Path, _changed: int) -> RadianceField:
    from qnerf_core.field.radiance import RadianceField

    return RadianceField.load(path)


def _write(path: Path, picture: np.ndarray) -> None:
    with files.atomic_path(path) as temporary:
        np.save(temporary, picture)
