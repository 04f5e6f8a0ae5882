"""ONNX files written byte by byte, for networks whose weights are not kept as a graph.

An ONNX file is a protocol buffer (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto). The field numbers below are
that file's; they never change. The package `onnx` would do it, too, but is large, and only training needs it otherwise.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

IR_VERSION, OPSET = 9, 20
FLOAT = 1  # TensorProto.DataType
_KINDS = {"float32": FLOAT, "uint8": 2, "int8": 3, "int64": 7}
_VERSIONS = {"": OPSET, "com.microsoft": 1}  # of the operations in each domain
_ATTRIBUTE_FLOAT, _ATTRIBUTE_INT = 1, 2  # AttributeProto.AttributeType


def write_graph(
    nodes: Iterable[bytes],
    inputs: Mapping[str, int],
    outputs: Iterable[str],
    weights: Mapping[str, np.ndarray],
) -> bytes:
    """Return an ONNX file.

    Args:
        nodes: what `node` made, each after those whose outputs it takes.
        inputs: their names with their numbers of axes; all are float32.
        outputs: the names of float32 tensors.
        weights: arrays by name, float32, int64, int8 or uint8.
    """
    graph = [_message(1, node) for node in nodes]
    graph.append(_message(2, b"graph"))
    graph += [_message(5, _tensor(name, values)) for name, values in weights.items()]
    graph += [_message(11, _value(name, n_axes)) for name, n_axes in inputs.items()]
    graph += [_message(12, _value(name)) for name in outputs]
    opsets = [_message(8, _message(1, name.encode()) + _number(2, version)) for name, version in _VERSIONS.items()]
    return _number(1, IR_VERSION) + _message(7, b"".join(graph)) + b"".join(opsets)


def node(
    operator: str, inputs: Sequence[str], outputs: Sequence[str], *, domain: str = "", **attributes: float
) -> bytes:
    """Return an operation of a graph, such as `node("Gemm", ["x", "w", "b"], ["y"], transB=1)`.

    `domain` names operations that are not ONNX's own, such as "com.microsoft".
    """
    parts = [_message(1, name.encode()) for name in inputs] + [_message(2, name.encode()) for name in outputs]
    parts += [_message(4, operator.encode()), _message(7, domain.encode())]
    for name, value in attributes.items():
        named = _message(1, name.encode())
        if isinstance(value, int):
            parts.append(_message(5, named + _number(3, value) + _number(20, _ATTRIBUTE_INT)))
        else:
            parts.append(_message(5, named + b"\x15" + struct.pack("<f", value) + _number(20, _ATTRIBUTE_FLOAT)))
    return b"".join(parts)


def _tensor(name: str, values: np.ndarray) -> bytes:
    kind = _KINDS[values.dtype.name]
    dims = b"".join(_number(1, size) for size in values.shape)
    return dims + _number(2, kind) + _message(8, name.encode()) + _message(9, values.tobytes())


def _value(name: str, n_axes: int | None = None) -> bytes:
    """Return a float32 tensor's declaration; its axes are of any size, and of any number where it is not given."""
    shape = b"" if n_axes is None else _message(2, _message(1, b"") * n_axes)
    return _message(1, name.encode()) + _message(2, _message(1, _number(1, FLOAT) + shape))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value % (1 << 64))


def _message(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
