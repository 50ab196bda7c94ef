from __future__ import annotations

import torch
from skimage import data

from qnerf_core.evaluation.features import feature_network, feature_network_name


def test_the_network_recognises_pictures_it_was_never_told_about() -> None:
    network = feature_network()
    expected = {"chelsea": 285, "coffee": 967}  # Egyptian cat, espresso: wrong padding or scaling would lose them
    for name, label in expected.items():
        image = torch.from_numpy(getattr(data, name)()).permute(2, 0, 1)[None].float() / 255
        probabilities = network(image).softmax(-1)[0]
        assert int(probabilities.argmax()) == label
        assert float(probabilities[label]) > 0.6


def test_features_have_the_stated_shapes_for_odd_sizes() -> None:
    levels = feature_network().features(torch.rand(1, 3, 65, 97, generator=torch.Generator().manual_seed(0)))
    assert [tuple(level.shape[1:]) for level in levels] == [
        (16, 33, 49), (24, 17, 25), (40, 9, 13), (112, 5, 7), (320, 3, 4)]  # fmt: skip


def test_the_name_says_which_network_it_is() -> None:
    assert "EfficientNet-Lite0" in feature_network_name()
