from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where settings and prepared copies of captures go."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("QNERF_HOME", str(folder))
    return folder
