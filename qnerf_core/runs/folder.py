"""Reading a run's folder, also of one that is still running or was killed.

Layout (every file but the log is replaced atomically; `info.json` is written last and vouches for its folder)::

    run.json                        who, what, with what: spec, seed, versions, model hash, views, plan, status, actual
                                    steps, interrupted, seconds
    spec.json                       the EditSpec alone, to start another run from
    target_pose.json                the pose to edit to, if it is none of the capture's (or target_proxy.json)
    source_pose.json                the pose in the pictures, if it is not the capture's (or source_proxy.json)
                                    (both copies, where the spec names files that lie elsewhere)
    events.jsonl                    everything that happened, one line each (tensors left out)
    inversion/trajectory.safetensors    "trajectory" (steps + 1, V, 4, h, w) float32
    inversion/info.json             checksum, seconds
    intervals/NN/latents.safetensors    "latents" (V, 4, h, w) float32 after the interval's kept steps
    intervals/NN/qnerf.safetensors  state of the QNeRF; left out where it is the same as an earlier interval's
    intervals/NN/previews/<view>.jpg    predicted clean pictures
    intervals/NN/maps.npz           pictures of a fitted QNeRF's queries (see `qnerf_core.runs.maps`); only to be seen
    intervals/NN/info.json          checksums, steps done, query disagreement, guidance loss, seconds
    edited/<view>.png               the result, each picture carrying the settings (iTXt "qnerf-studio")
    evaluation.json, export/...     made later by other commands
"""

from __future__ import annotations

import filecmp
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from qnerf_core import files
from qnerf_core.editing.spec import BackgroundSettings, EditSpec
from qnerf_core.errors import FileFormatError, RunError
from qnerf_core.runs.records import read_records
from qnerf_core.scene.capture import SOURCE_FILES, TARGET_FILES

RUN_FILE = "run.json"
SPEC_FILE = "spec.json"
LOG_FILE = "events.jsonl"
INFO_FILE = "info.json"
LOCK_FILE = ".lock"
LATENTS_FILE = "latents.safetensors"
QNERF_FILE = "qnerf.safetensors"
TRAJECTORY_FILE = "trajectory.safetensors"
MAPS_FILE = "maps.npz"
SETTINGS_KEY = "qnerf-studio"  # of the text that every result carries
POSE_FILE = TARGET_FILES["skeleton"]
# Of the settings in a result's iTXt chunk.
SETTINGS_KEY = "qnerf-studio"
FORMAT_VERSION = 1


@dataclass(frozen=True)
class IntervalRecord:
    """A finished interval on disk.

    Attributes:
        index: Its number.
        folder: Where it is.
        steps_done: Kept steps that are done.
        info: The whole of its `info.json`.
        previews: Pictures by view.
    """

    index: int
    folder: Path
    steps_done: int
    info: Mapping[str, Any]
    previews: Mapping[str, Path]


