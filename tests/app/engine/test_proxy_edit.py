"""A capture shaped by a proxy: what the document asks for is done by the real children."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication

from app.document.document import Document
from app.jobs import JobQueue
from app.preview import PreviewClient
from qnerf_core.proxy.files import read_proxy
from tests.app.engine.small_edit import edited
from tests.app.engine.test_preview_client import wait_for
from tests.tiny_models import builtin_like

pytestmark = [pytest.mark.timeout(1500), pytest.mark.slow]


def test_an_own_proxy_is_previewed_and_edited(
    core_application: QCoreApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QNERF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    document, queue, client = Document(), JobQueue(), PreviewClient()
    queue.attach(document)
    document.new_project("sofa")
    document.set_spec(backbone=str(builtin_like()), views=2, method="independent", tau=1)
    document.set_spec(**{"diffusion.steps": 3, "diffusion.view_batch": 1})
    wider = document.proxy.scaled(["seat"], np.array([1.5, 1.0, 1.0])).moved(["left arm"], np.array([-0.3, 0.0, 0.0]))
    document.set_proxy(wider, "Widen")
    previews: list[np.ndarray] = []
    failures: list[object] = []
    client.ready.connect(lambda _view, picture, _seconds: previews.append(picture))
    client.failed.connect(failures.append)
    try:
        client.request("001", document.target_subject, document.spec, document.source_subject)
        job = queue.submit_edit(document)
        wait_for(lambda: not job.unfinished and bool(previews or failures))
        assert failures == []
        assert previews[0].shape == (64, 64, 3)
        assert (job.state, job.failure) == ("finished", None)
        assert read_proxy(job.folder / "target_proxy.json").part("seat").size[0] == pytest.approx(
            1.5 * document.source_proxy.part("seat").size[0]
        )
        assert len(edited(job.folder)) == 2
    finally:
        client.close(5.0)
        queue.close(5.0)
        document.close_project()
