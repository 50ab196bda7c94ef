"""The registry of the models that a user has: where each lies, what it is, and the hashes of its files."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock

from qnerf_core import files
from qnerf_core.errors import BackboneError, Cancelled
from qnerf_core.models.facts import model_facts
from qnerf_core.models.layout import PARTS, WEIGHTS, Kind, ModelPlace, find_model, read_config, read_shapes, variant_of

Control = Literal["skeleton", "depth"]
VERSION = 1
_FILE = "models.json"


@dataclass(frozen=True)
class ModelEntry:
    """One model of the registry.

    Attributes:
        name: What the user calls it.
        kind: A base, a ControlNet or a LoRA.
        place: Folder or file, absolute.
        control: What a ControlNet reads, or the ControlNet of a LoRA; None for a base.
        text_width: Width of the text embeddings of the base that it is, or is made for: 768 for Stable Diffusion 1.5.
        owned: Its files lie in the store and go with it.
        hashes: SHA-256 of each file, by its path in the folder; empty until it was verified.
        size: Bytes on the disk when it was added.
        added: Seconds since 1970.
        verified: The same, of the last time that everything was found right; None if never.
    """

    name: str
    kind: Kind
    place: str
    control: Control | None
    text_width: int | None
    owned: bool
    hashes: dict[str, str]
    size: int
    added: float
    verified: float | None = None


class ModelStore:
    """The registry in a folder. Everything in it works without a network."""

    def __init__(self, folder: Path) -> None:
        """Use a folder.

        Args:
            folder: Need not exist.
        """
        self.folder = folder
        self._file = folder / _FILE

    def entries(self) -> tuple[ModelEntry, ...]:
        """Return all models, sorted by kind and name.

        Raises:
            BackboneError: The registry cannot be read.
        """
        if not self._file.is_file():
            return ()
        content = files.read_json(self._file)
        try:
            found = [ModelEntry(**entry) for entry in content["models"]]
        except (KeyError, TypeError) as error:
            raise BackboneError(
                f"Cannot read {self._file}",
                f"it is not what this program writes ({error})",
                "Move it away and add your models again; their files are not touched.",
            ) from error
        order = {"base": 0, "controlnet": 1, "lora": 2}
        return tuple(sorted(found, key=lambda entry: (order[entry.kind], entry.name)))

    def find(self, name: str) -> ModelEntry | None:
        """Return the model of a name, None if there is none.

        Args:
            name: As the user calls it.
        """
        return next((entry for entry in self.entries() if entry.name == name), None)

    def get(self, name: str) -> ModelEntry:
        """Return the model of a name.

        Args:
            name: As the user calls it.

        Raises:
            BackboneError: There is none.
        """
        entry = self.find(name)
        if entry is None:
            known = ", ".join(other.name for other in self.entries()) or "none yet"
            raise BackboneError(
                f"There is no model {name!r}", f"known are: {known}", "See `python main.py models list`."
            )
        return entry

    def add(self, place: Path | str, *, name: str | None = None, control: Control | None = None) -> ModelEntry:
        """Register a model where it lies; nothing is copied.

        Args:
            place: Folder, file, or id of a repository in the hub's cache.
            name: What to call it; None takes the name of the folder or file.
            control: What a ControlNet or LoRA is for; None guesses it from its name.

        Raises:
            BackboneError: It cannot be used, or the name is taken.
        """
        found = find_model(place)
        path = found.path.resolve()
        found = replace(found, path=path)
        check_complete(found)
        name = name or _given_name(place, path)
        taken = self.find(name)
        if taken is not None:
            raise BackboneError(
                f"There is a model {name!r} already", f"it lies in {taken.place}", "Give another name by --name."
            )
        if name == "builtin" or "/" in name or not name.strip():
            raise BackboneError(f"A model cannot be called {name!r}", "it would be taken for another", "Use --name.")
        if found.kind != "base" and control is None:
            control = guess_control(f"{place} {path}")
        if found.kind == "controlnet" and control is None:
            raise BackboneError(
                f"What does {path.name} read?", "its name does not tell", "Say --control skeleton or --control depth."
            )
        entry = ModelEntry(
            name,
            found.kind,
            str(path),
            None if found.kind == "base" else control,
            text_width_of(found),
            path.is_relative_to(self.folder.resolve()),
            {},
            found.size,
            time.time(),
        )
        self._change(lambda entries: [*entries, entry])
        return entry

    def delete(self, name: str) -> ModelEntry:
        """Forget a model; files that lie in the store are deleted, others stay.

        Args:
            name: As the user calls it.

        Raises:
            BackboneError: There is none.
        """
        entry = self.get(name)
        self._change(lambda entries: [other for other in entries if other.name != name])
        if entry.owned:
            path = Path(entry.place)
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        return entry

    def check_files(
        self,
        name: str,
        progress: Callable[[float, str], None] = lambda _fraction, _file: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> dict[str, str]:
        """Read every file of a model and compare it with what was recorded.

        Args:
            name: As the user calls it.
            progress: Told the share that is done and the file that is read.
            cancelled: Asked before each file.

        Returns:
            SHA-256 of each file, by its path in the folder.

        Raises:
            BackboneError: A file is missing, damaged, or another than when it was verified last.
        """
        entry = self.get(name)
        found = find_model(entry.place)
        check_complete(found)
        root = found.path if found.form == "folder" else found.path.parent
        hashes: dict[str, str] = {}
        done, whole = 0, max(found.size, 1)
        for file in found.files:
            if cancelled():
                raise Cancelled(f"{name} is not verified", "it was stopped", "Verify it again at any time.")
            relative = file.relative_to(root).as_posix()
            progress(done / whole, relative)
            hashes[relative] = files.sha256_of(file)
            done += file.stat().st_size
        lost = sorted(entry.hashes.keys() - hashes.keys())
        changed = sorted(file for file, value in hashes.items() if entry.hashes.get(file, value) != value)
        if lost or changed:
            words = [*(f"{file} is missing" for file in lost), *(f"{file} has changed" for file in changed)]
            raise BackboneError(
                f"{name} is not what it was",
                "; ".join(words),
                "Get the files again; or, if you changed them yourself, delete it from the list and add it again.",
            )
        return hashes

    def set_verified(self, name: str, hashes: dict[str, str]) -> None:
        """Record that everything was found right.

        Args:
            name: As the user calls it.
            hashes: Of `check_files`.
        """

        def verified(entry: ModelEntry) -> ModelEntry:
            return replace(entry, hashes=hashes, verified=time.time()) if entry.name == name else entry

        self._change(lambda entries: [verified(entry) for entry in entries])

    def companions(self, base: ModelEntry, control: Control) -> tuple[ModelEntry, ...]:
        """Return the ControlNets that fit a base.

        Args:
            base: A base.
            control: What they are to read.
        """
        return tuple(
            entry
            for entry in self.entries()
            if entry.kind == "controlnet" and entry.control == control and entry.text_width == base.text_width
        )

    def _change(self, change: Callable[[list[ModelEntry]], list[ModelEntry]]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        # The window and the command line may both be at it.
        with FileLock(self.folder / f".{_FILE}.lock"):
            entries = change(list(self.entries()))
            content: dict[str, Any] = {"version": VERSION, "models": [asdict(entry) for entry in entries]}
            files.write_json(self._file, content)


def check_complete(place: ModelPlace) -> None:
    """Make sure that every file of a model is there and none is cut off, without reading the weights.

    Args:
        place: The model.

    Raises:
        BackboneError: Something is missing or cut off; names it.
    """
    if place.form == "folder" and place.kind == "base":
        missing = [part for part in PARTS if not (place.path / part).is_dir()]
        if missing:
            raise BackboneError(
                f"The model in {place.path} is not complete", f"it lacks {', '.join(missing)}", "Get it whole."
            )
        for part in ("unet", "vae", "text_encoder"):
            variant_of(place.path / part)
            read_config(place, part)
        read_config(place, "scheduler")
        if not any((place.path / "tokenizer").iterdir()):
            raise BackboneError(f"The model in {place.path} is not complete", "its tokenizer is empty", "Get it whole.")
    elif place.form == "folder":
        variant_of(place.path)
        read_config(place, "")
    for file in place.files:
        if file.suffix == WEIGHTS:
            read_shapes(file)
        if file.name.endswith(f"{WEIGHTS}.index.json"):
            _check_shards(file)


def _check_shards(index: Path) -> None:
    names = set(files.read_json(index).get("weight_map", {}).values())
    missing = sorted(name for name in names if not (index.parent / name).is_file())
    if missing:
        raise BackboneError(f"{index.parent} is not complete", f"it lacks {', '.join(missing)}", "Get it whole.")


def text_width_of(place: ModelPlace) -> int | None:
    """Return the width of the text embeddings of the base that a model is, or is made for; None if it does not tell.

    Args:
        place: The model.

    Raises:
        BackboneError: Its configuration cannot be read.
    """
    if place.kind == "base":
        return model_facts(place).text_width
    if place.kind == "controlnet":
        width = read_config(place, "").get("cross_attention_dim")
        return width if isinstance(width, int) else None
    crossing = [
        shape
        for name, shape in read_shapes(place.path).items()
        if "attn2" in name and "to_k" in name and ("down" in name.split("to_k")[1] or "lora_A" in name)
    ]
    return crossing[0][1] if crossing and len(crossing[0]) > 1 else None


def guess_control(name: str) -> Control | None:
    """Guess what a ControlNet reads from its name.

    Args:
        name: Of its folder, file or repository.
    """
    name = name.lower()
    if "pose" in name or "skeleton" in name:
        return "skeleton"
    return "depth" if "depth" in name or "loose" in name else None


def _given_name(place: Path | str, path: Path) -> str:
    # A repository in the hub's cache lies in a folder that is named by a hash.
    return str(place).rsplit("/", 1)[-1] if not Path(place).exists() else path.stem if path.is_file() else path.name
