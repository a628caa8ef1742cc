"""Tensors of the Open Inference Protocol as numpy arrays and back: JSON numbers, and raw bytes.

Raw bytes are little-endian, row by row, without padding, as the binary tensor data extension and
``raw_input_contents`` lay them out
(https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/protocol/extension_binary_data.html).
Element types are the two that graphs have; the others of the protocol are refused by name.
"""

import math
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from dwcp.errors import InputError

__all__ = [
    "DATATYPES",
    "TensorLimits",
    "bytes_of",
    "checked_shape",
    "datatype_of",
    "numbers_of",
    "tensor_from_bytes",
    "tensor_from_numbers",
]

DATATYPES: dict[str, np.dtype[Any]] = {"FP32": np.dtype("<f4"), "INT64": np.dtype("<i8")}
"""The protocol's name of each element type that graphs have."""

_NAMES = {"float32": "FP32", "int64": "INT64"}
_NUMBERS = {"FP32": frozenset({int, float}), "INT64": frozenset({int})}
_INT64 = np.iinfo(np.int64)


class TensorLimits(Struct, frozen=True):
    """How large a tensor may be.

    Attributes:
        max_elements: in one tensor.
        max_batch: decisions, which is a tensor's first dimension.
        max_tensors: in one request.
    """

    max_elements: int = 1 << 20
    max_batch: int = 4096
    max_tensors: int = 256


def datatype_of(dtype: str) -> str:
    """The protocol's name of numpy's ``float32`` or ``int64``.

    Raises:
        InputError: graphs have no such type.
    """
    name = _NAMES.get(dtype)
    if name is None:
        raise InputError(f"elements of type {dtype} cannot be sent: there are {' and '.join(_NAMES)}")
    return name


def checked_shape(name: str, shape: Sequence[int], limits: TensorLimits) -> tuple[int, ...]:
    """A tensor's shape, before memory is taken for it.

    Args:
        name: the tensor's, for what is said.
        shape: batch dimension first.
        limits: how large it may be.

    Raises:
        InputError: a dimension is missing, not positive, or too large.
    """
    if not shape or len(shape) > 8:
        raise InputError(f"{_told(name)} has {len(shape)} dimensions; give 1 to 8, the batch first")
    if any(size < 1 for size in shape):
        raise InputError(f"{_told(name)} has a dimension of {min(shape)}; each must be at least 1")
    # The largest first, and not told: a product or a number of thousands of digits takes long to write.
    if max(shape) > limits.max_elements or math.prod(shape) > limits.max_elements:
        raise InputError(f"{_told(name)} is too large; at most {limits.max_elements} elements are taken")
    if shape[0] > limits.max_batch:
        raise InputError(f"{_told(name)} has a batch of {shape[0]}; at most {limits.max_batch} are taken")
    return tuple(shape)


def tensor_from_bytes(
    name: str, datatype: str, shape: Sequence[int], content: bytes | memoryview, limits: TensorLimits
) -> NDArray[Any]:
    """A tensor from its raw bytes; not a copy where those lie well, and then read-only.

    Args:
        name: the tensor's, for what is said.
        datatype: such as ``FP32``.
        shape: batch dimension first.
        content: all its bytes.
        limits: how large it may be.

    Raises:
        InputError: the type, shape or number of bytes is not what a graph could take.
    """
    dtype = _known(name, datatype)
    sizes = checked_shape(name, shape, limits)
    expected = math.prod(sizes) * dtype.itemsize
    if len(content) != expected:
        raise InputError(
            f"{_told(name)} of type {datatype} and shape {list(sizes)} takes {expected} bytes, not the "
            f"{len(content)} that were sent"
        )
    array = np.frombuffer(content, dtype).reshape(sizes)
    return np.require(array, dtype.newbyteorder("="), ["C", "A"])


def tensor_from_numbers(
    name: str, datatype: str, shape: Sequence[int], data: Sequence[Any], limits: TensorLimits
) -> NDArray[Any]:
    """A tensor from numbers in a row, or from rows in rows as its shape says.

    Args:
        name: the tensor's, for what is said.
        datatype: such as ``FP32``.
        shape: batch dimension first.
        data: numbers, row by row, or lists of lists.
        limits: how large it may be.

    Raises:
        InputError: the type or shape is not what a graph could take, or there are more, fewer or other
            things in it than its numbers.
    """
    dtype = _known(name, datatype)
    sizes = checked_shape(name, shape, limits)
    is_nested = len(sizes) > 1 and len(data) > 0 and isinstance(data[0], list)
    numbers = _unrolled(name, data, sizes) if is_nested else data
    if len(numbers) != math.prod(sizes):
        raise InputError(
            f"{_told(name)} of shape {list(sizes)} takes {math.prod(sizes)} numbers, not {len(numbers)}"
        )
    strange = set(map(type, numbers)) - _NUMBERS[datatype]
    if strange:
        what = "whole numbers" if datatype == "INT64" else "numbers"
        found = ", ".join(sorted(kind.__name__ for kind in strange))
        raise InputError(f"{_told(name)} of type {datatype} takes {what} alone, not {found}")
    return _converted(name, datatype, numbers).astype(dtype.newbyteorder("="), copy=False).reshape(sizes)


def bytes_of(array: NDArray[Any]) -> bytes:
    """A tensor's raw bytes.

    Raises:
        InputError: its elements cannot be sent.
    """
    return array.astype(DATATYPES[datatype_of(array.dtype.name)], copy=False).tobytes()


def numbers_of(array: NDArray[Any]) -> NDArray[Any]:
    """A tensor's numbers in a row, row by row, as the JSON of an answer has them."""
    return np.ascontiguousarray(array).reshape(-1)


def _known(name: str, datatype: str) -> np.dtype[Any]:
    dtype = DATATYPES.get(datatype)
    if dtype is None:
        raise InputError(
            f"{_told(name)} is of type {datatype[:32]!r}; models here take {' and '.join(DATATYPES)}"
        )
    return dtype


def _unrolled(name: str, data: Sequence[Any], shape: tuple[int, ...]) -> Sequence[Any]:
    """Rows in rows as one row; never longer than the shape, however the rows are nested."""
    rows: Sequence[Any] = [data]
    for size in shape:
        if not all(isinstance(row, list) and len(row) == size for row in rows):
            raise InputError(f"the rows of {_told(name)} are not of the shape {list(shape)} it declares")
        rows = list(chain.from_iterable(rows))
    return rows


def _converted(name: str, datatype: str, numbers: Sequence[Any]) -> NDArray[Any]:
    if datatype == "INT64":
        if min(numbers) < _INT64.min or max(numbers) > _INT64.max:
            raise InputError(f"{_told(name)} of type INT64 holds a number that takes more than 64 bits")
        return np.array(numbers, np.int64)
    try:
        with np.errstate(over="ignore"):
            array = np.array(numbers, np.float64).astype(np.float32)
    except OverflowError:
        array = np.array([np.inf], np.float32)
    if not np.isfinite(array).all():
        raise InputError(f"{_told(name)} of type FP32 holds a number that is too large, or none")
    return array


def _told(name: str) -> str:
    return f"tensor {name[:64]!r}"
