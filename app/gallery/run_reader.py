from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.gallery.run_state import Fit, Picture, RunState, Stop, StopState
from app.run_titles import run_title
from qnerf_core import files
from qnerf_core.errors import StudioError
from qnerf_core.runs.folder import INFO_FILE, LOG_FILE, RUN_FILE, RunFolder
from qnerf_core.runs.scenes import load_run_scene

MAPS_FILE = "maps.npz"
STAGES = {
    "encoding": "Encoding the views",
    "inversion": "Inverting",
    "kept": "Denoising",
    "guidance": "Consolidating",
    "look-ahead": "Looking ahead",
    "qnerf": "Fitting the QNeRF",
    "decoding": "Decoding",
}
# A run that nobody here started counts as running while its log still grows.
_SILENT_SECONDS = 120.0


class LogTail:
    """What a growing log says so far; every read takes only the new lines."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._begin()

    def _begin(self) -> None:
        self._offset = 0
        self.fits: dict[int, Fit] = {}
        self.progress: Mapping[str, Any] = {}
        self.interval_starts: dict[int, float] = {}
        self.time = 0.0

    def read(self) -> None:
        try:
            if self._path.stat().st_size < self._offset:
                self._begin()
            with self._path.open("rb") as file:
                file.seek(self._offset)
                content = file.read()
        except OSError:
            return
        complete = content.rfind(b"\n") + 1
        self._offset += complete
        for line in content[:complete].splitlines():
            try:
                self._take(json.loads(line))
            except (ValueError, KeyError, TypeError):
                continue

    def _take(self, record: Mapping[str, Any]) -> None:
        self.time = float(record["time"])
        match record["event"]:
            case "StageProgress":
                self.progress = record
                if record["interval"] is not None:
                    self.interval_starts.setdefault(record["interval"], float(record["fraction"]))
            case "FieldFitted":
                self.fits[record["interval"]] = Fit(
                    _numbers(record["losses"]),
                    _numbers(record["disagreement"]),
                    _numbers(record["rendered_disagreement"]),
                    _numbers(record["layer_errors"]),
                )
            case "RunStarted":
                self.progress, self.interval_starts = {}, {}


class RunReader:
    """Reads one run again and again. Made for a thread of its own; needs no Qt."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._log = LogTail(path / LOG_FILE)
        self._infos: dict[int, tuple[int, dict[str, Any]]] = {}
        self._scene: tuple[dict[str, Picture], dict[str, Picture]] | None = None

    def read(self, live: bool | None = None) -> RunState:
        """The run as it is now. `live` says whether a job is working on it, None that it is not known."""
        try:
            return self._read(RunFolder(self.path), live)
        except StudioError as error:
            return RunState(self.path, self.path.name, problem=str(error))
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            return RunState(
                self.path, self.path.name, problem=f"{self.path / RUN_FILE} is damaged: it lacks what a run must have."
            )

    def _read(self, run: RunFolder, live: bool | None) -> RunState:
        self._log.read()
        status = run.status
        if status == "running" and not self._alive(live):
            status = "interrupted"
        height, width = run.info.get("image_size", (1, 1))
        originals, truth = self._capture(run)
        return RunState(
            path=self.path,
            title=run_title(self.path),
            spec=run.spec,
            status=status,
            views=run.views,
            size=(int(width), int(height)),
            stops=self._stops(run, status, originals),
            truth=truth,
            query_layers=tuple(run.info.get("query_layers", ())),
            query_shapes=tuple(tuple(shape) for shape in run.info.get("query_shapes", ())),
            activity=self._activity() if status == "running" else "",
            fraction=1.0 if status == "finished" else float(self._log.progress.get("fraction", 0.0)),
            problem=_failure(run.info.get("failure")),
        )

    def _alive(self, live: bool | None) -> bool:
        return time.time() - self._log.time < _SILENT_SECONDS if live is None else live

    def _capture(self, run: RunFolder) -> tuple[dict[str, Picture], dict[str, Picture]]:
        if self._scene is None and run.views:
            try:
                scene, capture = load_run_scene(run.spec.scene)
                edit = capture.edits.get(run.spec.edit) if capture else None
                truth = getattr(edit, "truth", None)
                self._scene = (
                    _pictures({view.name: view.image_path for view in scene.views}),
                    _pictures({view.name: view.image_path for view in truth.views}) if truth else {},
                )
            except StudioError:
                self._scene = ({}, {})
        originals, truths = self._scene or ({}, {})
        return {name: originals[name] for name in run.views if name in originals}, truths

    def _stops(self, run: RunFolder, status: str, originals: Mapping[str, Picture]) -> tuple[Stop, ...]:
        if not run.views:
            return ()
        plan = run.info.get("intervals", ())
        infos = [self._info(run, index) for index in range(len(plan))]
        done = next((index for index, info in enumerate(infos) if info is None), len(plan))
        progress = self._log.progress
        inverting = progress.get("stage") in ("encoding", "inversion")
        stops = [Stop("original", "finished", originals, fraction=self._inverted(run) if inverting else 1.0)]
        for index, (entry, info) in enumerate(zip(plan, infos, strict=True)):
            state: StopState = "finished" if index < done else "planned"
            if index == done and not inverting and status != "new":
                state = "running" if status == "running" else "stopped"
            stops.append(self._interval(run, index, entry, info if index < done else None, state))
        edited = _pictures_in(run.path / "edited", run.views, ".png")
        state = "finished" if len(edited) == len(run.views) else "planned"
        if state == "planned" and done == len(plan):
            state = "running" if status == "running" else "stopped"
        steps = run.spec.steps
        fraction = len(edited) / len(run.views)
        return (*stops, Stop("result", state, edited, steps=(steps, steps), fraction=fraction))

    def _interval(
        self, run: RunFolder, index: int, entry: Mapping[str, Any], info: Mapping[str, Any] | None, state: StopState
    ) -> Stop:
        folder = run.interval_folder(index)
        guided = entry["guided"][1] > entry["guided"][0]
        stop = Stop("interval", state, interval=index, steps=(entry["start"], entry["stop"]), guided=guided)
        if info is None:
            fraction = self._share(index, len(run.info["intervals"])) if state == "running" else 0.0
            return Stop(stop.kind, state, interval=index, steps=stop.steps, guided=guided, fraction=fraction)
        return Stop(
            "interval",
            state,
            _pictures_in(folder / "previews", run.views, ".jpg"),
            interval=index,
            steps=stop.steps,
            guided=guided,
            fraction=1.0,
            disagreement=_numbers(info.get("disagreement", ())),
            guidance_loss=info.get("guidance_loss"),
            seconds=sum(info.get("seconds", {}).values()),
            maps=_picture(folder / MAPS_FILE),
            fit=self._log.fits.get(index),
        )

    def _info(self, run: RunFolder, index: int) -> dict[str, Any] | None:
        # Without the checksums of `RunFolder.intervals`: those take as long as reading the whole run.
        path = run.interval_folder(index) / INFO_FILE
        found = _picture(path)
        if found is None:
            return None
        known = self._infos.get(index)
        if known is not None and known[0] == found.stamp:
            return known[1]
        try:
            info = files.read_json(path)
        except StudioError:
            return None
        if not isinstance(info, dict):
            return None
        self._infos[index] = (found.stamp, info)
        return info

    def _share(self, index: int, count: int) -> float:
        """How much of the interval in work is done, taking all that remain for equally long."""
        now = float(self._log.progress.get("fraction", 0.0))
        start = self._log.interval_starts.get(index, now)
        whole = (1.0 - start) / max(1, count - index)
        return min(0.97, (now - start) / whole) if whole > 0 else 0.0

    def _inverted(self, run: RunFolder) -> float:
        progress = self._log.progress
        if progress.get("step") is None:
            return 0.0
        behind = run.spec.steps - 1 - progress["step"] + progress["views_done"] / max(1, progress["views"])
        return min(1.0, behind / max(1, run.spec.steps))

    def _activity(self) -> str:
        progress = self._log.progress
        if not progress:
            return "Loading the model"
        text = STAGES.get(progress["stage"], progress["stage"].capitalize())
        if progress["stage"] == "inversion":
            # Every step has all the views: the share tells more than the views of one step.
            return f"{text} the views"
        done, views = progress["views_done"], progress["views"]
        return f"{text}, view {done} of {views}" if views and done else text


