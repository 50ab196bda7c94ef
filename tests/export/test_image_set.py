from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from qnerf_core.editing.edit_files import EditFiles, find_edit
from qnerf_core.editing.spec import EditSpec
from qnerf_core.errors import ExportError, RunError
from qnerf_core.export.image_set import export_image_set
from qnerf_core.export.nerf import fit_scene, split_views
from qnerf_core.export.subject import subject_box
from qnerf_core.field.radiance import RadianceField
from qnerf_core.field.settings import RadianceSettings
from qnerf_core.proxy.files import read_proxy
from qnerf_core.runs.store import SETTINGS_KEY
from qnerf_core.scene.capture import load_capture
from qnerf_core.scene.provenance import read_provenance
from qnerf_core.scene.scene import load_depth, load_images
from tests.synthetic_capture import BOUNDS, write_capture, write_depth_capture
from tests.synthetic_run import make_backbone, make_spec, write_run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    capture = load_capture(write_capture(tmp_path / "scene", views=6, size=32, heldout=1))
    views = capture.scene.training_views
    spec = make_spec(tmp_path / "scene", make_backbone(tmp_path / "model"))
    return write_run(tmp_path / "run", spec, load_images(views), tuple(view.name for view in views))


def test_an_exported_set_opens_as_a_capture_with_its_cameras_pixels_and_settings(tmp_path: Path, run: Path) -> None:
    scene = export_image_set(run, tmp_path / "set")
    source = load_capture(tmp_path / "scene").scene
    assert [view.name for view in scene.views] == [view.name for view in source.training_views]
    for view in scene.views:
        expected = source.view(view.name).camera
        assert np.abs(view.camera.camera_to_world - expected.camera_to_world).max() < 1e-6
        assert view.camera.fx == pytest.approx(expected.fx, abs=1e-6)
    assert np.array_equal(load_images(scene.views), load_images(source.training_views))
    assert scene.bounds == pytest.approx(BOUNDS)
    known = [load_depth(view) > 0 for view in scene.views]
    assert all(part.mean() > 0.2 for part in known)
    with Image.open(scene.views[0].image_path) as picture:
        settings = json.loads(picture.text[SETTINGS_KEY])
    assert EditSpec.model_validate(settings["spec"]).edit == "up"
    provenance = read_provenance(tmp_path / "set")
    assert provenance is not None
    assert EditSpec.model_validate(provenance["spec"]).scene == str(tmp_path / "scene")
    assert read_provenance(tmp_path / "scene") is None


def test_the_provenance_of_an_edit_of_an_edited_set_goes_back_to_the_first(tmp_path: Path, run: Path) -> None:
    first = export_image_set(run, tmp_path / "first")
    spec = make_spec(tmp_path / "first", tmp_path / "model", seed=3)
    again = write_run(tmp_path / "again", spec, load_images(first.views), tuple(view.name for view in first.views))
    export_image_set(again, tmp_path / "second")
    provenance = read_provenance(tmp_path / "second")
    assert provenance is not None
    assert provenance["seed"] == 3
    assert provenance["source"]["seed"] == 0


def test_an_exported_set_is_a_capture_posed_as_the_target(tmp_path: Path, run: Path) -> None:
    export_image_set(run, tmp_path / "set")
    capture = load_capture(tmp_path / "set")
    target = load_capture(tmp_path / "scene").edit("up").pose_path
    assert capture.source_pose_path.read_bytes() == target.read_bytes()
    assert capture.scene.name.endswith(", up")


def plain(folder: Path) -> Path:
    """The pictures and cameras of a capture without what makes it one: as somebody's own photos are."""
    (folder / "capture.json").unlink()
    return folder


@pytest.mark.parametrize("named", [True, False])
def test_a_set_edited_by_depth_is_a_capture_shaped_as_the_target(tmp_path: Path, named: bool) -> None:
    scene = write_depth_capture(tmp_path / "scene", views=4, size=32, heldout=1)
    views = load_capture(scene).scene.training_views
    target = load_capture(scene).edit("up").proxy_path
    spec = make_spec(scene, make_backbone(tmp_path / "model"))
    if not named:
        spec = spec.model_copy(update={"edit": str(target), "source": str(scene / "source_proxy.json")})
        plain(scene)
    run = write_run(tmp_path / "run", spec, load_images(views), tuple(view.name for view in views))
    export_image_set(run, tmp_path / "set")
    again = load_capture(tmp_path / "set")
    assert again.control == "depth"
    assert again.source_proxy_path.read_bytes() == target.read_bytes()
    # Nobody knows how large the world of somebody's own photos is.
    assert (again.scene.bounds is None) == (not named)
    assert read_provenance(tmp_path / "set") is not None
    # It is edited again by what is found in it alone.
    files = find_edit(make_spec(tmp_path / "set", tmp_path / "model", edit=str(target)), again.scene, again)
    assert files == EditFiles("depth", tmp_path / "set" / "source_proxy.json", target)
    assert (subject_box(run)[0] < read_proxy(target).box()[0]).all()


