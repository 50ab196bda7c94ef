from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from qnerf_core import assets
from qnerf_core.body.model import BodyModel
from qnerf_core.body.pose import BodyPose
from qnerf_core.body.pose_file import read_pose
from qnerf_core.control.loose_depth import depth_control_image
from qnerf_core.diffusion.backbone import Backbone
from qnerf_core.editing.edit_files import EditFiles, find_edit, read_states
from qnerf_core.editing.inputs import build_inputs, choose_views, picture_size, prepare
from qnerf_core.editing.photographs import Beside
from qnerf_core.editing.spec import ControlSettings, EditSpec
from qnerf_core.errors import CaptureError, SettingsError
from qnerf_core.evaluation.image_metrics import psnr
from qnerf_core.proxy.files import write_proxy
from qnerf_core.scene.camera import Camera
from qnerf_core.scene.capture import CAPTURE_FILE, load_capture, load_scene
from qnerf_core.scene.scene import Scene, View, load_depth, load_images, load_mask
from tests.editing.conftest import changed, inputs_of
from tests.synthetic_capture import AFTER, BEFORE, proxy_of, ray_trace, write_capture, write_depth_capture
from tests.tiny_models import builtin_like


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    folder = tmp_path_factory.mktemp("capture")
    write_capture(folder, views=6, size=64, heldout=2)
    return load_capture(folder).scene


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return BodyModel.load()


@pytest.fixture(scope="module")
def poses(body: BodyModel) -> tuple[BodyPose, BodyPose]:
    names = ("stand", "arms-raised")
    standing, raised = (body.on_floor(read_pose(assets.poses_folder() / f"{name}.json")) for name in names)
    return standing, raised


def test_views_come_in_the_order_of_the_scene(scene: Scene) -> None:
    names = [view.name for view in scene.training_views]
    assert [view.name for view in choose_views(scene, None)] == names
    assert [view.name for view in choose_views(scene, 2)] == [names[0], names[2]]
    assert [view.name for view in choose_views(scene, (names[3], names[1]))] == [names[1], names[3]]


def test_views_that_do_not_exist_are_refused(scene: Scene) -> None:
    with pytest.raises(SettingsError, match="has 4 to edit"):
        choose_views(scene, 5)
    with pytest.raises(CaptureError, match="no view 'nobody'"):
        choose_views(scene, ("nobody",))
    with pytest.raises(SettingsError, match="no views"):
        choose_views(replace(scene, views=scene.heldout_views), None)


def test_pictures_keep_their_shape_in_sizes_the_model_takes() -> None:
    portrait = Camera(np.eye(4), 50.0, 50.0, 50.0, 80.0, 100, 160)
    assert picture_size(portrait, 256, 32) == (256, 160)
    assert picture_size(portrait, 64, 64) == (64, 64)
    with pytest.raises(SettingsError, match="multiples of 32"):
        picture_size(portrait, 250, 32)


def test_everything_is_of_the_backbones_size(scene: Scene, body: BodyModel, poses: tuple[BodyPose, BodyPose]) -> None:
    backbone = inputs_of(builtin_like()).backbone
    spec = changed(EditSpec(), views=3, prompt="a statue", image_size=96)
    inputs = build_inputs(scene, *poses, spec, backbone, body)
    assert inputs.images.shape == inputs.controls.shape == (3, 3, 96, 96)
    assert inputs.depth.shape == inputs.depth_valid.shape == (3, 96, 96)
    assert [(camera.width, camera.height) for camera in inputs.cameras] == [(96, 96)] * 3
    assert inputs.prompt == "a statue"
    np.testing.assert_array_equal(inputs.bounds, scene.bounds)
    for control, camera, depth in zip(inputs.controls, inputs.cameras, inputs.depth, strict=True):
        assert 0.01 < float((control.amax(dim=0) > 0).float().mean()) < 0.5
        pixels, distance = camera.project(inputs.surface_points)
        inside = ((pixels >= 0) & (pixels < 96)).all(axis=1)
        rows, columns = pixels[inside, 1].astype(int), pixels[inside, 0].astype(int)
        assert inside.sum() > 300
        assert (depth.numpy()[rows, columns] <= distance[inside] + 0.1).mean() > 0.95, "the body is in the depth"


def test_at_the_captures_own_size_nothing_is_resampled(
    scene: Scene, body: BodyModel, poses: tuple[BodyPose, BodyPose]
) -> None:
    backbone: Backbone = inputs_of(builtin_like()).backbone
    views = scene.training_views
    inputs = build_inputs(scene, *poses, EditSpec(), backbone, body)
    np.testing.assert_array_equal(inputs.images.numpy(), load_images(views))
    assert inputs.prompt == scene.prompt
    for view, depth, valid in zip(views, inputs.depth.numpy(), inputs.depth_valid.numpy(), strict=True):
        source, figure = load_depth(view), load_mask(view)
        known = valid & ~figure
        assert known.any()
        target = depth != source
        assert valid[target].any(), "the target's inside is known"
        assert not (valid & figure & ~target).any(), "where the figure only was, nothing is"