class RunFolder:
    """A run on disk, read only.

    Attributes:
        path: The folder.
        info: The content of `run.json`.
        spec: What was asked for; files that are gone since, or changed, are replaced by the run's own copies.
    """

    def __init__(self, path: Path | str) -> None:
        """Read `run.json`.

        Args:
            path: The run's folder.

        Raises:
            RunError: The folder holds no run, or one of another format.
        """
        self.path = Path(path)
        if not (self.path / RUN_FILE).is_file():
            raise RunError(f"{self.path} is not a run", f"there is no {RUN_FILE}", "Give the folder of a run.")
        self.info: dict[str, Any] = files.read_json(self.path / RUN_FILE)
        if self.info.get("version") != FORMAT_VERSION:
            raise RunError(
                f"Cannot read the run {self.path}",
                f"its format is version {self.info.get('version')}, this program reads {FORMAT_VERSION}",
                "Use the program's version that made it.",
            )
        # Before there was a choice nothing was kept.
        self.info["spec"].setdefault("background", BackgroundSettings(keep=False).model_dump(mode="json"))
        try:
            self.spec = EditSpec.model_validate(self.info["spec"])
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise RunError(
                f"Cannot read the run {self.path}",
                f"its settings are not understood: {where}: {first['msg']}",
                "Use the program's version that made it.",
            ) from error
        self.spec = self.spec.model_copy(
            update={
                "edit": self._kept(self.spec.edit, self.target_path),
                "source": self.spec.source and self._kept(self.spec.source, self.source_path),
            }
        )

    @property
    def target_path(self) -> Path | None:
        """The run's own file of its target, None if that is an edit of the capture's (or the run was made before)."""
        return self._own_file(TARGET_FILES.values())

    @property
    def source_path(self) -> Path | None:
        """The run's own file of what the pictures show, None if that is what the capture says."""
        return self._own_file(SOURCE_FILES.values())

    def _own_file(self, names: Iterable[str]) -> Path | None:
        return next((path for path in (self.path / name for name in names) if path.is_file()), None)

    @staticmethod
    def _kept(recorded: str, own: Path | None) -> str:
        """What was recorded, or the run's own copy where the original is gone, was moved or says something else now."""
        if own is None:
            return recorded
        original = Path(recorded)
        same = original == own or (original.is_file() and filecmp.cmp(original, own, shallow=False))
        return recorded if same else str(own)

    @property
    def views(self) -> tuple[str, ...]:
        """Names of the edited views, in the order of every tensor; empty if the run never began."""
        return tuple(self.info.get("views", ()))

    @property
    def status(self) -> str:
        """ "new", "running" (or killed while running), "finished", "failed" or "cancelled"."""
        return str(self.info["status"])

    def interval_folder(self, index: int) -> Path:
        """Where an interval is or will be."""
        return self.path / "intervals" / f"{index:02d}"

    def maps(self, index: int) -> Path | None:
        """Pictures of an interval's queries, None if it fitted no QNeRF (or was made before they were kept)."""
        path = self.interval_folder(index) / MAPS_FILE
        return path if path.is_file() else None

    def edited_path(self, view: str) -> Path:
        """Where a view's result is or will be."""
        return self.path / "edited" / f"{view}.png"

    def edited_views(self) -> tuple[str, ...]:
        """Views whose result exists, in order."""
        return tuple(view for view in self.views if self.edited_path(view).is_file())

    def load_edited(self) -> np.ndarray:
        """All results, (V, 3, H, W) float32 in [0, 1], in the order of `views`.

        Raises:
            RunError: the run is not finished.
            FileFormatError: a picture is damaged.
        """
        missing = [view for view in self.views if not self.edited_path(view).is_file()]
        if missing or not self.views:
            raise RunError(
                f"The run {self.path} has no result yet",
                f"{len(missing)} of {len(self.views)} edited pictures are missing; its status is {self.status}",
                "Finish it: run the same command with --resume.",
            )
        pictures = [files.read_image(self.edited_path(view)) for view in self.views]
        return np.stack(pictures).transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)

    def intervals(self) -> list[IntervalRecord]:
        """The finished intervals from the first on, up to the first that is missing or damaged (checksums)."""
        found: list[IntervalRecord] = []
        checked: dict[str, bool] = {}
        for index in range(len(self.info.get("intervals", ()))):
            record = self._interval(index, checked)
            if record is None:
                break
            found.append(record)
        return found

    def _interval(self, index: int, checked: dict[str, bool]) -> IntervalRecord | None:
        folder = self.interval_folder(index)
        try:
            info = files.read_json(folder / INFO_FILE)
        except FileFormatError:
            # Without its last file the interval was never finished; a damaged one is the same to a resumed run.
            return None
        for name, checksum in info["files"].items():
            if name not in checked:
                path = self.path / name
                checked[name] = path.is_file() and files.sha256_of(path) == checksum
            if not checked[name]:
                return None
        previews = {view: folder / "previews" / f"{view}.jpg" for view in self.views}
        existing = {view: path for view, path in previews.items() if path.is_file()}
        return IntervalRecord(index, folder, info["steps_done"], info, existing)

    def records(self) -> Iterator[dict[str, Any]]:
        """The events, as JSON objects, in order."""
        return read_records(self.path / LOG_FILE)