def runs_in(folder: Path | None) -> list[Path]:
    """The runs of a project, newest first."""
    if folder is None or not folder.is_dir():
        return []
    return sorted((path.parent for path in folder.glob(f"*/{RUN_FILE}")), reverse=True)


def _failure(failure: Any) -> str:
    if not isinstance(failure, Mapping):
        return ""
    return " ".join(f"{str(failure[key]).rstrip('.')}." for key in ("title", "cause", "next_step") if failure.get(key))


def _numbers(values: Any) -> tuple[float, ...]:
    return tuple(float("nan") if value is None else float(value) for value in values)


def _picture(path: Path) -> Picture | None:
    try:
        return Picture(path, path.stat().st_mtime_ns)
    except OSError:
        return None


def _pictures(paths: Mapping[str, Path]) -> dict[str, Picture]:
    found = {name: _picture(path) for name, path in paths.items()}
    # A missing original stays in the list: its place says that it is missing.
    return {name: picture or Picture(paths[name], 0) for name, picture in found.items()}


def _pictures_in(folder: Path, views: tuple[str, ...], suffix: str) -> dict[str, Picture]:
    try:
        with os.scandir(folder) as entries:
            stamps = {entry.name: entry.stat().st_mtime_ns for entry in entries}
    except OSError:
        return {}
    names = {view: f"{view}{suffix}" for view in views}
    return {view: Picture(folder / name, stamps[name]) for view, name in names.items() if name in stamps}
