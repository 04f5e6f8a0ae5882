"""The depthwise convolution with quick gradients has those of torch's own."""

import pytest
import torch
from torch.nn import functional as F

from training.depthwise import depthwise

C, SIDES = 6, (9, 12)


def gradients(convolve, kernel, stride, dtype):
    draw = torch.Generator().manual_seed(0)
    x, weight, bias, wanted = (
        torch.randn(shape, generator=draw, dtype=torch.float64).to(dtype)
        for shape in ((3, C, *SIDES), (C, 1, kernel, kernel), (C,), (3, C, *(-(-side // stride) for side in SIDES)))
    )
    inputs = [value.requires_grad_() for value in (x, weight, bias)]
    found = convolve(*inputs, stride, kernel // 2)
    return [found, *torch.autograd.grad((found * wanted).sum(), inputs)]


def of_torch(x, weight, bias, stride, padding):
    return F.conv2d(x, weight, bias, stride, padding, groups=C)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [3, 5, 7])
def test_it_has_the_values_and_gradients_of_a_grouped_convolution(kernel, stride):
    for found, true in zip(
        gradients(depthwise, kernel, stride, torch.float64),
        gradients(of_torch, kernel, stride, torch.float64),
        strict=True,
    ):
        torch.testing.assert_close(found, true)


@pytest.mark.parametrize("stride", [1, 2])
def test_in_bfloat16_gradients_are_as_near_as_it_can_tell(stride):
    for found, true in zip(
        gradients(depthwise, 5, stride, torch.bfloat16), gradients(of_torch, 5, stride, torch.float32), strict=True
    ):
        assert found.dtype == torch.bfloat16
        torch.testing.assert_close(found.float(), true, rtol=0.05, atol=0.02 * float(true.detach().abs().max()))


def test_it_computes_in_the_type_that_autocast_asks_for():
    x, weight, bias = torch.randn(1, C, 8, 8), torch.randn(C, 1, 5, 5, requires_grad=True), torch.zeros(C)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = depthwise(x, weight, bias, 1, 2)
    found.sum().backward()
    assert (found.dtype, weight.grad.dtype) == (torch.bfloat16, torch.float32)
