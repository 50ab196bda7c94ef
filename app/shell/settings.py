"""What the program remembers between sessions, typed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Literal

from PySide6.QtCore import QByteArray, QSettings

from app.paths import APPLICATION, ORGANISATION, data_folder

ThemeChoice = Literal["system", "dark", "light"]


def redirect() -> None:
    """Keep the settings in the data folder too, if QNERF_HOME moves that."""
    if os.environ.get("QNERF_HOME"):
        folder = str(data_folder() / "settings")
        QSettings.setPath(QSettings.Format.NativeFormat, QSettings.Scope.UserScope, folder)


def store() -> QSettings:
    return QSettings(ORGANISATION, APPLICATION)


@dataclass(frozen=True)
class Preferences:
    """What the preferences dialog shows."""

    theme: ThemeChoice = "system"
    autosave_seconds: int = 20
    image_memory_mb: int = 512
    run_memory_gb: float = 0.0
    model_folder: str = ""

    @classmethod
    def load(cls) -> Preferences:
        settings, default = store(), cls()
        theme = settings.value("preferences/theme", default.theme)
        return cls(
            theme=theme if theme in ("system", "dark", "light") else default.theme,
            autosave_seconds=_number(settings, "autosave_seconds", default.autosave_seconds, 5, 30),
            image_memory_mb=_number(settings, "image_memory_mb", default.image_memory_mb, 128, 16384),
            run_memory_gb=_number(settings, "run_memory_gb", default.run_memory_gb, 0.0, 1024.0),
            model_folder=str(settings.value("preferences/model_folder", default.model_folder) or ""),
        )

    def save(self) -> None:
        settings = store()
        for name in self.__dataclass_fields__:
            settings.setValue(f"preferences/{name}", getattr(self, name))
        settings.sync()


def _number(settings: QSettings, name: str, default: Any, lowest: Any, highest: Any) -> Any:
    try:
        value = type(default)(settings.value(f"preferences/{name}", default))
    except (TypeError, ValueError):
        return default
    return min(max(value, lowest), highest)


def flag(name: str) -> bool:
    return store().value(name, False) in (True, "true")


def set_flag(name: str, value: bool = True) -> None:
    store().setValue(name, value)


def number(name: str, default: float) -> float:
    try:
        return float(str(store().value(name, default)))
    except ValueError:
        return default


def blob(name: str) -> QByteArray | None:
    value = store().value(name)
    return value if isinstance(value, QByteArray) and not value.isEmpty() else None
