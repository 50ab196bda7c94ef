from __future__ import annotations

from pathlib import Path

import pytest

from qnerf_core import assets
from qnerf_core.errors import AssetError


def test_override_and_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QNERF_ASSETS", str(tmp_path))
    assert assets.assets_root() == tmp_path
    assert assets.builtin_scenes() == []
    for name in ("person", "chair"):
        (tmp_path / "scenes" / name).mkdir(parents=True)
        (tmp_path / "scenes" / name / "capture.json").write_text("{}")
    assert assets.builtin_scenes() == ["chair", "person"]
    assert assets.scene_folder("person") == tmp_path / "scenes" / "person"


def test_missing_assets_say_what_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QNERF_ASSETS", str(tmp_path))
    with pytest.raises(AssetError, match="person"):
        assets.scene_folder("../person")
    with pytest.raises(AssetError, match=r"model_index\.json"):
        assets.model_folder()
    with pytest.raises(AssetError, match="body"):
        assets.body_file()
    with pytest.raises(AssetError, match="pose"):
        assets.poses_folder()


def test_without_override_the_project_s_own() -> None:
    assert assets.assets_root().name == "assets"
