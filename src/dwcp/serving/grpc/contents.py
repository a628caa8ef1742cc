"""Tensors in the messages of the Open Inference Protocol as numpy arrays and back."""

from collections.abc import Iterable, Sequence
from typing import Any

from numpy.typing import NDArray

from dwcp.errors import GraphError, InputError
from dwcp.serving.protocol import open_inference_pb2 as messages
from dwcp.serving.tensors import (
    DATATYPES,
    TensorLimits,
    bytes_of,
    datatype_of,
    tensor_from_bytes,
    tensor_from_numbers,
)
from dwcp.task import Arrays

__all__ = ["answer_of", "arrays_of"]

_FIELDS = {"FP32": "fp32_contents", "INT64": "int64_contents"}
"""Where the elements of a type are, when they are not raw."""
_NOT_OFFERED = ("classification", "shared_memory_region")


def arrays_of(request: Any, limits: TensorLimits) -> Arrays:
    """The named inputs of a ``ModelInferRequest``: all raw, or all in the fields of their types.

    Args:
        request: the question.
        limits: how large tensors may be.

    Raises:
        InputError: an input cannot be what it says, is there twice, or is both raw and not.
    """
    inputs = request.inputs
    if not 0 < len(inputs) <= limits.max_tensors:
        raise InputError(f"there are {len(inputs)} inputs; give 1 to {limits.max_tensors}")
    raw = request.raw_input_contents
    if raw and len(raw) != len(inputs):
        raise InputError(
            f"there are {len(raw)} raw_input_contents for {len(inputs)} inputs; give one for each, in order"
        )
    arrays: dict[str, NDArray[Any]] = {}
    for place, one in enumerate(inputs):
        _refuse_unoffered(one.parameters)
        if one.name in arrays:
            raise InputError(f"input {one.name[:64]!r} is there twice")
        arrays[one.name] = _raw(one, raw[place], limits) if raw else _typed(one, limits)
    return arrays


def answer_of(request: Any, version: str, answers: Arrays) -> Any:
    """The ``ModelInferResponse`` with the outputs that are wanted, in raw bytes.

    Args:
        request: the question.
        version: that answered.
        answers: all the model's outputs.

    Raises:
        InputError: an output is wanted that there is not, or twice.
        GraphError: the model gave what cannot be sent.
    """
    wanted = _wanted(request.outputs, answers)
    outputs = messages.ModelInferResponse.InferOutputTensor
    return messages.ModelInferResponse(
        model_name=request.model_name,
        model_version=version,
        id=request.id,
        outputs=[
            outputs(name=name, datatype=_datatype(name, answers[name]), shape=answers[name].shape)
            for name in wanted
        ],
        raw_output_contents=[bytes_of(answers[name]) for name in wanted],
    )


def _raw(one: Any, content: bytes, limits: TensorLimits) -> NDArray[Any]:
    if one.HasField("contents"):
        raise InputError(
            f"input {one.name[:64]!r} has contents, and raw_input_contents too; send one of them"
        )
    return tensor_from_bytes(one.name, one.datatype, one.shape, content, limits)


def _typed(one: Any, limits: TensorLimits) -> NDArray[Any]:
    field = _FIELDS.get(one.datatype)
    if field is None:
        known = " and ".join(DATATYPES)
        raise InputError(
            f"tensor {one.name[:64]!r} is of type {one.datatype[:32]!r}; models here take {known}"
        )
    strange = [told.name for told, _ in one.contents.ListFields() if told.name != field]
    if strange:
        raise InputError(
            f"elements of tensor {one.name[:64]!r} of type {one.datatype} go into {field}, not {strange[0]}"
        )
    return tensor_from_numbers(one.name, one.datatype, one.shape, list(getattr(one.contents, field)), limits)


def _wanted(outputs: Sequence[Any], answers: Arrays) -> list[str]:
    names = [output.name for output in outputs]
    if len(set(names)) != len(names):
        raise InputError("an output is wanted twice; name each once")
    for output in outputs:
        _refuse_unoffered(output.parameters)
        if output.name not in answers:
            raise InputError(f"there is no output {output.name[:64]!r}; there are: {', '.join(answers)}")
    return names or list(answers)


def _datatype(name: str, array: NDArray[Any]) -> str:
    try:
        return datatype_of(array.dtype.name)
    except InputError as error:
        raise GraphError(f"output {name!r} cannot be sent: {error}") from error


def _refuse_unoffered(parameters: Iterable[str]) -> None:
    for name in parameters:
        if name in _NOT_OFFERED:
            raise InputError(f"the parameter {name} is not offered here; leave it out")