def test_without_masks_depth_and_bounds_the_bodies_stand_in(
    scene: Scene, body: BodyModel, poses: tuple[BodyPose, BodyPose]
) -> None:
    bare = replace(
        scene, bounds=None, views=tuple(replace(view, mask_path=None, depth_path=None) for view in scene.views)
    )
    inputs = build_inputs(bare, *poses, changed(EditSpec(), views=2), inputs_of(builtin_like()).backbone, body)
    covered = inputs.depth > 0
    assert bool(covered.any())
    assert bool((inputs.depth_valid & covered).any())
    assert not bool((inputs.depth_valid & ~covered).any())
    for pose in poses:
        vertices = body(pose).vertices
        assert (vertices.min(axis=0) >= inputs.bounds[0]).all()
        assert (vertices.max(axis=0) <= inputs.bounds[1]).all()


def test_a_pose_file_may_replace_a_built_in_edit(tmp_path: Path) -> None:
    """`prepare` puts capture, pose, body and model together from names and paths alone."""
    capture = tmp_path / "capture"
    write_capture(capture, views=4, size=64, heldout=1)
    pose = assets.poses_folder() / "arms-raised.json"
    standing = assets.poses_folder() / "stand.json"
    load_capture(capture).source_pose_path.write_bytes(standing.read_bytes())
    spec = changed(EditSpec(), scene=str(capture), edit=str(pose), backbone=str(builtin_like()), views=2)
    inputs = prepare(spec)
    assert len(inputs.views) == 2
    with pytest.raises(CaptureError, match="has no edit 'fly'"):
        prepare(changed(spec, edit="fly"))


def test_pictures_without_a_capture_file_need_the_pose_in_them(tmp_path: Path) -> None:
    """As an exported set is edited again."""
    capture = write_capture(tmp_path / "capture", views=4, size=64, heldout=1)
    (capture / CAPTURE_FILE).unlink()
    target = tmp_path / "run" / "target_pose.json"
    target.parent.mkdir()
    target.write_bytes((assets.poses_folder() / "arms-raised.json").read_bytes())
    spec = changed(EditSpec(), scene=str(capture), edit=str(target), backbone=str(builtin_like()), views=2)
    with pytest.raises(CaptureError, match=r"named source_pose\.json"):
        prepare(spec)
    (target.parent / "source_pose.json").write_bytes((assets.poses_folder() / "stand.json").read_bytes())
    inputs = prepare(spec)
    assert len(inputs.views) == 2
    assert bool((inputs.depth > 0).any())


def test_a_fitted_pose_is_what_the_pictures_show(tmp_path: Path) -> None:
    """As `fit-body` leaves it: not beside the target, and before what the capture says."""
    capture = write_capture(tmp_path / "capture", views=4, size=64, heldout=1)
    target, source = (str(assets.poses_folder() / f"{name}.json") for name in ("arms-raised", "wide-stance"))
    spec = changed(EditSpec(), scene=str(capture), edit=target, source=source)
    assert find_edit(spec, *load_scene(spec.scene)) == EditFiles("skeleton", Path(source), Path(target))
    (capture / CAPTURE_FILE).unlink()
    assert find_edit(spec, *load_scene(spec.scene)) == EditFiles("skeleton", Path(source), Path(target))
    with pytest.raises(CaptureError, match="no file nowhere"):
        find_edit(changed(spec, source="nowhere"), *load_scene(spec.scene))
    with pytest.raises(CaptureError, match="brings no edits"):
        find_edit(changed(spec, edit="kick"), *load_scene(spec.scene))
    with pytest.raises(SettingsError, match="its control is skeleton"):
        find_edit(changed(spec, control=ControlSettings(kind="depth")), *load_scene(spec.scene))


