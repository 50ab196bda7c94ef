"""A run keeps the poses or proxies that it was given as files: it goes on, and is understood, when they are gone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image

from qnerf_core import assets, files
from qnerf_core.editing import events
from qnerf_core.editing.edit_files import EditFiles, find_edit
from qnerf_core.editing.spec import EditSpec
from qnerf_core.errors import RunError
from qnerf_core.export.image_set import export_image_set
from qnerf_core.proxy.files import write_proxy
from qnerf_core.runs.branching import branch_run
from qnerf_core.runs.folder import RunFolder
from qnerf_core.runs.opening import open_run
from qnerf_core.runs.store import SETTINGS_KEY
from qnerf_core.scene.capture import load_capture, load_scene
from tests.synthetic_capture import AFTER, BEFORE, proxy_of, write_capture
from tests.synthetic_run import VIEWS, make_backbone, make_spec, stream, write_run

IMAGES = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def given(tmp_path: Path) -> Path:
    """Files of the user's own: poses, and proxies."""
    folder = tmp_path / "given"
    folder.mkdir()
    shutil.copy(assets.poses_folder() / "stand.json", folder / "before.json")
    shutil.copy(assets.poses_folder() / "kick.json", folder / "after.json")
    write_proxy(folder / "box before.json", proxy_of(BEFORE))
    write_proxy(folder / "box after.json", proxy_of(AFTER))
    return folder


@pytest.fixture
def make(tmp_path: Path, given: Path) -> Callable[[str, str], EditSpec]:
    scene = write_capture(tmp_path / "scene", views=3, size=32, heldout=1)
    (scene / "capture.json").unlink()
    backbone = make_backbone(tmp_path / "model")
    return lambda edit, source: make_spec(scene, backbone, edit=str(given / edit), source=str(given / source))


def record(folder: Path, spec: EditSpec, intervals: int) -> None:
    """Record a run and break off after some intervals."""
    with open_run(folder, spec) as store:
        for event in store.consume(stream(spec, IMAGES)):
            if isinstance(event, events.IntervalFinished) and event.interval == intervals - 1:
                return


@pytest.mark.parametrize(
    ("edit", "source", "kind", "names"),
    [
        ("after.json", "before.json", "skeleton", ("target_pose.json", "source_pose.json")),
        ("box after.json", "box before.json", "depth", ("target_proxy.json", "source_proxy.json")),
    ],
)
def test_it_goes_on_and_is_exported_when_they_are_gone(
    edit: str,
    source: str,
    kind: str,
    names: tuple[str, str],
    make: Callable[[str, str], EditSpec],
    given: Path,
    tmp_path: Path,
) -> None:
    spec, folder = make(edit, source), tmp_path / "run"
    before = (given / edit).read_bytes(), (given / source).read_bytes()
    record(folder, spec, 1)
    assert RunFolder(folder).spec == spec, "as long as they are there they are what is meant"
    shutil.rmtree(given)
    run = RunFolder(folder)
    assert tuple((folder / name).read_bytes() for name in names) == before
    assert (run.spec.edit, run.spec.source) == tuple(str(folder / name) for name in names)
    # What was asked for stays on record.
    assert files.read_json(folder / "run.json")["spec"] == spec.model_dump(mode="json")
    assert find_edit(run.spec, *load_scene(run.spec.scene)) == EditFiles(kind, folder / names[1], folder / names[0])  # type: ignore[arg-type]
    with open_run(folder, run.spec, resume=True) as store:
        for _ in store.consume(stream(run.spec, IMAGES, first=1)):
            pass
    assert RunFolder(folder).status == "finished"
    export_image_set(folder, tmp_path / "set")
    assert load_capture(tmp_path / "set").control == kind
    assert load_capture(tmp_path / "set").source_path.read_bytes() == before[0]
    with Image.open(folder / "edited" / f"{VIEWS[0]}.png") as picture:
        settings = json.loads(picture.text[SETTINGS_KEY])
    assert settings[Path(names[0]).stem] == json.loads(before[0])


def test_a_file_that_says_something_else_now_does_not_change_the_run(
    make: Callable[[str, str], EditSpec], given: Path, tmp_path: Path
) -> None:
    spec = make("after.json", "before.json")
    record(tmp_path / "run", spec, 1)
    shutil.copy(given / "after.json", given / "before.json")
    run = RunFolder(tmp_path / "run")
    assert run.spec.source == str(tmp_path / "run" / "source_pose.json")
    assert run.spec.edit == spec.edit
    with open_run(tmp_path / "run", run.spec, resume=True):
        pass
    with pytest.raises(RunError, match="source was"):
        open_run(tmp_path / "run", spec, resume=True)


def test_a_source_that_only_lies_beside_the_target_is_kept_as_well(
    make: Callable[[str, str], EditSpec], given: Path, tmp_path: Path
) -> None:
    shutil.move(given / "before.json", given / "source_pose.json")
    spec = make("after.json", "gone").model_copy(update={"source": None})
    write_run(tmp_path / "run", spec, IMAGES.numpy())
    shutil.rmtree(given)
    run = RunFolder(tmp_path / "run")
    found = find_edit(run.spec, *load_scene(run.spec.scene))
    assert found == EditFiles("skeleton", run.path / "source_pose.json", run.path / "target_pose.json")


def test_a_branch_has_them_too(make: Callable[[str, str], EditSpec], given: Path, tmp_path: Path) -> None:
    spec = make("box after.json", "box before.json")
    source = RunFolder(write_run(tmp_path / "run", spec, IMAGES.numpy()))
    branch_run(source, 0, spec.model_copy(update={"seed": 4}), tmp_path / "branch")
    shutil.rmtree(given)
    shutil.rmtree(tmp_path / "run")
    branch = RunFolder(tmp_path / "branch")
    assert branch.spec.edit == str(tmp_path / "branch" / "target_proxy.json")
    assert branch.spec.source == str(tmp_path / "branch" / "source_proxy.json")


def test_of_a_captures_own_edit_nothing_is_kept(tmp_path: Path) -> None:
    scene = write_capture(tmp_path / "scene", views=3, size=32, heldout=1)
    spec = make_spec(scene, make_backbone(tmp_path / "model"))
    run = RunFolder(write_run(tmp_path / "run", spec, IMAGES.numpy()))
    assert run.target_path is None
    assert run.source_path is None
    assert run.spec == spec
