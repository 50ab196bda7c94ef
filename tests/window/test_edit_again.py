"""An exported edited set is the source of the next edit, in the real window."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.document.document import Document
from app.document.proxies import proxies_close
from app.document.state import close_to
from app.job_requests import edit_job
from qnerf_core.editing.edit_files import find_edit
from qnerf_core.editing.spec import EditSpec
from qnerf_core.export.image_set import export_image_set
from qnerf_core.scene.capture import load_capture, load_scene
from qnerf_core.scene.scene import load_images
from tests.synthetic_run import write_run
from tests.window.conftest import OpenWindow, wait_until
from tests.window.test_shell_files import drop


def edited_set(document: Document, folder: Path) -> Path:
    """What an edit of three views to the document's target exports, whatever the pictures look like."""
    job = edit_job(document)
    spec = EditSpec.model_validate(job.request["spec"])
    scene = load_capture(spec.scene).scene
    views = scene.training_views[::8]
    images = load_images(views)
    run = write_run(folder / "run", spec, images, tuple(view.name for view in views))
    return export_image_set(run, folder / "set").root


@pytest.mark.parametrize(
    ("name", "edit", "tabs"),
    [
        ("sofa", "wider", ["Proxy", "Edit"]),
        ("lamp", "", ["Proxy", "Edit"]),
        ("boot", "", ["Proxy", "Edit"]),
        ("person", "kick", ["Pose", "Edit"]),
    ],
)
def test_an_edited_set_opens_with_its_target_as_the_new_source(
    name: str, edit: str, tabs: list[str], qapp: QApplication, open_window: OpenWindow, tmp_path: Path
) -> None:
    window = open_window(project=name)
    document, inspector = window.rooms.document, window.docks.inspector
    assert document is not None
    document.apply_edit(edit or document.edit_names[0])
    target, control = document.target_subject, document.control
    folder = edited_set(document, tmp_path)
    document.save()
    drop(window, folder)
    assert wait_until(lambda: document.provenance is not None)
    assert QTest.qWaitForWindowExposed(window)
    assert document.control == control
    source = document.source_subject
    if control == "depth":
        assert proxies_close(source, target)  # type: ignore[arg-type]
    else:
        assert close_to(source, target)  # type: ignore[arg-type]
    assert document.target_subject is source
    shown = [inspector.tabText(index) for index in range(inspector.count()) if inspector.isTabVisible(index)]
    assert shown[:2] == tabs
    assert document.scene is not None
    assert len(document.scene.views) == 3
    assert document.provenance is not None
    assert document.provenance["spec"]["scene"] == name
    assert not window.notice_bar.isVisible()
    # The next edit starts from there, without another word.
    if control == "depth":
        document.set_target_proxy(document.target_proxy.moved(None, np.array([0.1, 0.0, 0.0])), "Move")
    else:
        document.set_target_pose(document.target_pose.replaced(translation=document.target_pose.translation + 0.1))
    spec = EditSpec.model_validate(edit_job(document).request["spec"])
    scene, capture = load_scene(spec.scene)
    assert capture is not None
    found = find_edit(spec.model_copy(update={"edit": str(capture.source_path)}), scene, capture)
    assert (found.control, found.source) == (control, capture.source_path)
