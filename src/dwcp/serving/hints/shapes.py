"""Shapes of plain values: what a field of the hints API may hold, however it travelled.

A plain value is what JSON or a protobuf message holds, told without either: mappings with the fields' names,
lists, numbers, strings, bytes (base64 in JSON) and the names of enumerations. A shape reads one into what the
tasks' contracts take, writes the other way, and describes itself as JSON Schema (OpenAPI 3.1).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from dwcp.errors import InputError
from dwcp.serving.hints.places import Where, at, in_words

__all__ = ["Amount", "Count", "Flag", "ListOf", "Schema", "Shape"]

Schema = dict[str, Any]
"""A JSON Schema."""

_MOST_INTEGER = 2**63 - 1


class Shape(Protocol):
    """What a field may hold."""

    def read(self, value: Any, where: Where) -> Any:
        """The contract's value of a plain one; not None.

        Args:
            value: the plain one.
            where: the field's place, for what is said.

        Raises:
            InputError: it is not of this shape.
        """
        ...

    def write(self, value: Any) -> Any:
        """The plain value of a contract's, which may be numpy's number; None to leave it out."""
        ...

    def schema(self) -> Schema:
        """What `read` takes, as JSON Schema."""
        ...


@dataclass(frozen=True, slots=True)
class Amount:
    """A finite number; what is missing is left out, never -1 or NaN.

    Attributes:
        low: the least.
        high: the most.
    """

    low: float = 0.0
    high: float = 1e12

    def read(self, value: Any, where: Where) -> float:
        """See `Shape.read`."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InputError(f"{at(where)} takes a number, not {in_words(value)}")
        if not self.low <= value <= self.high:
            raise InputError(f"{at(where)} is {value:g}; it must be from {self.low:g} to {self.high:g}")
        return float(value)

    def write(self, value: float) -> float | None:
        """See `Shape.write`; what is not finite is left out."""
        return float(value) if math.isfinite(value) else None

    def schema(self) -> Schema:
        """See `Shape.schema`."""
        return {"type": "number", "minimum": self.low, "maximum": self.high}


@dataclass(frozen=True, slots=True)
class Count:
    """A whole number; JSON may write it as 5 or 5.0, not as a string.

    Attributes:
        low: the least.
        high: the most.
    """

    low: int = 0
    high: int = _MOST_INTEGER

    def read(self, value: Any, where: Where) -> int:
        """See `Shape.read`."""
        is_whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        if isinstance(value, bool) or not is_whole:
            raise InputError(f"{at(where)} takes a whole number, not {in_words(value)}")
        if not self.low <= value <= self.high:
            raise InputError(f"{at(where)} is {value:g}; it must be from {self.low} to {self.high}")
        return int(value)

    def write(self, value: int) -> int:
        """See `Shape.write`."""
        return int(value)

    def schema(self) -> Schema:
        """See `Shape.schema`."""
        return {"type": "integer", "format": "int64", "minimum": self.low, "maximum": self.high}


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    def read(self, value: Any, where: Where) -> bool:
        """See `Shape.read`."""
        if not isinstance(value, bool):
            raise InputError(f"{at(where)} takes true or false, not {in_words(value)}")
        return value

    def write(self, value: bool) -> bool:
        """See `Shape.write`."""
        return bool(value)

    def schema(self) -> Schema:
        """See `Shape.schema`."""
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class ListOf:
    """Several of a shape; in a protobuf message, none and not given are the same.

    Attributes:
        item: what each is.
        least: how many.
        most: how many.
        build: makes the contract's collection of the items.
    """

    item: Shape
    least: int = 0
    most: int = 1024
    build: Callable[[list[Any]], Any] = tuple

    def read(self, value: Any, where: Where) -> Any:
        """See `Shape.read`."""
        if isinstance(value, str | bytes | Mapping) or not isinstance(value, Sequence):
            raise InputError(f"{at(where)} takes a list, not {in_words(value)}")
        if not self.least <= len(value) <= self.most:
            raise InputError(
                f"{at(where)} has {len(value)} items; it must have from {self.least} to {self.most}"
            )
        read = self.item.read
        items = [read(one, (where, place)) for place, one in enumerate(value)]
        return self.build(items)

    def write(self, value: Any) -> list[Any]:
        """See `Shape.write`."""
        return [self.item.write(one) for one in value]

    def schema(self) -> Schema:
        """See `Shape.schema`."""
        return {
            "type": "array",
            "items": self.item.schema(),
            "minItems": self.least,
            "maxItems": self.most,
        }
