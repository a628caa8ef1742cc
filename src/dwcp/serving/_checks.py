"""What may go into a graph and come out of it, checked in a few microseconds."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dwcp.errors import DwcpError
from dwcp.features.spec import InputColumn, InputSpec
from dwcp.serving.hint import Reason
from dwcp.task import Arrays, OutputColumn

__all__ = ["DeclinedError", "InputCheck", "OutputCheck"]


class DeclinedError(DwcpError):
    """The model does not answer this time; caught by the advisor, never seen by a caller.

    Args:
        reason: why the fallback answers.
        detail: the same in a few words.
        model_at_fault: whether the breaker counts it as a failure of the model.
    """

    def __init__(self, reason: Reason, detail: str, *, model_at_fault: bool) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.model_at_fault = model_at_fault


class InputCheck:
    """Holds arrays against an input specification: names, types, shapes, limits, finiteness.

    Of a lone decision, single numbers are compared one by one, and all larger columns of a type are laid end
    to end and compared at once: one comparison for each would take longer than the graph. Many decisions are
    compared column by column.
    """

    def __init__(self, spec: InputSpec) -> None:
        self._columns = spec.columns
        self._expected = [
            (column.name, np.dtype(column.dtype), (1, *column.shape)) for column in spec.columns
        ]
        self._bounds = [tuple(limit[0] for limit in _limits([column])) for column in spec.columns]
        single = [column for column in spec.columns if math.prod(column.shape) == 1]
        self._single = [(column.name, *map(np.ndarray.item, _limits([column]))) for column in single]
        larger = [column for column in spec.columns if column not in single]
        self._joined = [
            _Joined([column for column in larger if column.dtype == dtype])
            for dtype in dict.fromkeys(column.dtype for column in larger)
        ]

    def __call__(self, arrays: Arrays) -> None:
        """Check every element of every decision.

        Raises:
            DeclinedError: a tensor is missing, of another type or shape, or holds a value out of range.
        """
        first = arrays.get(self._columns[0].name)
        if first is None or len(first) == 1:
            self._check_one(arrays)
            return
        if self._all_fit(arrays, len(first)):
            return
        # Something does not: which row it is, and what is said of it, the rows say one by one.
        for row in range(len(first)):
            self._check_one({name: array[row : row + 1] for name, array in arrays.items()})

    def _all_fit(self, arrays: Arrays, rows: int) -> bool:
        """Whether every row does, in a few comparisons a column however many rows there are."""
        for (name, dtype, shape), (low, high) in zip(self._expected, self._bounds, strict=True):
            array = arrays.get(name)
            if array is None or array.shape != (rows, *shape[1:]) or array.dtype != dtype:
                return False
            if np.count_nonzero((array >= low) & (array <= high)) != array.size:
                return False
        return True

    def _check_one(self, arrays: Arrays) -> None:
        for name, dtype, shape in self._expected:
            array = arrays.get(name)
            if array is None or array.shape != shape or array.dtype != dtype:
                raise _misfit(name, dtype, shape, array)
        for name, low, high in self._single:
            if not low <= arrays[name].item() <= high:
                raise self._out_of_range(arrays)
        for joined in self._joined:
            if not joined.within(arrays):
                raise self._out_of_range(arrays)

    def _out_of_range(self, arrays: Arrays) -> DeclinedError:
        detail = "an input is out of range"
        for column in self._columns:
            low, high = _limits([column])
            values = arrays[column.name].ravel()
            outside = values[~((values >= low) & (values <= high))]
            if outside.size:
                detail = f"input {column.name!r} is {outside[0]:g}, outside {_span(column)}"
                break
        return DeclinedError(Reason.FALLBACK_OUT_OF_RANGE, detail, model_at_fault=False)


class OutputCheck:
    """Holds a graph's answers against its outputs' declaration: names, shapes, finiteness."""

    def __init__(self, outputs: Sequence[OutputColumn]) -> None:
        self._expected = [(output.name, output.shape) for output in outputs]

    def __call__(self, answers: Arrays) -> None:
        """Check every element.

        Raises:
            DeclinedError: an answer is missing, of another shape, or not finite.
        """
        for name, shape in self._expected:
            array = answers.get(name)
            if array is None or array.shape[1:] != shape:
                found = "missing" if array is None else f"of shape {list(array.shape[1:])}"
                detail = f"the model's output {name!r} is {found}, expected shape {list(shape)}"
                raise DeclinedError(Reason.FALLBACK_ERROR, detail, model_at_fault=True)
            if not _finite(array):
                detail = f"the model's output {name!r} is not finite"
                raise DeclinedError(Reason.FALLBACK_OUT_OF_RANGE, detail, model_at_fault=True)


class _Joined:
    """Columns of one type, end to end."""

    def __init__(self, columns: Sequence[InputColumn]) -> None:
        self._names = [column.name for column in columns]
        self._dtype = np.dtype(columns[0].dtype)
        self._low, self._high = _limits(columns)

    def within(self, arrays: Arrays) -> bool:
        """Whether every value is."""
        values = np.frombuffer(b"".join([arrays[name].tobytes() for name in self._names]), self._dtype)
        return bool(np.count_nonzero((values >= self._low) & (values <= self._high)) == values.size)


def _finite(array: NDArray[Any]) -> bool:
    """Whether every number is; a single one and counting take a tenth of the time of `all`."""
    if array.size == 1:
        return math.isfinite(array.item())
    return bool(np.count_nonzero(np.isfinite(array)) == array.size)


def _limits(columns: Sequence[InputColumn]) -> tuple[NDArray[Any], NDArray[Any]]:
    """The lowest and highest value of each element, of all columns, of one type, side by side."""
    dtype = np.dtype(columns[0].dtype)
    most = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
    # In the type of the values, so that a value that is the limit passes. NaN is within no limits, nor are
    # the infinities.
    low = [most.min if column.low is None else column.low for column in columns]
    high = [most.max if column.high is None else column.high for column in columns]
    sizes = [math.prod(column.shape) for column in columns]
    return np.repeat(np.array(low, dtype), sizes), np.repeat(np.array(high, dtype), sizes)


def _span(column: InputColumn) -> str:
    low = "-inf" if column.low is None else f"{column.low:g}"
    high = "inf" if column.high is None else f"{column.high:g}"
    return f"{low} to {high} {column.unit}" if (column.low, column.high) != (None, None) else "finite numbers"


def _misfit(name: str, dtype: Any, shape: tuple[int, ...], array: NDArray[Any] | None) -> DeclinedError:
    found = "missing" if array is None else f"{array.dtype}{list(array.shape)}"
    detail = f"input {name!r} is {found}, expected {dtype}{list(shape)}"
    return DeclinedError(Reason.FALLBACK_SCHEMA_MISMATCH, detail, model_at_fault=False)
