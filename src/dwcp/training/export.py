"""Trained parts to one ONNX graph: export a network, merge the parts, finish to reproducible bytes."""

import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import cast

import onnx
import torch
from onnx import compose, helper
from torch import nn
from torch.jit._trace import TracerWarning

from dwcp.errors import TrainingError
from dwcp.features.spec import InputColumn
from dwcp.task import OutputColumn

__all__ = ["IR_VERSION", "OPSETS", "export_module", "finish", "merge"]

OPSETS = {"": 17, "ai.onnx.ml": 3}
"""Operator sets every graph is written in; onnxruntime 1.20 and newer read them."""

IR_VERSION = 8
"""The file format that belongs to opset 17."""

_BATCH = "batch"
_ELEMENTS = {"float32": onnx.TensorProto.FLOAT, "int64": onnx.TensorProto.INT64}
_TORCH_CODE = r"(.*[/\\])?torch[./\\]"


def export_module(
    module: nn.Module, columns: Sequence[InputColumn], output_names: Sequence[str]
) -> onnx.ModelProto:
    """Trace a network into a graph whose batch dimension is free.

    Args:
        module: called with one tensor a column, in order, each ``[batch, *column.shape]``; returns one tensor
            or a tuple of tensors, batch dimension first. It is put into evaluation mode.
        columns: the inputs, by name; one that the module does not use is left out of the graph.
        output_names: one name for each returned tensor.

    Raises:
        TrainingError: the module branches on its data, which a trace would freeze, or uses an operator that
            opset 17 does not have.
    """
    samples = tuple(torch.zeros((2, *c.shape), dtype=getattr(torch, c.dtype)) for c in columns)
    names = [c.name for c in columns]
    buffer = io.BytesIO()
    with _exporter_warnings(type(module).__name__):
        try:
            torch.onnx.export(
                module.eval(),
                samples,
                cast("str", buffer),  # the annotation lacks the stream that this exporter takes
                dynamo=False,
                opset_version=OPSETS[""],
                input_names=names,
                output_names=list(output_names),
                dynamic_axes={name: {0: _BATCH} for name in (*names, *output_names)},
            )
        except torch.onnx.errors.OnnxExporterError as error:
            sentence = str(error).strip().splitlines()[0]
            raise TrainingError(f"{type(module).__name__} cannot be exported: {sentence}") from error
    return onnx.load_from_string(buffer.getvalue())


def merge(
    parts: Mapping[str, onnx.ModelProto],
    inputs: Sequence[InputColumn],
    outputs: Sequence[OutputColumn],
) -> onnx.ModelProto:
    """Join parts into one graph by the names of their inputs and outputs.

    A part's input is the graph input, or the output of an earlier part, of that name. What is inside a part
    is prefixed with the part's name, so parts cannot clash.

    Args:
        parts: part name to model, in an order in which each part comes after those it reads.
        inputs: the graph's inputs, exactly these and in this order, whether a part uses them or not.
        outputs: the graph's outputs, exactly these and in this order.

    Raises:
        TrainingError: an input that nothing gives, two parts with one output name, an output that no part
            gives, or parts in different versions of an operator set.
    """
    known = {column.name for column in inputs}
    graph = onnx.GraphProto(name="dwcp")
    graph.input.extend(_value(column) for column in inputs)
    graph.output.extend(_value(column) for column in outputs)
    for name, part in parts.items():
        _append(graph, name, part.graph, known)
    if absent := [column.name for column in outputs if column.name not in known]:
        raise TrainingError(f"no part of the graph gives the output {absent[0]!r}")
    opsets = sorted({(entry.domain, entry.version) for part in parts.values() for entry in part.opset_import})
    if len(dict(opsets)) != len(opsets):
        raise TrainingError(f"the parts are written in different versions of an operator set: {opsets}")
    return helper.make_model(graph, opset_imports=[helper.make_opsetid(*opset) for opset in opsets])


def finish(model: onnx.ModelProto) -> bytes:
    """Strip what is not the graph, check it, and serialise it: the same model gives the same bytes.

    Raises:
        TrainingError: the graph is not valid, or is written in other operator sets than `OPSETS`.
    """
    finished = onnx.ModelProto()
    finished.CopyFrom(model)
    for field in ("producer_name", "producer_version", "doc_string", "metadata_props", "model_version"):
        finished.ClearField(field)
    finished.ir_version = IR_VERSION
    finished.graph.name = "dwcp"
    finished.graph.ClearField("value_info")
    _strip(finished.graph)
    opsets = {entry.domain: entry.version for entry in finished.opset_import}
    if any(OPSETS.get(domain) != version for domain, version in opsets.items()):
        raise TrainingError(f"a graph must be written in the operator sets {OPSETS}, not {opsets}")
    try:
        onnx.checker.check_model(finished, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        sentence = str(error).strip().splitlines()[0]
        raise TrainingError(f"the merged graph is not valid: {sentence}") from error
    return bytes(finished.SerializeToString(deterministic=True))


@contextmanager
def _exporter_warnings(module: str) -> Iterator[None]:
    """Silence the exporter's announcements and torch's own branches on shapes; pass on what else is said.

    A branch in the module comes as a warning that cannot be raised from where it arises.
    """
    with warnings.catch_warnings(record=True) as said:
        warnings.filterwarnings("ignore", "You are using the legacy TorchScript", DeprecationWarning)
        warnings.filterwarnings("ignore", "The feature will be removed", DeprecationWarning)
        warnings.filterwarnings("ignore", "Exporting a model to ONNX with a batch_size", UserWarning)
        warnings.filterwarnings("always", category=TracerWarning)
        warnings.filterwarnings("ignore", category=TracerWarning, module=_TORCH_CODE)
        yield
    for warning in said:
        if issubclass(warning.category, TracerWarning):
            sentence = str(warning.message).splitlines()[0]
            raise TrainingError(f"{module} cannot be exported, the trace would freeze a branch: {sentence}")
        warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)


def _value(column: InputColumn | OutputColumn) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(column.name, _ELEMENTS[column.dtype], [_BATCH, *column.shape])


def _append(graph: onnx.GraphProto, name: str, part: onnx.GraphProto, known: set[str]) -> None:
    """Add a part's nodes and weights; its outputs become known to the parts after it."""
    if missing := [entry.name for entry in part.input if entry.name not in known]:
        raise TrainingError(f"part {name!r} reads {missing[0]!r}, which nothing before it gives")
    given = [entry.name for entry in part.output]
    if twice := [output for output in given if output in known]:
        raise TrainingError(f"part {name!r} gives {twice[0]!r}, which is given already")
    renamed = compose.add_prefix_graph(part, f"{name}/", rename_inputs=False, rename_outputs=False)
    graph.node.extend(renamed.node)
    graph.initializer.extend(renamed.initializer)
    known.update(given)


def _strip(graph: onnx.GraphProto) -> None:
    graph.ClearField("doc_string")
    graph.ClearField("metadata_props")
    for entry in (*graph.node, *graph.initializer, *graph.input, *graph.output):
        entry.ClearField("doc_string")
        entry.ClearField("metadata_props")
    for node in graph.node:
        for attribute in node.attribute:
            attribute.ClearField("doc_string")
            for inner in (attribute.g, *attribute.graphs) if attribute.HasField("g") else attribute.graphs:
                _strip(inner)
