from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh

from qnerf_core import files
from qnerf_core.errors import ProxyError
from qnerf_core.proxy.files import read_proxy, write_proxy
from qnerf_core.proxy.mesh_files import read_mesh_parts, write_proxy_glb
from qnerf_core.proxy.model import DepthProxy, ProxyPart, mesh_part


@pytest.fixture
def proxy() -> DepthProxy:
    ball = trimesh.creation.icosphere(2, 0.31).apply_translation([1.1, 2.2, 0.7])
    turned = ProxyPart("seat", "box", np.array([0.1, 0.2, 0.3]), np.array([0.4, -0.5, 0.6]), np.array([1.7, 0.8, 0.9]))
    blob = ProxyPart("bulb", "blob", np.array([0.0, 0.0, 1.5]), np.zeros(3), np.array([0.3, 0.3, 0.5]), "shade")
    knob = mesh_part("knob", np.asarray(ball.vertices), np.asarray(ball.faces))
    return DepthProxy((turned, blob, knob.rotated(np.array([0.1, 0.2, 0.3]))), blend=0.07)


def test_json_goes_round(proxy: DepthProxy, tmp_path: Path) -> None:
    write_proxy(tmp_path / "proxy.json", proxy)
    read = read_proxy(tmp_path / "proxy.json")
    assert [(p.name, p.kind, p.group) for p in read.parts] == [(p.name, p.kind, p.group) for p in proxy.parts]
    assert read.blend == proxy.blend
    for was, now in zip(proxy.mesh(), read.mesh(), strict=True):
        np.testing.assert_allclose(now, was, atol=1e-6)
    content = files.read_json(tmp_path / "proxy.json")
    assert content["version"] == 1
    assert "z up, metres" in content["convention"]


def test_glb_keeps_every_part_where_it_is_and_stands_upright(proxy: DepthProxy, tmp_path: Path) -> None:
    write_proxy_glb(tmp_path / "proxy.glb", proxy)
    read = DepthProxy(read_mesh_parts(tmp_path / "proxy.glb"))
    assert set(read.names) == {"seat", "knob", "blobs"}
    for name in ("seat", "knob"):
        was, now = (trimesh.Trimesh(*each.part(name).mesh, process=False) for each in (proxy, read))
        np.testing.assert_allclose(now.bounds, was.bounds, atol=1e-6)
        assert now.volume == pytest.approx(was.volume, rel=1e-5)
        assert now.is_watertight, "vertices are shared again"
    raw = trimesh.load_scene(tmp_path / "proxy.glb").bounds
    np.testing.assert_allclose(raw[1][1], proxy.mesh()[0][:, 2].max(), atol=1e-3, err_msg="y is up in glTF")


def test_meshes_of_other_programs_come_in_with_their_up(tmp_path: Path) -> None:
    tall = trimesh.creation.box((1.0, 2.0, 4.0))
    tall.export(tmp_path / "tall.stl")
    tall.export(tmp_path / "tall.obj")
    (upright,) = read_mesh_parts(tmp_path / "tall.stl")
    np.testing.assert_allclose(upright.size, [1.0, 2.0, 4.0], atol=1e-6)
    np.testing.assert_allclose(read_mesh_parts(tmp_path / "tall.obj")[0].size, [1.0, 4.0, 2.0], atol=1e-6)
    np.testing.assert_allclose(read_mesh_parts(tmp_path / "tall.obj", y_up=False)[0].size, [1.0, 2.0, 4.0], atol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "something"}, "not a proxy file"),
        ({"version": 2}, "version 2"),
        ({"blend": -1}, "blend"),
        ({"parts": [{"name": "a", "kind": "torus"}]}, "parts -> 0 -> kind"),
        ({"parts": [{"name": "a", "kind": "box", "centre": [0, 0, 0], "rotation": [0, 0, 0]}]}, "parts -> 0 -> size"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(
    proxy: DepthProxy, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    path = tmp_path / "proxy.json"
    write_proxy(path, proxy)
    files.write_json(path, files.read_json(path) | change)
    with pytest.raises(ProxyError, match=message):
        read_proxy(path)


def test_broken_and_empty_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ProxyError, match="no such file"):
        read_proxy(tmp_path / "none.json")
    (tmp_path / "broken.glb").write_bytes(b"glTF nonsense")
    with pytest.raises(ProxyError, match=r"Cannot import .*broken\.glb"):
        read_mesh_parts(tmp_path / "broken.glb")
    with pytest.raises(ProxyError, match="is not read"):
        read_mesh_parts(tmp_path / "picture.jpg")
    with pytest.raises(ProxyError, match="empty"):
        write_proxy_glb(tmp_path / "empty.glb", DepthProxy())
