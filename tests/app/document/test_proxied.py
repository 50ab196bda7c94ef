from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from app.document.document import Document
from app.document.opening import OpenedScene, open_scene
from app.document.project import read_project
from app.job_requests import edit_job
from qnerf_core.body.surface import BodySurface
from qnerf_core.errors import ProxyError, SettingsError
from qnerf_core.proxy.files import proxy_of_record, read_proxy
from qnerf_core.proxy.model import DepthProxy, PartKind, mesh_part
from qnerf_core.scene.capture import load_capture


@pytest.fixture(scope="session")
def opened_sofa(body: BodySurface) -> OpenedScene:
    return open_scene("sofa", body)


@pytest.fixture
def sofa(empty: Document, opened_sofa: OpenedScene) -> Document:
    empty.start_project(opened_sofa)
    return empty


def test_a_capture_opens_with_its_proxy_and_edits(sofa: Document) -> None:
    assert sofa.control == "depth"
    assert sofa.proxy.names == ("seat", "back", "left arm", "right arm")
    assert sofa.target_subject is sofa.source_subject
    assert sofa.edit_names == ("wider", "high-back", "armchair")
    changes: list[str] = []
    sofa.targetProxyChanged.connect(lambda: changes.append(sofa.edit_name))
    sofa.apply_edit("wider")
    truth = read_proxy(load_capture("sofa").edit("wider").proxy_path)
    np.testing.assert_array_equal(sofa.target_proxy.part("seat").size, truth.part("seat").size)
    assert sofa.undo_stack.undoText() == "Apply wider"
    sofa.undo_stack.undo()
    assert changes == ["wider", "custom"]
    with pytest.raises(SettingsError, match="no edit named"):
        sofa.apply_edit("raise-arms")


def test_an_edit_is_known_by_its_shape(sofa: Document) -> None:
    sofa.apply_edit("wider")
    sofa.select_parts(["left arm", "right arm"])
    sofa.group_parts()
    assert sofa.edit_name == "wider"
    sofa.set_proxy(sofa.proxy.moved(["seat"], np.array([0.0, 0.0, 0.01])), "Move")
    assert sofa.edit_name == "custom"


def test_a_drag_is_one_command_and_can_be_cancelled(sofa: Document) -> None:
    start = sofa.proxy
    sofa.begin_proxy_drag("Move seat")
    for step in range(5):
        sofa.drag_proxy(start.moved(["seat"], np.array([0.1 * step, 0.0, 0.0])))
    assert sofa.is_dragging
    sofa.cancel_drag()
    assert sofa.proxy is start
    assert sofa.undo_stack.count() == 0
    sofa.begin_proxy_drag("Move seat")
    sofa.drag_proxy(start.moved(["seat"], np.array([0.5, 0.0, 0.0])))
    sofa.save()
    assert sofa.undo_stack.count() == 1
    sofa.undo_stack.undo()
    assert sofa.proxy is start


def test_parts_are_added_copied_grouped_renamed_and_deleted(sofa: Document) -> None:
    kinds: tuple[PartKind, ...] = ("box", "ellipsoid", "capsule", "cylinder", "blob")
    for kind in kinds:
        top = sofa.proxy.box()[1, 2]
        sofa.add_part(kind)
        assert sofa.proxy.box(sofa.selected_parts)[0, 2] == pytest.approx(top, abs=1e-6)
    sofa.select_parts(["box", "blob"])
    sofa.duplicate_parts()
    assert sofa.selected_parts == ("box 2", "blob 2")
    sofa.group_parts()
    assert sofa.proxy.members("Group 1") == ("box 2", "blob 2")
    sofa.rename_part("box 2", " pillow ")
    assert sofa.selected_parts == ("pillow", "blob 2")
    with pytest.raises(ProxyError, match="already"):
        sofa.rename_part("pillow", "seat")
    sofa.parts_to_floor()
    assert sofa.proxy.box(sofa.selected_parts)[0, 2] == pytest.approx(sofa.floor, abs=1e-6)
    sofa.delete_parts()
    assert sofa.selected_parts == ()
    assert "pillow" not in sofa.proxy.names
    sofa.undo_stack.undo()
    assert sofa.selected_parts == ("pillow", "blob 2")
    sofa.ungroup_parts()
    assert sofa.proxy.groups == ()


def test_parts_and_the_whole_go_back_to_the_source(sofa: Document) -> None:
    sofa.apply_edit("armchair")
    sofa.select_parts(["seat"])
    sofa.reset_parts()
    assert sofa.proxy.part("seat") is sofa.source_proxy.part("seat")
    assert sofa.proxy.part("back") is not sofa.source_proxy.part("back")
    sofa.select_parts([])
    sofa.reset_parts()
    assert sofa.target_subject is sofa.source_subject


def test_a_project_keeps_its_proxies(sofa: Document) -> None:
    vertices, faces = sofa.proxy.part("seat").mesh
    sofa.add_parts([mesh_part("cast", vertices + 0.123456789, faces)], "Import cast")
    sofa.set_posed("source")
    sofa.set_part(sofa.proxy.part("back").replaced(size=np.array([1.0, 0.5, 0.25])), "Change size")
    assert sofa.undo_stack.undoText() == "Change size (source)"
    sofa.save()
    assert sofa.project is not None
    folder, saved = sofa.project.folder, sofa.source_proxy
    sofa.close_project()
    sofa.open_project(folder)
    assert np.array_equal(sofa.source_proxy.part("back").size, saved.part("back").size)
    cast = sofa.target_proxy.part("cast")
    assert cast.vertices is not None
    np.testing.assert_allclose(cast.mesh[0], vertices + 0.123456789, atol=1e-6)


def test_a_project_of_version_2_opens_with_the_proxies_of_its_capture(sofa: Document) -> None:
    sofa.save()
    assert sofa.project is not None
    folder, proxy = sofa.project.folder, sofa.source_proxy
    sofa.close_project()
    folder.mkdir(exist_ok=True)
    sofa.new_project("sofa", folder)
    sofa.close_project()
    record = json.loads((folder / "project.json").read_text())
    record["version"] = 2
    record["control"]["kind"] = "skeleton"
    del record["control"]["proxies"]
    (folder / "project.json").write_text(json.dumps(record))
    assert read_project(folder).content.state.source_proxy is None
    sofa.open_project(folder)
    assert sofa.target_proxy.names == proxy.names
    assert sofa.edit_names


def test_a_run_gets_the_proxies_that_are_none_of_the_captures(sofa: Document) -> None:
    sofa.apply_edit("wider")
    job = edit_job(sofa)
    assert job.request["spec"]["edit"] == "wider"
    assert job.request["files"] == {}
    sofa.add_part("box")
    job = edit_job(sofa)
    assert job.title == "My proxy"
    assert Path(job.request["spec"]["edit"]) == job.folder / "target_proxy.json"
    written = {name: proxy_of_record(record) for name, record in job.request["files"].items()}
    assert written["target_proxy.json"].names == (*sofa.source_proxy.names, "box")
    assert written["source_proxy.json"].names == sofa.source_proxy.names


def test_a_new_description_of_the_subject_is_its_own_source(sofa: Document) -> None:
    fitted = DepthProxy(sofa.proxy.parts[:2])
    sofa.set_both_proxies(fitted, "Fit proxy")
    assert sofa.source_is_own
    assert sofa.target_subject is sofa.source_subject
    sofa.apply_edit("wider")
    assert "source_proxy.json" in edit_job(sofa).request["files"]
    sofa.undo_stack.undo()
    sofa.undo_stack.undo()
    assert not sofa.source_is_own
