"""What may go into a graph and come out of it, checked in a few microseconds."""

import sys
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

    All columns of a decision are laid end to end and compared at once: one comparison for each column would
    take longer than the graph.
    """

    def __init__(self, spec: InputSpec) -> None:
        self._columns = spec.columns
        self._expected = [
            (column.name, np.dtype(column.dtype), (1, *column.shape)) for column in spec.columns
        ]
        # NaN fails every comparison, and the infinities these limits.
        self._low, self._high = _limits(spec.columns)

    def __call__(self, arrays: Arrays) -> None:
        """Check every element of every decision.

        Raises:
            DeclinedError: a tensor is missing, of another type or shape, or holds a value out of range.
        """
        first = arrays.get(self._columns[0].name)
        if first is None or len(first) == 1:
            self._check_one(arrays)
            return
        for row in range(len(first)):
            self._check_one({name: array[row : row + 1] for name, array in arrays.items()})

    def _check_one(self, arrays: Arrays) -> None:
        parts = []
        for name, dtype, shape in self._expected:
            array = arrays.get(name)
            if array is None or array.shape != shape or array.dtype != dtype:
                raise _misfit(name, dtype, shape, array)
            parts.append(array)
        values = np.concatenate(parts, axis=None, dtype=np.float64)
        # Counting takes a tenth of the time of `all`.
        if np.count_nonzero((values >= self._low) & (values <= self._high)) != values.size:
            raise self._out_of_range(arrays)

    def _out_of_range(self, arrays: Arrays) -> DeclinedError:
        detail = "an input is out of range"
        for column in self._columns:
            low, high = _limits([column])
            values = arrays[column.name].ravel().astype(np.float64)
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
        parts = []
        for name, shape in self._expected:
            array = answers.get(name)
            if array is None or array.shape[1:] != shape:
                found = "missing" if array is None else f"of shape {list(array.shape[1:])}"
                detail = f"the model's output {name!r} is {found}, expected shape {list(shape)}"
                raise DeclinedError(Reason.FALLBACK_ERROR, detail, model_at_fault=True)
            parts.append(array)
        values = np.concatenate(parts, axis=None, dtype=np.float64)
        if np.count_nonzero(np.isfinite(values)) != values.size:
            name = next(name for name, _ in self._expected if not np.isfinite(answers[name]).all())
            detail = f"the model's output {name!r} is not finite"
            raise DeclinedError(Reason.FALLBACK_OUT_OF_RANGE, detail, model_at_fault=True)


def _limits(columns: Sequence[InputColumn]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The lowest and highest value of each element, of all columns side by side."""
    lows: list[float] = []
    highs: list[float] = []
    for column in columns:
        # Rounded as the values are, so that a value that is the limit passes.
        kind = np.dtype(column.dtype).type
        size = int(np.prod(column.shape))
        lows += [-sys.float_info.max if column.low is None else float(kind(column.low))] * size
        highs += [sys.float_info.max if column.high is None else float(kind(column.high))] * size
    return np.array(lows), np.array(highs)


def _span(column: InputColumn) -> str:
    low = "-inf" if column.low is None else f"{column.low:g}"
    high = "inf" if column.high is None else f"{column.high:g}"
    return f"{low} to {high} {column.unit}" if (column.low, column.high) != (None, None) else "finite numbers"


def _misfit(name: str, dtype: Any, shape: tuple[int, ...], array: NDArray[Any] | None) -> DeclinedError:
    found = "missing" if array is None else f"{array.dtype}{list(array.shape)}"
    detail = f"input {name!r} is {found}, expected {dtype}{list(shape)}"
    return DeclinedError(Reason.FALLBACK_SCHEMA_MISMATCH, detail, model_at_fault=False)
