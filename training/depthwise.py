"""A depthwise convolution whose gradients are quick in bfloat16.

PyTorch takes a slow way for two of them: for filters of 5 x 5, and for the input where the stride is 2; tuning an
EfficientNet with it spends two thirds of its time there. This one puts a 5 x 5 filter's gradient together from those of
four 3 x 3 filters, and takes the input's gradient at stride 2 in float32.
"""

from __future__ import annotations

from itertools import product
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import functional as F

_WINDOW = 3  # the side of the filters that are quick
_WEIGHT_ONLY, _INPUT_ONLY = (False, True, False), (True, False, False)


class _Depthwise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, stride: int, padding: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.padding = stride, padding
        return F.conv2d(x, weight, bias, stride, padding, 1, len(weight))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor, Tensor, None, None]:
        x, weight = ctx.saved_tensors
        gradient = gradients[0].contiguous(memory_format=torch.channels_last)
        of_x = _of_input(gradient, x, weight, ctx.stride, ctx.padding) if ctx.needs_input_grad[0] else None
        of_weight = _of_weight(gradient, x, weight, ctx.stride, ctx.padding)
        return of_x, of_weight, gradient.sum((0, 2, 3)), None, None


def depthwise(x: Tensor, weight: Tensor, bias: Tensor, stride: int, padding: int) -> Tensor:
    """Filter each channel by itself, as `conv2d` does with as many groups as channels.

    Args:
        x: float (B, C, h, w).
        weight: the filters, float (C, 1, k, k).
        bias: added to each channel (C).
        stride: of the filters.
        padding: zeros on each side.
    """
    dtype = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else x.dtype
    inputs = (x.to(dtype), weight.to(dtype), bias.to(dtype))
    return cast("Tensor", _Depthwise.apply(*inputs, stride, padding))


def _of_input(gradient: Tensor, x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    if stride == 1 or x.dtype is not torch.bfloat16:
        return _backward(gradient, x, weight, stride, padding, _INPUT_ONLY)[0]
    return _backward(gradient.float(), x.float(), weight.float(), stride, padding, _INPUT_ONLY)[0].to(x.dtype)


def _of_weight(gradient: Tensor, x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    """Return the gradient of the filters; each 3 x 3 part of a larger one sees its own part of the input."""
    side = weight.shape[-1]
    if side <= _WINDOW:
        return _backward(gradient, x, weight, stride, padding, _WEIGHT_ONLY)[1]
    x = F.pad(x, (padding,) * 4)
    height, width = (stride * (n - 1) + _WINDOW for n in gradient.shape[-2:])
    whole, small = torch.empty_like(weight), weight[..., :_WINDOW, :_WINDOW].contiguous()
    for top, left in product((*range(0, side - _WINDOW, _WINDOW - 1), side - _WINDOW), repeat=2):
        seen = x[..., top : top + height, left : left + width].contiguous(memory_format=torch.channels_last)
        found = _backward(gradient, seen, small, stride, 0, _WEIGHT_ONLY)[1]
        whole[..., top : top + _WINDOW, left : left + _WINDOW] = found
    return whole


def _backward(
    gradient: Tensor, x: Tensor, weight: Tensor, stride: int, padding: int, wanted: tuple[bool, bool, bool]
) -> tuple[Tensor, Tensor, Tensor]:
    strides, paddings = [stride] * 2, [padding] * 2
    found: tuple[Tensor, Tensor, Tensor] = torch.ops.aten.convolution_backward(
        gradient, x, weight, None, strides, paddings, [1, 1], False, [0, 0], len(weight), list(wanted)
    )
    return found
