from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from app.document.document import Document
from app.document.migrations import VERSION, NewerProjectError
from app.document.opening import OpenedScene, open_scene
from app.document.project import ProjectError, read_project
from app.document.recent import forget, recent_projects
from app.document.state import State
from app.paths import project_root, projects_folder
from qnerf_core import files
from qnerf_core.body.pose import BodyPose
from qnerf_core.body.surface import BodySurface
from qnerf_core.errors import CaptureError
from qnerf_core.proxy.files import write_proxy
from qnerf_core.proxy.model import DepthProxy
from tests.scene.captures import edit_frame, write_capture

SAMPLES = Path(__file__).parent / "samples"


@pytest.fixture
def another(empty: Document, body: BodySurface) -> Document:
    """A second program, so to say: what it knows of a project it has from the disk."""
    document = Document()
    document.__dict__["body"] = body
    return document


def _work(document: Document) -> None:
    document.apply_edit("raise-arms")
    document.set_joint_angles("head", np.array([10.0, 3.0, 0.0]))
    document.toggle_pin("left_ankle")
    document.set_spec(seed=4, **{"diffusion.steps": 13})
    document.set_current_view("004")


def _state(document: Document) -> State:
    return document._state


def test_a_saved_project_opens_as_it_was(
    empty: Document, opened: OpenedScene, another: Document, tmp_path: Path
) -> None:
    folder = tmp_path / "my project"
    empty.start_project(opened, folder)
    _work(empty)
    assert empty.is_modified
    empty.save()
    assert not empty.is_modified
    state = _state(empty)
    empty.close_project()
    another.open_project(folder)
    assert not state.differs(_state(another))
    assert another.current_view == "004"
    assert another.project is not None
    assert (another.project.name, another.project.untitled) == ("my project", False)
    assert another.capture is not None
    assert not another.is_modified
    another.close_project()


def test_a_project_of_version_1_opens(another: Document, tmp_path: Path) -> None:
    folder = tmp_path / "old"
    folder.mkdir()
    shutil.copy(SAMPLES / "project-v1.json", folder / "project.json")
    another.open_project(folder)
    assert another.edit_name == "raise-arms"
    assert another.pinned == {"left_ankle", "right_wrist"}
    assert (another.spec.seed, another.spec.steps, another.current_view) == (7, 12, "005")
    another.save()
    assert files.read_json(folder / "project.json")["version"] == VERSION
    another.close_project()


def test_a_project_of_the_future_says_so(another: Document, document: Document) -> None:
    assert document.project is not None
    folder = document.project.folder
    _work(document)
    document.save()
    content = files.read_json(folder / "project.json")
    files.write_json(folder / "project.json", {**content, "version": 99})
    with pytest.raises(NewerProjectError, match=r"version 99.*Update"):
        another.open_project(folder)


@pytest.mark.parametrize("damage", [b"", b'{"format": "qnerf-studio-project", "vers', b"{}"])
def test_a_damaged_project_opens_as_it_was_saved_before(document: Document, another: Document, damage: bytes) -> None:
    assert document.project is not None
    folder = document.project.folder
    document.set_spec(seed=1)
    document.save()
    document.set_spec(seed=2)
    document.save()
    document.close_project()
    (folder / "project.json").write_bytes(damage)
    notices: list[str] = []
    another.noticePosted.connect(lambda _title, text: notices.append(text))
    another.open_project(folder)
    assert another.spec.seed == 1
    assert "damaged" in notices[0]
    another.set_spec(seed=3)
    another.save()
    # The damaged file has not become the backup.
    assert files.read_json(folder / "project.json.bak")["spec"]["seed"] == 1
    another.close_project()


