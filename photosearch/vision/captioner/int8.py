"""Linear layers that multiply in whole numbers of 8 bits: four times as fast as in float32 with AVX512-VNNI.

Each row of the inputs is divided by its largest value and rounded to a 127th of it, so that what comes of a row does
not depend on the others; each output has a step of its own that its weights are rounded to. The sums are exact on every
processor: where two products are added in 16 bits (vpmaddubsw, on those with AVX2 only), two neighbouring weights come
to at most 128 steps, so that 255 times that fits.
"""

from __future__ import annotations

import numpy as np

from photosearch.vision.onnx_file import node

_LARGEST = 127
_LEAST = 1e-9  # a row of zeros is divided by it
_DOMAIN = "com.microsoft"  # ONNX Runtime's own operations


def linear_in_int8(inputs: str, layer: str, output: str) -> list[bytes]:
    """Return a linear layer over rows (N, in), whose tensors are those of `int8_tensors`."""
    largest, shares, rounded, product = (f"{output}_{part}" for part in ("largest", "shares", "rounded", "product"))
    operands = [rounded, f"{layer}.columns", "int8.step", f"{layer}.steps", "int8.zero"]
    return [
        node("Abs", [inputs], [f"{output}_sizes"]),
        node("ReduceMax", [f"{output}_sizes", "int8.axis"], [f"{output}_reached"], keepdims=1),
        node("Max", [f"{output}_reached", "int8.least"], [largest]),
        node("Div", [inputs, largest], [shares]),
        node("QuantizeLinear", [shares, "int8.step", "int8.zero"], [rounded]),
        node("MatMulIntegerToFloat", operands, [product], domain=_DOMAIN),
        node("Mul", [product, largest], [f"{output}_scaled"]),
        node("Add", [f"{output}_scaled", f"{layer}.bias"], [output]),
    ]


def int8_tensors(layer: str, weight: np.ndarray, bias: np.ndarray) -> dict[str, np.ndarray]:
    """Return a layer's tensors, and those that all such layers share.

    Args:
        layer: its name.
        weight: float32 (out, in), as torch keeps it.
        bias: float32 (out).
    """
    steps = _steps(weight)
    return {
        f"{layer}.columns": np.ascontiguousarray(np.round(weight / steps[:, None]).astype(np.int8).T),
        f"{layer}.steps": steps,
        f"{layer}.bias": bias,
        "int8.step": np.array(1 / _LARGEST, np.float32),
        "int8.zero": np.array(_LARGEST + 1, np.uint8),
        "int8.least": np.array(_LEAST, np.float32),
        "int8.axis": np.array([1]),
    }


def _steps(weight: np.ndarray) -> np.ndarray:
    """Return what each output's weights are rounded to, float32 (out): no two neighbours come to more than 128."""
    sizes = np.abs(np.pad(weight, ((0, 0), (0, weight.shape[1] % 2))))
    pairs = sizes.reshape(len(weight), -1, 2).sum(2)
    steps: np.ndarray = np.maximum(pairs.max(1) / _LARGEST, _LEAST).astype(np.float32)
    return steps