def test_photos_edited_by_a_pose_become_a_capture_posed_as_the_target(tmp_path: Path, run: Path) -> None:
    target = load_capture(tmp_path / "scene").edit("up").pose_path
    views = load_capture(tmp_path / "scene").scene.training_views
    spec = make_spec(plain(tmp_path / "scene"), tmp_path / "model", edit=str(target), source=str(target))
    own = write_run(tmp_path / "own", spec, load_images(views), tuple(view.name for view in views))
    export_image_set(own, tmp_path / "set")
    assert load_capture(tmp_path / "set").source_pose_path.read_bytes() == target.read_bytes()


def test_an_export_that_replaces_one_of_another_kind_keeps_nothing_of_it(tmp_path: Path, run: Path) -> None:
    export_image_set(run, tmp_path / "set")
    scene = write_depth_capture(tmp_path / "scene", views=6, size=32, heldout=1)
    views = load_capture(scene).scene.training_views
    spec = make_spec(scene, tmp_path / "model")
    export_image_set(
        write_run(tmp_path / "by depth", spec, load_images(views), tuple(view.name for view in views)), tmp_path / "set"
    )
    assert load_capture(tmp_path / "set").control == "depth"
    assert not (tmp_path / "set/source_pose.json").exists()


def test_an_interval_is_exported_as_it_was_previewed(tmp_path: Path, run: Path) -> None:
    scene = export_image_set(run, tmp_path / "set", interval=1)
    view = scene.views[0]
    preview = run / "intervals" / "01" / "previews" / f"{view.name}.jpg"
    assert view.image_path.read_bytes() == preview.read_bytes()
    provenance = read_provenance(tmp_path / "set")
    assert provenance is not None
    assert provenance["interval"] == 1
    preview.unlink()
    with pytest.raises(RunError, match="1 of 5 previews are missing"):
        export_image_set(run, tmp_path / "other", interval=1)


def test_only_an_earlier_export_is_replaced(tmp_path: Path, run: Path) -> None:
    export_image_set(run, tmp_path / "set")
    (tmp_path / "set/images/stale.png").write_bytes(b"old")
    export_image_set(run, tmp_path / "set")
    assert not (tmp_path / "set/images/stale.png").exists()
    with pytest.raises(ExportError, match="something else"):
        export_image_set(run, tmp_path / "scene")
    (run / "edited/001.png").unlink()
    with pytest.raises(RunError, match="no result yet"):
        export_image_set(run, tmp_path / "other")


def test_a_field_of_the_set_is_kept_with_its_quality(tmp_path: Path, run: Path) -> None:
    scene = export_image_set(run, tmp_path / "set")
    train, out = split_views(scene)
    assert len(train) == 4
    assert len(out) == 1
    settings = RadianceSettings(
        iterations=30, batch_rays=256, samples_per_ray=12, resolutions=(16, 32), occupancy_resolution=16
    )
    fitted = fit_scene(scene, tmp_path / "nerf", settings)
    stored = json.loads((tmp_path / "nerf/quality.json").read_text())
    assert stored == fitted.quality
    assert stored["kept_out"] == [out[0].name]
    assert stored["psnr"] > 8.0
    assert stored["provenance"]["spec"]["edit"] == "up"
    loaded = RadianceField.load(tmp_path / "nerf/radiance.safetensors")
    camera = out[0].camera.scaled(16, 16)
    assert np.array_equal(loaded.render(camera).rgb.numpy(), fitted.field.render(camera).rgb.numpy())


def test_views_the_capture_keeps_out_measure_the_field(tmp_path: Path, run: Path) -> None:
    train, out = split_views(load_capture(tmp_path / "scene").scene)
    assert [view.heldout for view in out] == [True]
    assert len(train) == 5
    few = export_image_set(run, tmp_path / "set").subset(["001", "002"])
    with pytest.raises(ExportError, match="at least 3"):
        split_views(few)
