from __future__ import annotations

import os
from pathlib import Path

import platformdirs

ORGANISATION = APPLICATION = "QNeRF Studio"
_ROOT = Path(__file__).resolve().parent.parent


def data_folder() -> Path:
    """Where untitled projects, logs and timings are kept; the environment variable QNERF_HOME moves it."""
    override = os.environ.get("QNERF_HOME")
    folder = Path(override) if override else Path(platformdirs.user_data_dir(APPLICATION, appauthor=False))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def projects_folder() -> Path:
    folder = data_folder() / "projects"
    folder.mkdir(exist_ok=True)
    return folder


def logs_folder() -> Path:
    folder = data_folder() / "logs"
    folder.mkdir(exist_ok=True)
    return folder


def resources_folder() -> Path:
    return _ROOT / "resources"


def project_root() -> Path:
    return _ROOT