def test_without_a_good_file_nothing_is_opened_or_overwritten(another: Document, tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    for name in ("project.json", "project.json.bak", "autosave.json"):
        (folder / name).write_bytes(b"{]")
    with pytest.raises(ProjectError, match="not valid JSON"):
        another.open_project(folder)
    assert another.project is None
    assert (folder / "project.json").read_bytes() == b"{]"


def test_work_that_was_not_saved_comes_back_after_a_crash(document: Document, another: Document) -> None:
    assert document.project is not None
    folder = document.project.folder
    _work(document)
    document.autosave()
    state = _state(document)
    document.project.release()
    notices: list[str] = []
    another.noticePosted.connect(lambda _title, text: notices.append(text))
    another.open_project(folder)
    assert not state.differs(_state(another))
    assert another.is_modified
    assert "restored" in notices[0]
    another.save()
    assert not another.is_modified
    assert not (folder / "autosave.json").exists()
    another.close_project()


def test_the_last_save_goes_before_an_older_or_unreadable_autosave(document: Document, another: Document) -> None:
    assert document.project is not None
    folder = document.project.folder
    document.set_spec(seed=1)
    document.autosave()
    stale = (folder / "autosave.json").read_bytes()
    document.set_spec(seed=2)
    document.save()
    document.project.release()
    for content in (stale, b"half a fi"):
        (folder / "autosave.json").write_bytes(content)
        assert read_project(folder).content.state.spec.seed == 2


def test_autosave_follows_a_change_within_seconds(
    document: Document, monkeypatch: pytest.MonkeyPatch, wait_until: Callable[[Callable[[], bool]], bool]
) -> None:
    assert document._autosave.seconds() <= 30
    assert document.project is not None
    file = document.project.folder / "autosave.json"
    monkeypatch.setattr(document._autosave, "seconds", lambda: 0.02)
    document.set_spec(seed=1)
    assert wait_until(file.exists)
    document.save()
    assert not file.exists()
    # A drag that goes on and on is kept as well.
    document.begin_drag("Move left wrist")
    document.drag_joint("left_wrist", np.array([0.3, -0.3, 1.4]))
    assert wait_until(file.exists)
    document.end_drag()


_WRITER = """
import sys
from PySide6.QtCore import QCoreApplication
application = QCoreApplication([])
from app.document.document import Document
document = Document()
document.open_project(sys.argv[1])
seed = document.spec.seed
while True:
    seed += 1
    document.set_spec(seed=seed)
    document.autosave()
    print(seed, flush=True)
    if seed % 4 == 0:
        document.save()
"""


def test_killed_while_saving_the_project_is_readable(document: Document) -> None:
    assert document.project is not None
    folder = document.project.folder
    document.set_spec(seed=1)
    document.save()
    document.project.release()
    writer = subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(folder)], stdout=subprocess.PIPE, text=True, cwd=project_root()
    )
    assert writer.stdout is not None
    written = [int(writer.stdout.readline()) for _ in range(7)]
    time.sleep(0.013)
    writer.send_signal(signal.SIGKILL)
    rest = writer.stdout.read().split()
    writer.stdout.close()
    writer.wait()
    last = int(rest[-1]) if rest else written[-1]
    loaded = read_project(folder)
    assert loaded.content.state.spec.seed in (last, last + 1)
    assert loaded.content.scene == "person"


def test_two_windows_do_not_work_on_one_project(document: Document, another: Document) -> None:
    assert document.project is not None
    with pytest.raises(ProjectError, match="open already"):
        another.open_project(document.project.folder)
    folder = document.project.folder
    _work(document)
    document.save()
    document.close_project()
    another.open_project(folder)
    another.close_project()


def test_an_untitled_project_in_which_nothing_was_done_is_not_kept(document: Document, opened: OpenedScene) -> None:
    assert document.project is not None
    first = document.project.folder
    document.start_project(opened)
    assert not first.exists()
    second = document.project.folder
    document.apply_edit("kick")
    document.close_project()
    assert second.exists()
    assert [project.folder for project in recent_projects()] == [str(second)]


def test_saved_under_another_name_the_runs_come_along(document: Document, another: Document, tmp_path: Path) -> None:
    assert document.project is not None
    untitled = document.project.folder
    run = document.project.runs_folder / "first"
    files.write_json(run / "run.json", {"status": "finished"})
    (run / "events.jsonl").write_text("{}\n")
    _work(document)
    state = _state(document)
    document.save_as(tmp_path / "named")
    assert document.project.folder == tmp_path / "named"
    assert [path.name for path in document.project.runs()] == ["first"]
    assert (document.project.runs()[0] / "events.jsonl").read_text() == "{}\n"
    assert not untitled.exists()
    assert not document.is_modified
    assert document.undo_stack.canUndo()
    document.close_project()
    another.open_project(tmp_path / "named")
    assert not state.differs(_state(another))
    with pytest.raises(ProjectError, match="holds something else"):
        another.save_as(tmp_path)
    another.close_project()


def test_a_project_and_its_capture_may_move_together(empty: Document, another: Document, tmp_path: Path) -> None:
    write_capture(tmp_path / "before/capture")
    empty.new_project(tmp_path / "before/capture", tmp_path / "before/project")
    empty.set_spec(seed=3)
    empty.save()
    empty.close_project()
    (tmp_path / "before").rename(tmp_path / "after")
    another.open_project(tmp_path / "after/project")
    assert another.spec.scene == str(tmp_path / "after/capture")
    assert another.spec.seed == 3
    another.close_project()


def test_a_missing_capture_is_named(empty: Document, another: Document, tmp_path: Path) -> None:
    write_capture(tmp_path / "capture")
    empty.new_project(tmp_path / "capture", tmp_path / "project")
    empty.close_project()
    shutil.rmtree(tmp_path / "capture")
    with pytest.raises(CaptureError, match=f"Cannot open {tmp_path / 'capture'}"):
        another.open_project(tmp_path / "project")
    # The lock is free again.
    write_capture(tmp_path / "capture")
    another.open_project(tmp_path / "project")
    another.close_project()


