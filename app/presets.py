"""Named settings of an edit, without what belongs to one capture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from app.paths import data_folder
from qnerf_core import files
from qnerf_core.editing.spec import EditSpec
from qnerf_core.errors import FileFormatError, SettingsError

PRESETS_FILE = "presets.json"
VERSION = 1
_OF_THE_CAPTURE = ("scene", "edit", "views", "prompt", "seed", "control")

BUILT_IN: dict[str, dict[str, Any]] = {
    "Standard": {},
    "Draft": {"tau": 3, "diffusion": {"steps": 10}, "previews": False},
    "Careful": {"tau": 4, "diffusion": {"steps": 40}, "qnerf": {"iterations": 60, "warm_iterations": 30}},
    "Independent views": {"method": "independent"},
}


class Presets:
    """The built-in ones, which stay as they are, and the user's own in the data folder."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or data_folder() / PRESETS_FILE

    def names(self) -> list[str]:
        return [*BUILT_IN, *sorted(self._own())]

    def is_own(self, name: str) -> bool:
        return name in self._own()

    def settings(self, name: str) -> dict[str, Any]:
        """Everything of an `EditSpec` but what belongs to the capture.

        Raises:
            SettingsError: it was saved by another version and does not fit any more.
        """
        stored = BUILT_IN.get(name) or self._own().get(name, {})
        try:
            return _general(EditSpec.model_validate(stored))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise SettingsError(
                f"The preset {name} does not fit this version", f"{where}: {first['msg']}", "Save it again."
            ) from error

    def name_of(self, spec: EditSpec) -> str | None:
        """The preset that has these settings."""
        for name in self.names():
            try:
                if self.settings(name) == _general(spec):
                    return name
            except SettingsError:
                continue
        return None

    def save(self, name: str, spec: EditSpec) -> None:
        """Raises SettingsError for a name that is taken by a built-in preset, or empty."""
        name = name.strip()
        if not name or name in BUILT_IN:
            raise SettingsError(f"A preset cannot be named {name!r}", "the name is taken", "Choose another name.")
        self._write(self._own() | {name: _general(spec)})

    def delete(self, name: str) -> None:
        self._write({key: value for key, value in self._own().items() if key != name})

    def _own(self) -> dict[str, dict[str, Any]]:
        if not self._path.is_file():
            return {}
        try:
            content = files.read_json(self._path)
            return dict(content["presets"])
        except (FileFormatError, KeyError, TypeError, ValueError):
            # The next one that is saved replaces a damaged file; the old one is kept beside it.
            self._path.replace(self._path.with_suffix(".damaged.json"))
            return {}

    def _write(self, presets: dict[str, dict[str, Any]]) -> None:
        files.write_json(self._path, {"version": VERSION, "presets": presets})


def _general(spec: EditSpec) -> dict[str, Any]:
    return {key: value for key, value in spec.model_dump(mode="json").items() if key not in _OF_THE_CAPTURE}
