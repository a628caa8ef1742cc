"""Golden vectors: inputs with the outputs a graph must give, as JSON that any language reads.

::

    {"format": 1,
     "absolute": 1e-05, "relative": 0.0001,
     "inputs":  {"window": {"dtype": "float32", "shape": [2, 3], "data": [0.5, 1, "NaN", 2, 3, 4]}},
     "outputs": {"mbps":   {"dtype": "float32", "shape": [2],    "data": [93.5, "Infinity"]}}}

``data`` is flat, in row-major (C) order. Floats are written exactly, widened to 64 bits; NaN and the
infinities are strings. An answer matches when ``|answer - expected| <= absolute + relative * |expected|``,
NaN matches NaN, and integers and booleans match exactly.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dwcp.errors import ArtifactRefusedError, InputError
from dwcp.registry.manifest import canonical_json
from dwcp.task import Arrays, Graph

__all__ = ["Golden", "GoldenResult"]

_FORMAT = 1
_FLOATS = ("float16", "float32", "float64")
_INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
_ELEMENTS: dict[str, tuple[type, ...]] = {
    "bool": (bool,),
    **dict.fromkeys(_INTEGERS, (int,)),
    **dict.fromkeys(_FLOATS, (int, float, str)),
}
"""For each array type, what an element may be in JSON."""


@dataclass(frozen=True, slots=True)
class GoldenResult:
    """What came of asking a graph for its golden answers."""

    problems: tuple[str, ...]
    """One line for each output that is missing, misshapen or off; empty when every answer matches."""
    worst: Mapping[str, float]
    """The largest absolute difference of each output that could be compared, over its finite elements."""

    @property
    def matches(self) -> bool:
        """Whether every answer matches."""
        return not self.problems


@dataclass(frozen=True, slots=True, eq=False)
class Golden:
    """Named inputs, the outputs expected for them, and how far an answer may be off."""

    inputs: Arrays
    outputs: Arrays
    absolute: float = 1e-5
    """Difference allowed whatever the magnitude, in the output's own unit."""
    relative: float = 1e-4
    """Difference allowed as a share of the expected value."""

    def to_json(self) -> bytes:
        """The vectors as canonical JSON.

        Raises:
            InputError: an array of a type other than boolean, integer or float of up to 64 bits.
        """
        return canonical_json(
            {
                "format": _FORMAT,
                "absolute": float(self.absolute),
                "relative": float(self.relative),
                "inputs": {name: _encode(name, array) for name, array in self.inputs.items()},
                "outputs": {name: _encode(name, array) for name, array in self.outputs.items()},
            }
        )

    @classmethod
    def from_json(cls, content: bytes) -> "Golden":
        """Read golden vectors.

        Raises:
            ArtifactRefusedError: not golden vectors. The message is to follow the file's name.
        """
        try:
            plain = json.loads(content)
            if plain["format"] != _FORMAT:
                raise ValueError(f"format {plain['format']!r} is not {_FORMAT}")
            return cls(
                inputs={name: _decode(entry) for name, entry in plain["inputs"].items()},
                outputs={name: _decode(entry) for name, entry in plain["outputs"].items()},
                absolute=_tolerance(plain["absolute"]),
                relative=_tolerance(plain["relative"]),
            )
        except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError) as error:
            raise ArtifactRefusedError(f"does not hold golden vectors: {error}") from error

    def compare(self, graph: Graph) -> GoldenResult:
        """Ask the graph, and hold every answer against what is expected.

        Raises:
            DwcpError: whatever the graph raises when it cannot be run.
        """
        answers = graph.run(self.inputs)
        problems: list[str] = []
        worst: dict[str, float] = {}
        for name, expected in self.outputs.items():
            answer = answers.get(name)
            if answer is None:
                problems.append(f"{name}: no such output")
            elif (answer.dtype, answer.shape) != (expected.dtype, expected.shape):
                problems.append(
                    f"{name}: {answer.dtype}{list(answer.shape)}, "
                    f"expected {expected.dtype}{list(expected.shape)}"
                )
            else:
                worst[name], wrong = self._difference(answer, expected)
                if wrong:
                    problems.append(
                        f"{name}: {wrong} of {expected.size} elements are off, by up to {worst[name]:g}"
                    )
        return GoldenResult(tuple(problems), worst)

    def _difference(self, answer: NDArray[Any], expected: NDArray[Any]) -> tuple[float, int]:
        if expected.dtype.kind != "f":
            # Python integers: a difference of 64-bit integers need not fit into one.
            gaps = [abs(int(a) - int(e)) for a, e in zip(answer.flat, expected.flat, strict=True)]
            return float(max(gaps, default=0)), sum(gap != 0 for gap in gaps)
        answer, expected = answer.astype(np.float64), expected.astype(np.float64)
        finite = np.isfinite(answer) & np.isfinite(expected)
        # Two huge values of opposite sign are infinitely far apart, which is no cause for a warning.
        with np.errstate(over="ignore"):
            close = np.isclose(answer, expected, rtol=self.relative, atol=self.absolute, equal_nan=True)
            gap = np.abs(answer[finite] - expected[finite])
        return float(gap.max(initial=0.0)), int(np.count_nonzero(~close))


def _encode(name: str, array: NDArray[Any]) -> dict[str, object]:
    if array.dtype.name not in _ELEMENTS:
        raise InputError(f"golden vector {name!r} has type {array.dtype}, which cannot be written as JSON")
    return {"dtype": array.dtype.name, "shape": list(array.shape), "data": array.ravel().tolist()}


def _decode(entry: Mapping[str, Any]) -> NDArray[Any]:
    dtype, shape, data = entry["dtype"], entry["shape"], entry["data"]
    if dtype not in _ELEMENTS:
        raise ValueError(f"unknown type {dtype!r}")
    if any(type(element) not in _ELEMENTS[dtype] for element in data):
        raise ValueError(f"an element is not {dtype}")
    if any(type(size) is not int or size < 0 for size in shape) or math.prod(shape) != len(data):
        raise ValueError(f"shape {shape} does not hold {len(data)} elements")
    elements = [float(element) for element in data] if dtype in _FLOATS else data
    return np.array(elements, dtype=dtype).reshape(shape)


def _tolerance(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ValueError(f"tolerance {value!r} is not a number from 0")
    return float(value)