def test_recent_projects_are_the_latest_first_and_can_be_forgotten(
    empty: Document, opened: OpenedScene, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        empty.start_project(opened, tmp_path / name)
    assert [project.name for project in recent_projects()] == ["b", "a"]
    empty.open_folder(tmp_path / "a")
    assert [project.name for project in recent_projects()] == ["a", "b"]
    assert Path(recent_projects()[0].picture).is_file()
    forget(tmp_path / "b")
    assert [project.name for project in recent_projects()] == ["a"]
    empty.close_project()
    shutil.rmtree(tmp_path / "a")
    assert recent_projects() == []


def test_a_folder_without_a_source_pose_opens_with_a_standing_body(empty: Document, tmp_path: Path) -> None:
    write_capture(tmp_path / "capture")
    empty.open_folder(tmp_path / "capture")
    assert empty.capture is None
    assert empty.edit_names == ()
    assert empty.scene is not None
    assert len(empty.scene.views) == 4
    # All its cameras look at (0, 0, 1).
    pelvis = empty.body.joints(empty.source_pose)[0]
    np.testing.assert_allclose(pelvis, [0.0, 0.0, 1.0], atol=0.05)
    assert empty.placement[2] == pytest.approx(0.0, abs=1e-6)


def test_a_capture_of_depth_proxies_opens_without_poses(empty: Document, tmp_path: Path) -> None:
    write_capture(tmp_path / "capture")
    write_proxy(tmp_path / "capture/proxy.json", DepthProxy())
    content = {"version": 1, "name": "thing", "prompt": "", "bounds": [[-1, -1, 0], [1, 1, 2]]}
    content |= {"control": "depth", "source_proxy": "proxy.json"}
    files.write_json(tmp_path / "capture/capture.json", content)
    empty.new_project(tmp_path / "capture")
    assert empty.control == "depth"
    assert empty.capture is not None
    assert empty.edit_names == ()
    np.testing.assert_allclose(empty.placement[:3], [0.0, 0.0, 0.0], atol=1e-5)
    assert empty.floor == pytest.approx(0.0, abs=1e-5)


def test_what_is_wrong_with_a_folder_is_listed(empty: Document, document: Document, tmp_path: Path) -> None:
    write_capture(tmp_path / "capture")
    (tmp_path / "capture/images/001.png").unlink()
    edit_frame(tmp_path / "capture", 2, transform_matrix=[[1, 2], [3, 4]])
    before = document.project
    with pytest.raises(CaptureError, match="001") as caught:
        document.open_folder(tmp_path / "capture")
    assert "transform_matrix" in caught.value.cause
    assert document.project is before
    for path, words in (
        (tmp_path, "holds no transforms.json"),
        (tmp_path / "nothing", "no such file"),
        (tmp_path / "capture/images/000.png", "no capture"),
    ):
        with pytest.raises(CaptureError, match=words):
            document.new_project(path)


def test_problems_that_can_be_lived_with_are_told(empty: Document, tmp_path: Path) -> None:
    write_capture(tmp_path / "capture", count=2)
    notices: list[str] = []
    empty.noticePosted.connect(lambda _title, text: notices.append(text))
    empty.new_project(tmp_path / "capture")
    assert "only 2 views" in notices[0]


def test_an_edited_set_opens_with_the_pose_it_was_edited_to(
    empty: Document, body: BodySurface, opened: OpenedScene, tmp_path: Path
) -> None:
    write_capture(tmp_path / "set")
    content = json.loads((tmp_path / "set/transforms.json").read_text())
    content["qnerf"] = {"provenance": {"spec": {"scene": "person", "edit": "kick"}, "seed": 3}}
    files.write_json(tmp_path / "set/transforms.json", content)
    empty.new_project(tmp_path / "set")
    assert empty.provenance is not None
    assert empty.provenance["seed"] == 3
    assert _same(empty.source_pose, opened.edit_poses["kick"])
    content["qnerf"]["provenance"]["spec"]["edit"] = "/gone/pose.json"
    files.write_json(tmp_path / "set/transforms.json", content)
    assert not _same(open_scene(tmp_path / "set", body).source_pose, opened.edit_poses["kick"])


def _same(first: BodyPose, second: BodyPose) -> bool:
    return np.array_equal(first.body_pose, second.body_pose) and np.array_equal(first.translation, second.translation)


def test_a_folder_that_cannot_be_written_is_told(
    document: Document,
    opened: OpenedScene,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    wait_until: Callable[[Callable[[], bool]], bool],
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ProjectError, match="Cannot open the project"):
        document.start_project(opened, tmp_path / "file" / "project")
    assert document.project is not None
    notices: list[str] = []
    document.noticePosted.connect(lambda title, _text: notices.append(title))
    # A disk that went away, so to say.
    folder = document.project.folder
    folder.rename(tmp_path / "away")
    folder.touch()
    monkeypatch.setattr(document._autosave, "seconds", lambda: 0.02)
    document.set_spec(seed=1)
    assert wait_until(lambda: bool(notices))
    assert "Cannot autosave" in notices[0]
    with pytest.raises(ProjectError, match="Cannot save"):
        document.save()
    assert document.is_modified
    folder.unlink()
    (tmp_path / "away").rename(folder)
    document.save()
    assert not document.is_modified


def test_untitled_projects_live_in_the_data_folder(document: Document) -> None:
    assert document.project is not None
    assert document.project.folder.parent == projects_folder().resolve()