@pytest.fixture(scope="module")
def loose(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_depth_capture(tmp_path_factory.mktemp("loose"), views=4, size=64, heldout=1)


def depth_spec(folder: Path, **changes: object) -> EditSpec:
    return changed(EditSpec(), scene=str(folder), edit="up", backbone=str(builtin_like()), **changes)


def test_a_capture_edited_by_proxies_is_shown_as_depth(loose: Path) -> None:
    spec = depth_spec(loose)
    assert find_edit(spec, *load_scene(spec.scene)).control == "depth"
    inputs = prepare(spec)
    assert inputs.region is not None
    known_again = 0
    for index, camera in enumerate(inputs.cameras):
        after, empty = ray_trace(camera, AFTER), ray_trace(camera, AFTER, figure=False)
        exact = depth_control_image(after.depth)
        shown = (inputs.controls[index].permute(1, 2, 0) * 255).round().numpy()
        assert np.abs(shown - exact).mean() < 2.0
        depth, valid = inputs.depth[index].numpy(), inputs.depth_valid[index].numpy()
        np.testing.assert_allclose(depth[valid], after.depth[valid], atol=0.03)
        uncovered = ray_trace(camera, BEFORE).mask & ~after.mask & (empty.depth > 0)
        assert (valid & after.mask).sum() > 0.5 * after.mask.sum(), "the proxy fits, so it is trusted"
        known_again += (valid & uncovered).sum()
        pixels, distance = camera.project(inputs.surface_points)
        rows, columns = np.clip(pixels[:, 1].astype(int), 0, 63), np.clip(pixels[:, 0].astype(int), 0, 63)
        assert (distance >= depth[rows, columns] - 0.1).mean() > 0.95, "its points are on or behind what is seen"
    assert known_again > 10, "the empty scene's depth"


def test_inside_a_proxy_that_does_not_fit_nothing_is_known(tmp_path: Path) -> None:
    inputs = prepare(depth_spec(write_depth_capture(tmp_path, growth=1.0, views=3, size=64, heldout=1)))
    for camera, valid in zip(inputs.cameras, inputs.depth_valid.numpy(), strict=True):
        assert not valid[ray_trace(camera, AFTER).mask].any()
        assert valid.any()


def test_what_the_subject_hid_is_not_known_without_the_depth_of_the_empty_scene(tmp_path: Path) -> None:
    inputs = prepare(depth_spec(write_depth_capture(tmp_path, boundary=False, views=3, size=64, heldout=1)))
    for index, camera in enumerate(inputs.cameras):
        before, after = ray_trace(camera, BEFORE), ray_trace(camera, AFTER)
        uncovered = before.mask & ~after.mask
        assert not inputs.depth_valid[index].numpy()[uncovered].any()
        floor = uncovered & (ray_trace(camera, BEFORE, figure=False).depth > 0)
        assert (inputs.depth[index].numpy()[floor] > 0).mean() > 0.9, "but the picture shows the floor there"


def test_the_users_own_proxy_and_the_wrong_kind(loose: Path, tmp_path: Path) -> None:
    write_proxy(tmp_path / "mine.json", proxy_of((0.0, 0.0, 1.3)))
    mine = prepare(changed(depth_spec(loose, views=1), edit=str(tmp_path / "mine.json")))
    assert float((mine.controls - prepare(depth_spec(loose, views=1)).controls).abs().max()) > 0.1
    with pytest.raises(SettingsError, match="cannot be edited by skeleton"):
        prepare(depth_spec(loose, control__kind="skeleton"))


def test_nothing_is_kept_where_the_paper_is_reproduced(loose: Path) -> None:
    assert prepare(depth_spec(loose, views=1, background__keep=False)).region is None


def test_neighbours_show_in_the_draft_what_a_view_hides() -> None:
    scene, capture = load_scene("person")
    backbone = inputs_of(builtin_like()).backbone
    # From the side, one arm hides what the other one shows when both are raised.
    side = scene.training_views[len(scene.training_views) // 4]
    spec = changed(EditSpec(), views=(side.name,), diffusion__correspondence="on", image_size=256)
    source, target, body = read_states(find_edit(spec, scene, capture))
    truth = capture.edits["raise-arms"].truth
    assert truth is not None
    true_view = truth.view(side.name)
    region = load_mask(true_view) & ~load_mask(side)
    reached = []
    for count in (0, 4):
        made = build_inputs(scene, source, target, spec, backbone, body, Beside(count))
        assert made.drafts is not None
        assert made.drafts.shape == made.images.shape == (1, 3, 256, 256)
        reached.append(psnr(made.drafts[0].numpy(), load_images([true_view])[0], region))
    assert reached[1] > reached[0] + 1.0


def test_views_beside_are_looked_at_once_for_all_edits_of_a_view(monkeypatch: pytest.MonkeyPatch) -> None:
    scene, capture = load_scene("person")
    backbone = inputs_of(builtin_like()).backbone
    first, second = (view.name for view in scene.training_views[:2])
    spec = changed(EditSpec(), diffusion__correspondence="on", image_size=64)
    source, target, body = read_states(find_edit(spec, scene, capture))
    other = read_states(find_edit(changed(spec, edit="kick"), scene, capture))[1]
    loaded: list[int] = []

    def counted(views: Sequence[View]) -> np.ndarray:
        loaded.append(len(views))
        return load_images(views)

    monkeypatch.setattr("qnerf_core.editing.inputs.load_images", counted)
    beside = Beside(2)
    for name, before, after, expected in (
        (first, source, target, [1, 2]),
        (first, source, other, [1]),
        (second, source, target, [1, 2]),
        (first, source, target, [1]),
        (first, other, target, [1, 2]),
    ):
        loaded.clear()
        states = scene, before, after, changed(spec, views=(name,)), backbone, body
        made = build_inputs(*states, beside)
        assert loaded == expected
        if len(loaded) == 1:
            alone = build_inputs(*states, Beside(2))
            assert made.drafts is not None
            assert alone.drafts is not None
            assert torch.equal(made.drafts, alone.drafts)
