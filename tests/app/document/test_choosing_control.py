"""Somebody's own photos are shaped by a body or by a proxy, as they choose; nothing of the other is lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.document.document import Document
from app.document.proxied import NO_PROXY
from app.document.proxies import proxies_close
from app.job_requests import edit_job
from qnerf_core import files
from qnerf_core.editing.spec import EditSpec
from qnerf_core.errors import SettingsError
from qnerf_core.export.image_set import export_image_set
from qnerf_core.scene.capture import ControlKind, load_scene
from qnerf_core.scene.scene import load_images
from tests.synthetic_capture import AFTER, BEFORE, proxy_of, write_capture
from tests.synthetic_run import write_run


@pytest.fixture
def photos(empty: Document, tmp_path: Path) -> Document:
    folder = write_capture(tmp_path / "photos", views=5, size=32)
    (folder / "capture.json").unlink()
    empty.open_folder(folder)
    return empty


def test_a_capture_that_says_what_shapes_it_leaves_no_choice(document: Document) -> None:
    assert not document.can_choose_control
    with pytest.raises(SettingsError, match="cannot be changed"):
        document.set_control("depth")
    assert document.control == "skeleton"


def test_the_choice_can_be_undone_and_loses_nothing(photos: Document) -> None:
    assert photos.can_choose_control
    assert photos.control == "skeleton"
    assert photos.scene is not None
    photos.set_clicking(True)
    photos.click_keypoint(photos.scene.views[0].name, np.array([3.0, 4.0]))
    photos.reset_pose()
    photos.set_placement(photos.placement + np.array([0.1, 0.0, 0.0, 20.0]))
    pose, clicks = photos.target_pose, photos.keypoints
    photos.set_control("depth")
    assert photos.undo_stack.undoText() == "Shape by a proxy"
    assert (photos.control, photos.proxy, photos.target_subject) == ("depth", NO_PROXY, NO_PROXY)
    assert not photos.is_clicking
    photos.add_part("box")
    assert photos.source_proxy is photos.target_proxy, "what is made first is what the photos show"
    photos.add_part("capsule")
    assert (len(photos.source_proxy.parts), len(photos.target_proxy.parts)) == (1, 2)
    proxy = photos.target_proxy
    photos.set_control("skeleton")
    assert photos.target_pose is pose
    assert photos.target_subject is pose
    assert photos.keypoints is clicks
    photos.set_control("depth")
    assert photos.target_proxy is proxy
    for _ in range(4):
        photos.undo_stack.undo()
    assert photos.control == "depth"
    assert photos.undo_stack.undoText() == "Shape by a proxy"
    photos.undo_stack.undo()
    assert photos.control == "skeleton"
    assert photos.target_pose is pose
    for _ in range(5):
        photos.undo_stack.redo()
    assert photos.control == "depth"
    assert photos.target_proxy is proxy


def test_a_project_keeps_the_choice_and_what_was_made_either_way(photos: Document) -> None:
    photos.set_placement(photos.placement + np.array([0.1, 0.0, 0.0, 20.0]))
    pose = photos.target_pose
    photos.set_control("depth")
    photos.set_both_proxies(proxy_of(BEFORE), "Fit")
    photos.set_target_proxy(proxy_of(AFTER), "Move")
    controls: tuple[ControlKind, ...] = ("depth", "skeleton")
    for control in controls:
        photos.set_control(control)
        photos.save()
        assert photos.project is not None
        folder = photos.project.folder
        photos.close_project()
        photos.open_project(folder)
        assert photos.control == control
        assert proxies_close(photos.source_proxy, proxy_of(BEFORE))
        assert proxies_close(photos.target_proxy, proxy_of(AFTER))
        np.testing.assert_allclose(photos.target_pose.translation, pose.translation, atol=1e-6)
    content = files.read_json(folder / "project.json")
    content["control"]["kind"] = "wish"
    files.write_json(folder / "project.json", content)
    photos.close_project()
    (folder / "project.json.bak").unlink()
    with pytest.raises(Exception, match="wish"):
        photos.open_project(folder)


def test_an_edit_follows_the_choice_and_wants_a_proxy(photos: Document) -> None:
    photos.set_control("depth")
    with pytest.raises(SettingsError, match="no proxy"):
        edit_job(photos)
    photos.set_both_proxies(proxy_of(BEFORE), "Fit")
    assert set(edit_job(photos).request["files"]) == {"source_proxy.json", "target_proxy.json"}
    photos.set_control("skeleton")
    assert set(edit_job(photos).request["files"]) == {"source_pose.json", "target_pose.json"}


def test_what_such_an_edit_exports_is_shaped_by_its_target(photos: Document, tmp_path: Path) -> None:
    photos.set_control("depth")
    photos.set_both_proxies(proxy_of(BEFORE), "Fit")
    photos.set_target_proxy(proxy_of(AFTER), "Move")
    job = edit_job(photos)
    for name, record in job.request["files"].items():
        files.write_json(job.folder / name, record)
    spec = EditSpec.model_validate(job.request["spec"])
    views = load_scene(spec.scene)[0].training_views
    run = write_run(job.folder, spec, load_images(views), tuple(view.name for view in views))
    folder = export_image_set(run, tmp_path / "set").root
    photos.save()
    photos.open_folder(folder)
    assert photos.control == "depth"
    assert proxies_close(photos.source_proxy, proxy_of(AFTER))
    # As earlier versions exported it, without bounds: a plain capture whose origin is known.
    for name in ("capture.json", "source_proxy.json"):
        (folder / name).unlink()
    photos.save()
    photos.open_folder(folder)
    assert photos.can_choose_control
    assert photos.control == "depth"
    assert proxies_close(photos.source_proxy, proxy_of(AFTER))
