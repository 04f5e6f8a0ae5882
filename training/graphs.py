"""Torch modules to ONNX graphs: batch norm folded into the convolutions, weights stored as float16 or int8."""

from __future__ import annotations

import copy
import logging
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import cast

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

TOLERANCE = 1e-4  # largest difference to torch of the same float16 weights; a share of outputs above 1
_STORED_AS_FLOAT32 = 64  # values of smaller tensors: not worth a conversion


def fold_batch_norm(module: nn.Module) -> nn.Module:
    """Copy a network for inference, each batch norm folded into the convolution before it in its `Sequential`."""
    module = copy.deepcopy(module).eval().requires_grad_(False)
    for parent in module.modules():
        if not isinstance(parent, nn.Sequential):
            continue
        for i in range(len(parent) - 1):
            conv, norm = parent[i], parent[i + 1]
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                mean, var = cast("Tensor", norm.running_mean), cast("Tensor", norm.running_var)
                conv.weight, conv.bias = fuse_conv_bn_weights(
                    conv.weight, conv.bias, mean, var, norm.eps, norm.weight, norm.bias
                )
                parent[i + 1] = nn.Identity()
    return module.requires_grad_(False)


def export_graph(module: nn.Module, example: Tensor, outputs: list[str]) -> bytes:
    """Export a module as an ONNX file's bytes, and check it against torch.

    Args:
        module: takes one float32 tensor (B, ...), returns one tensor or a tuple of them.
        example: an input; its first axis becomes the batch's, the others are fixed.
        outputs: the outputs' names.

    Raises:
        RuntimeError: the graph's outputs differ from torch's by more than `TOLERANCE`.
    """
    folded = fold_batch_norm(module)
    for value in folded.state_dict().values():
        if value.is_floating_point() and value.numel() > _STORED_AS_FLOAT32:
            value.copy_(value.half().float())
    for chatty in ("torch.onnx", "onnxscript", "onnx_ir"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            folded,
            (example,),
            dynamo=True,
            input_names=["input"],
            output_names=outputs,
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            optimize=True,
            verbose=False,
        )
    content = _in_half(cast("torch.onnx.ONNXProgram", program).model_proto).SerializeToString()
    _check(folded, content, example)
    return content


def quantised(content: bytes, examples: Iterable[np.ndarray]) -> bytes:
    """Return a graph that computes its convolutions in int8, with ranges as they occur in examples.

    Convolutions without an activation, whose outputs are boxes, stay in float32. Weights have seven bits, since sums of
    products of eight bits overflow on processors without VNNI.

    Args:
        content: the graph, with one input.
        examples: inputs, float32 (B, ...).
    """
    import onnxruntime
    from onnxruntime import quantization

    class Reader(quantization.CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._rest: Iterator[np.ndarray] = iter(examples)

        def get_next(self) -> dict[str, np.ndarray] | None:
            values = next(self._rest, None)
            return None if values is None else {"input": values}

    with tempfile.TemporaryDirectory() as scratch:
        plain, small = Path(scratch) / "plain.onnx", Path(scratch) / "small.onnx"
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(plain)  # weights as float32, without casts
        onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        nodes = onnx.load(plain).graph.node
        padded = {output for n in nodes if n.op_type == "Pad" for output in n.output}  # with -inf, which int8 has not
        activated = {name for n in nodes if n.op_type == "LeakyRelu" for name in n.input}
        kept = [n.name for n in nodes if n.op_type == "MaxPool" and padded & set(n.input)]
        kept += [n.name for n in nodes if n.op_type == "Conv" and n.output[0] not in activated]
        quantization.quantize_static(
            plain,
            small,
            Reader(),
            quant_format=quantization.QuantFormat.QDQ,
            per_channel=True,
            reduce_range=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            op_types_to_quantize=["Conv", "LeakyRelu", "MaxPool", "Concat", "Resize"],
            nodes_to_exclude=kept,
        )
        return small.read_bytes()


def _in_half(model: onnx.ModelProto) -> onnx.ModelProto:
    """Store the large weights of a graph as float16; each is cast once, when the graph is opened."""
    graph = model.graph
    casts = []
    for weight in graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.dtype == np.float32 and values.size > _STORED_AS_FLOAT32:
            name = weight.name
            weight.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
            casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend([*casts, *nodes])
    del graph.value_info[:]
    for node in graph.node:
        node.doc_string = ""
        del node.metadata_props[:]  # where in the exporter's source a node came from
    del graph.metadata_props[:], model.metadata_props[:]
    onnx.checker.check_model(model)
    return model


def _check(module: nn.Module, content: bytes, example: Tensor) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    batch = torch.cat([example, example.flip(-1), example * 0.5])
    with torch.inference_mode():
        wanted = module(batch)
    for want, got in zip(
        wanted if isinstance(wanted, tuple) else (wanted,), session.run(None, {"input": batch.numpy()}), strict=True
    ):
        difference = float((np.abs(want.numpy() - got) / np.maximum(1, np.abs(got))).max())
        if not difference <= TOLERANCE:
            raise RuntimeError(f"the exported graph differs from torch by {difference:.1e}")
