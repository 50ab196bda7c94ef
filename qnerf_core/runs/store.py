"""Writing a run: every event of it reaches the disk before anybody else sees it.

The layout is documented in `qnerf_core.runs.folder`. A process killed at any moment leaves: finished intervals
(`info.json` is each one's last file), perhaps an unfinished one and temporary files, which opening the run again
removes. Resuming goes on from the last interval whose checksums hold and computes the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from filelock import BaseFileLock

from qnerf_core import files
from qnerf_core.editing import events
from qnerf_core.editing.attempt import ResumeState
from qnerf_core.errors import FileFormatError, RunError
from qnerf_core.runs.disk import check_disk, estimate_disk_bytes
from qnerf_core.runs.folder import (
    INFO_FILE,
    LATENTS_FILE,
    LOG_FILE,
    MAPS_FILE,
    QNERF_FILE,
    RUN_FILE,
    SETTINGS_KEY,
    TRAJECTORY_FILE,
    IntervalRecord,
    RunFolder,
)
from qnerf_core.runs.maps import write_maps
from qnerf_core.runs.provenance import versions
from qnerf_core.runs.records import EventLog, event_to_record, jsonable


class RunStore(RunFolder):
    """A run being written. Use as a context manager, or call `close`: it holds a lock on the folder."""

    def __init__(self, path: Path, lock: BaseFileLock) -> None:
        """Use `qnerf_core.runs.opening.open_run` instead.

        Args:
            path: A folder with a `run.json`.
            lock: Held.
        """
        super().__init__(path)
        self._lock = lock
        self._log = EventLog(path / LOG_FILE)
        self._qnerf_file: tuple[str, str] | None = None
        self._mapped: int | None = None

    def __enter__(self) -> RunStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the folder."""
        self._lock.release()

    def resume_state(self) -> ResumeState | None:
        """What a killed or cancelled run can go on from; None if it has not even finished the inversion.

        Whatever lies beyond the last sound interval is removed.
        """
        trajectory = self._load_trajectory()
        if trajectory is None:
            self._discard_intervals(0)
            return None
        finished = self.intervals()
        self._discard_intervals(len(finished))
        if not finished:
            return ResumeState(trajectory=trajectory, interval=-1, latents=None, field_state=None)
        last = finished[-1]
        # The process may have died between the interval's last file and `run.json`.
        self._update(steps_done=last.steps_done)
        return ResumeState(
            trajectory=trajectory,
            interval=last.index,
            latents=safetensors.torch.load_file(last.folder / LATENTS_FILE)["latents"],
            field_state=self._load_qnerf(last),
        )

    def consume(self, stream: Iterable[events.Event]) -> Iterator[events.Event]:
        """Pass events on, each after it was written.

        Args:
            stream: Events of one run.

        Yields:
            The same events.

        Raises:
            RunError: the disk is full or not writable; what was finished is kept.
        """
        for event in stream:
            self.record(event)
            yield event

    def record(self, event: events.Event) -> None:
        """Write what an event brings.

        Args:
            event: The next event of the run.

        Raises:
            RunError: the event does not belong to this run, or it cannot be written.
        """
        try:
            self._write(event)
            durable = not isinstance(event, events.StageProgress)
            self._log.append(event_to_record(event, time.time()), durable=durable)
        except OSError as error:
            raise RunError(
                f"Cannot write to the run {self.path}",
                error.strerror or str(error),
                "Free some space or correct the permissions, then run the same command with --resume.",
            ) from error

    def _write(self, event: events.Event) -> None:
        match event:
            case events.RunStarted():
                self._write_start(event)
            case events.InversionFinished():
                self._write_inversion(event)
            case events.FieldFitted():
                self._clear_interval(event.interval)
                write_maps(event, self.interval_folder(event.interval) / MAPS_FILE)
                self._mapped = event.interval
            case events.IntervalFinished():
                self._write_interval(event)
            case events.ViewsDecoded():
                self._write_edited(event)
            case events.RunFinished():
                self._update(
                    status="finished",
                    finished=time.time(),
                    steps_done=self.spec.steps,
                    seconds=self._total_seconds(event.seconds),
                    peak_memory_mb=event.peak_memory_mb,
                    denoiser_calls=jsonable(event.denoiser_calls),
                    failure=None,
                )
            case events.RunFailed():
                self._update(
                    status="cancelled" if event.cancelled else "failed",
                    interrupted=True,
                    failure={"title": event.title, "cause": event.cause, "next_step": event.next_step},
                )
            case _:
                pass

    def _write_start(self, event: events.RunStarted) -> None:
        plan = jsonable(
            {
                "views": event.views,
                "intervals": event.intervals,
                "timesteps": event.timesteps,
                "query_layers": event.query_layers,
                "query_shapes": event.query_shapes,
                "prompt": event.prompt,
                "image_size": event.image_size,
            }
        )
        if self.views:
            changed = [key for key, value in plan.items() if self.info.get(key) != value]
            if changed:
                raise RunError(
                    f"Cannot resume the run {self.path}",
                    f"the scene or the model changed since it began: {', '.join(changed)} differ",
                    "Start it anew in another folder.",
                )
        check_disk(self.path, estimate_disk_bytes(event))
        session: dict[str, Any] = {
            "run_id": event.run_id,
            "started": time.time(),
            "first_interval": event.first_interval,
        }
        session["versions"] = versions()
        sessions = [*self.info["sessions"], session]
        self._update(**plan, sessions=sessions, interrupted=len(sessions) > 1, status="running", failure=None)

    def _write_inversion(self, event: events.InversionFinished) -> None:
        folder = self.path / "inversion"
        checksum = _write_tensors(folder / TRAJECTORY_FILE, {"trajectory": event.trajectory})
        files.write_json(
            folder / INFO_FILE,
            {
                "files": {f"inversion/{TRAJECTORY_FILE}": checksum},
                "seconds": jsonable(event.seconds),
            },
        )

    def _write_interval(self, event: events.IntervalFinished) -> None:
        if self._mapped != event.interval:
            self._clear_interval(event.interval)
        folder = self.interval_folder(event.interval)
        place = folder.relative_to(self.path).as_posix()
        checksums = {f"{place}/{LATENTS_FILE}": _write_tensors(folder / LATENTS_FILE, {"latents": event.latents})}
        if event.field_state is not None:
            content = safetensors.torch.save(_plain(event.field_state))
            checksum = hashlib.sha256(content).hexdigest()
            if self._qnerf_file is None or self._qnerf_file[1] != checksum:
                files.write_bytes(folder / QNERF_FILE, content)
                self._qnerf_file = (f"{place}/{QNERF_FILE}", checksum)
            checksums[self._qnerf_file[0]] = self._qnerf_file[1]
        if event.previews is not None:
            for view, preview in zip(self.views, event.previews, strict=True):
                files.write_image(folder / "previews" / f"{view}.jpg", to_uint8(preview))
        files.write_json(
            folder / INFO_FILE,
            {
                "interval": event.interval,
                "steps_done": event.steps_done,
                "files": checksums,
                "qnerf": self._qnerf_file[0] if event.field_state is not None and self._qnerf_file else None,
                "disagreement": jsonable(event.disagreement),
                "guidance_loss": jsonable(event.guidance_loss),
                "seconds": jsonable(event.seconds),
            },
        )
        self._update(steps_done=event.steps_done)

    def _write_edited(self, event: events.ViewsDecoded) -> None:
        for view, image in zip(event.views, event.images, strict=True):
            text = {SETTINGS_KEY: json.dumps(self.picture_settings(view), ensure_ascii=False)}
            files.write_image(self.edited_path(view), to_uint8(image), text=text)

    def picture_settings(self, view: str) -> dict[str, Any]:
        """What each picture carries: everything needed to make it again, and nothing that differs between two runs
        of the same settings.

        Args:
            view: Its name.
        """
        own = self.target_path
        # A pose or proxy that no capture brings goes with the picture.
        target = {} if own is None else {own.stem: files.read_json(own)}
        return target | {
            "view": view,
            "spec": self.info["spec"],
            "seed": self.spec.seed,
            "prompt": self.info.get("prompt"),
            "steps": self.spec.steps,
            "steps_done": self.info["steps_done"],
            "interrupted": self.info["steps_done"] < self.spec.steps,
            "model": self.info["model"],
            "versions": self.info["versions"],
        }

    def _update(self, **changes: Any) -> None:
        self.info.update(changes)
        files.write_json(self.path / RUN_FILE, self.info)

    def _total_seconds(self, session: Mapping[str, float]) -> dict[str, float]:
        # A resumed run measured only its own part; the rest was written beside what it took.
        parts: list[Mapping[str, float]] = [record.info["seconds"] for record in self.intervals()]
        parts.append(files.read_json(self.path / "inversion" / INFO_FILE)["seconds"])
        total: dict[str, float] = {}
        for part in parts:
            for stage, seconds in part.items():
                total[stage] = total.get(stage, 0.0) + seconds
        return {stage: max(seconds, total.get(stage, 0.0)) for stage, seconds in {**total, **session}.items()}

    def _load_trajectory(self) -> torch.Tensor | None:
        folder = self.path / "inversion"
        try:
            info = files.read_json(folder / INFO_FILE)
        except FileFormatError:
            return None
        path = folder / TRAJECTORY_FILE
        if not path.is_file() or files.sha256_of(path) != info["files"][f"inversion/{TRAJECTORY_FILE}"]:
            return None
        return safetensors.torch.load_file(path)["trajectory"]

    def _load_qnerf(self, record: IntervalRecord) -> dict[str, torch.Tensor] | None:
        name = record.info["qnerf"]
        if name is None:
            return None
        self._qnerf_file = (name, record.info["files"][name])
        return safetensors.torch.load_file(self.path / name)

    def _clear_interval(self, index: int) -> None:
        folder = self.interval_folder(index)
        if folder.exists():
            shutil.rmtree(folder)

    def _discard_intervals(self, first: int) -> None:
        for folder in sorted((self.path / "intervals").glob("*")):
            if int(folder.name) >= first:
                shutil.rmtree(folder)


def to_uint8(image: torch.Tensor) -> np.ndarray:
    """(3, H, W) in [0, 1] to uint8 (H, W, 3), rounded."""
    pixels: np.ndarray = image.clamp(0, 1).mul(255).round().to(torch.uint8).permute(1, 2, 0).contiguous().numpy()
    return pixels


def _write_tensors(path: Path, tensors: Mapping[str, torch.Tensor]) -> str:
    content = safetensors.torch.save(_plain(tensors))
    files.write_bytes(path, content)
    return hashlib.sha256(content).hexdigest()


def _plain(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    # safetensors refuses tensors that share memory, which views of one tensor do.
    return {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
