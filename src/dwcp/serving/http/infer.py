"""A question to a model and its answer, as JSON with binary tensors after it where they are wanted.

The binary tensor data extension is Triton's:
https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/protocol/extension_binary_data.html.
The body is a JSON object of ``Inference-Header-Content-Length`` bytes, then the raw bytes of those tensors
whose ``parameters`` have a ``binary_data_size``, in their order.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
import orjson
from msgspec import UNSET
from numpy.typing import NDArray
from starlette.responses import Response

from dwcp.errors import GraphError, InputError
from dwcp.serving.http.failures import json_response
from dwcp.serving.http.messages import InferRequest, Parameters, RequestInput, RequestOutput
from dwcp.serving.tensors import (
    TensorLimits,
    bytes_of,
    datatype_of,
    numbers_of,
    tensor_from_bytes,
    tensor_from_numbers,
)
from dwcp.task import Arrays

__all__ = ["HEADER_LENGTH", "answer_of", "arrays_of", "read_json", "read_request"]

HEADER_LENGTH = "Inference-Header-Content-Length"
_MessageT = TypeVar("_MessageT")
_MAX_DIGITS = 12
_NOT_OFFERED = ("classification", "shared_memory_region")


def read_json(content: bytes | memoryview, kind: type[_MessageT]) -> _MessageT:
    """JSON of a known kind.

    Raises:
        InputError: it is no JSON, or not of that kind.
    """
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InputError(f"the body cannot be taken: {str(error)[:300]}") from error
    except RecursionError as error:
        raise InputError("the body cannot be taken: lists in lists, too deep") from error


def read_request(body: bytes, header_length: str | None) -> tuple[InferRequest, memoryview]:
    """The question, and the bytes after it.

    Args:
        body: all of it.
        header_length: value of the header ``Inference-Header-Content-Length``.

    Raises:
        InputError: the header does not fit the body, or the JSON is not a question.
    """
    view = memoryview(body)
    if header_length is None:
        return read_json(view, InferRequest), view[len(body) :]
    length = int(header_length) if _is_number(header_length) else -1
    if not 0 < length <= len(body):
        raise InputError(f"{HEADER_LENGTH} must be between 1 and the body's {len(body)} bytes")
    return read_json(view[:length], InferRequest), view[length:]


def arrays_of(request: InferRequest, binary: memoryview, limits: TensorLimits) -> Arrays:
    """The named inputs.

    Args:
        request: the question.
        binary: the bytes after it.
        limits: how large tensors may be.

    Raises:
        InputError: an input cannot be what it says, or is there twice.
    """
    if len(request.inputs) > limits.max_tensors:
        raise InputError(f"there are {len(request.inputs)} inputs; at most {limits.max_tensors} are taken")
    arrays: dict[str, NDArray[Any]] = {}
    for one in request.inputs:
        _refuse_unoffered(one.parameters)
        if one.name in arrays:
            raise InputError(f"input {one.name[:64]!r} is there twice")
        size = one.parameters.get("binary_data_size")
        if size is None:
            arrays[one.name] = _from_json(one, limits)
            continue
        content, binary = _cut(one, size, binary)
        arrays[one.name] = tensor_from_bytes(one.name, one.datatype, one.shape, content, limits)
    if len(binary):
        raise InputError(f"{len(binary)} bytes follow the last tensor; every one must belong to an input")
    return arrays


def answer_of(request: InferRequest, name: str, version: str, answers: Arrays) -> Response:
    """The answer with the outputs that the question wants, each as it wants it.

    Args:
        request: the question.
        name: the model.
        version: that answered.
        answers: all its outputs.

    Raises:
        InputError: an output is wanted that there is not, or twice.
        GraphError: the model gave what cannot be sent.
    """
    binary_all = _flag(request.parameters, "binary_data_output", default=False)
    outputs: list[dict[str, object]] = []
    sections: list[bytes] = []
    for wanted in _wanted(request.outputs, answers):
        described = _described(wanted.name, answers[wanted.name])
        if _flag(wanted.parameters, "binary_data", default=binary_all):
            sections.append(bytes_of(answers[wanted.name]))
            described["parameters"] = {"binary_data_size": len(sections[-1])}
        else:
            described["data"] = numbers_of(answers[wanted.name])
        outputs.append(described)
    answer: dict[str, object] = {"model_name": name, "model_version": version, "outputs": outputs}
    if request.id is not UNSET:
        answer["id"] = request.id
    if not sections:
        return json_response(answer)
    head = orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)
    headers = {HEADER_LENGTH: str(len(head))}
    return Response(b"".join([head, *sections]), headers=headers, media_type="application/octet-stream")


def _from_json(one: RequestInput, limits: TensorLimits) -> NDArray[Any]:
    if one.data is UNSET:
        raise InputError(f"input {one.name[:64]!r} has neither data nor a binary_data_size")
    return tensor_from_numbers(one.name, one.datatype, one.shape, one.data, limits)


def _cut(
    one: RequestInput, size: str | bool | int | float, binary: memoryview
) -> tuple[memoryview, memoryview]:
    if one.data is not UNSET:
        raise InputError(f"input {one.name[:64]!r} has both data and a binary_data_size; send one of them")
    if type(size) is not int or size < 0:
        raise InputError(f"the binary_data_size of input {one.name[:64]!r} is not a number of bytes")
    if size > len(binary):
        raise InputError(
            f"input {one.name[:64]!r} should have {size} bytes, but {len(binary)} are left after the JSON "
            f"(its length belongs into {HEADER_LENGTH})"
        )
    return binary[:size], binary[size:]


def _wanted(outputs: Sequence[RequestOutput], answers: Arrays) -> Sequence[RequestOutput]:
    if not outputs:
        return [RequestOutput(name) for name in answers]
    names = [output.name for output in outputs]
    if len(set(names)) != len(names):
        raise InputError("an output is wanted twice; name each once")
    for output in outputs:
        _refuse_unoffered(output.parameters)
        if output.name not in answers:
            raise InputError(f"there is no output {output.name[:64]!r}; there are: {', '.join(answers)}")
    return outputs


def _described(name: str, array: NDArray[Any]) -> dict[str, object]:
    try:
        datatype = datatype_of(array.dtype.name)
    except InputError as error:
        raise GraphError(f"output {name!r} cannot be sent: {error}") from error
    return {"name": name, "shape": list(array.shape), "datatype": datatype}


def _flag(parameters: Parameters, name: str, *, default: bool) -> bool:
    value = parameters.get(name, default)
    if not isinstance(value, bool):
        raise InputError(f"the parameter {name} must be true or false")
    return value


def _refuse_unoffered(parameters: Parameters) -> None:
    for name in _NOT_OFFERED:
        if name in parameters:
            raise InputError(f"the parameter {name} is not offered here; leave it out")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS
