"""What a column looked like when the model was trained, small enough for its manifest.

A number's sketch is a hundred quantiles with the share at or below each; a category's, the share of each of
the most frequent values. Missing values (None, NaN) are a share of their own in both.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec
import numpy as np
from numpy.typing import NDArray

from dwcp.errors import InputError

__all__ = ["Categories", "Quantiles", "Reference", "Role", "Value", "sketch", "sketch_column"]

Value = float | int | bool | str | None
"""A cell: a number, a category (text or truth), or nothing."""

_QUANTILES = 100
_CATEGORIES = 50
_BINS = 10


class Role(StrEnum):
    """What a column is to the model."""

    INPUT = "input"
    PREDICTION = "prediction"


class Quantiles(msgspec.Struct, frozen=True, tag="numeric"):
    """A column of numbers.

    Attributes:
        rows: of the reference, with missing ones.
        missing: share of rows without a number.
        edges: ascending; the first lies just below the least value, the last is the greatest one.
        at_or_below: share of the numbers at or below each edge, from 0 to 1.
        role: input or prediction.
    """

    rows: int
    missing: float
    edges: tuple[float, ...]
    at_or_below: tuple[float, ...]
    role: Role = Role.INPUT

    def counts(self) -> NDArray[np.float64]:
        """Reference rows in each bin of `bin_counts`."""
        below = np.array([0.0, *(self.at_or_below[place] for place in self._cuts()), 1.0])
        return np.append(np.diff(below) * (1 - self.missing), self.missing) * self.rows

    def bin_counts(self, values: Sequence[Value]) -> NDArray[np.float64]:
        """Values in each of about ten bins of equal share, below and above them all, and missing."""
        numbers = _numbers(values)
        place = np.searchsorted([self.edges[cut] for cut in self._cuts()], numbers, side="left")
        counts = np.bincount(place, minlength=len(self._cuts()) + 1)
        return np.append(counts, len(values) - numbers.size).astype(np.float64)

    def distance(self, values: Sequence[Value]) -> tuple[float, int]:
        """The Kolmogorov-Smirnov distance at the edges, and how many numbers it is of."""
        numbers = np.sort(_numbers(values))
        if not numbers.size or not self.edges:
            return 0.0, numbers.size
        shares = np.searchsorted(numbers, np.array(self.edges), side="right") / numbers.size
        return float(np.abs(shares - np.array(self.at_or_below)).max()), numbers.size

    def _cuts(self) -> list[int]:
        """Places of the edges that part the bins."""
        if not self.edges:
            return []
        wanted = np.linspace(0, 1, _BINS + 1) - 1e-9
        return sorted({int(place) for place in np.searchsorted(np.array(self.at_or_below), wanted)})


class Categories(msgspec.Struct, frozen=True, tag="categorical"):
    """A column of categories.

    Attributes:
        rows: of the reference, with missing ones.
        missing: share of rows without a value.
        shares: of all rows, by value, the most frequent ones.
        role: input or prediction.
    """

    rows: int
    missing: float
    shares: dict[str, float]
    role: Role = Role.INPUT

    def counts(self) -> NDArray[np.float64]:
        """Reference rows in each bin of `bin_counts`."""
        other = max(0.0, 1.0 - self.missing - sum(self.shares.values()))
        return np.array([*self.shares.values(), other, self.missing]) * self.rows

    def bin_counts(self, values: Sequence[Value]) -> NDArray[np.float64]:
        """Values of each known category, of any other, and missing."""
        found = Counter(_category(value) for value in values)
        missing = found.pop(None, 0)
        known = [found.pop(name, 0) for name in self.shares]
        return np.array([*known, found.total(), missing], np.float64)


class Reference(msgspec.Struct, frozen=True):
    """The columns a model was trained on, and what it predicted for them.

    Attributes:
        columns: by name.
    """

    columns: dict[str, Quantiles | Categories]

    def as_json(self) -> bytes:
        """The reference as JSON."""
        return msgspec.json.encode(self)

    @staticmethod
    def from_json(text: bytes, where: str) -> "Reference":
        """The reference that `as_json` gave.

        Args:
            text: JSON.
            where: what it was read from, for the sentence.

        Raises:
            InputError: it is no reference.
        """
        try:
            found = msgspec.json.decode(text, type=Reference)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise InputError(f"{where} is no reference for drift ({error}); sketch it again") from error
        for name, column in found.columns.items():
            if isinstance(column, Quantiles) and len(column.edges) != len(column.at_or_below):
                raise InputError(f"{where}: column {name} has not as many shares as edges; sketch it again")
        return found


def sketch(
    inputs: Mapping[str, Sequence[Value]], predictions: Mapping[str, Sequence[Value]] | None = None
) -> Reference:
    """The reference of a table's columns, each of one row or more.

    Args:
        inputs: what the model is fed, by name.
        predictions: what it answered, by name; no name of an input's.

    Raises:
        InputError: a column is empty, or a name stands for two.
    """
    answered = predictions or {}
    twice = sorted(set(inputs) & set(answered))
    if twice:
        raise InputError(f"{', '.join(twice)} is both an input and a prediction; give one another name")
    columns = {name: sketch_column(name, values, Role.INPUT) for name, values in inputs.items()}
    columns |= {name: sketch_column(name, values, Role.PREDICTION) for name, values in answered.items()}
    return Reference(columns)


def sketch_column(name: str, values: Sequence[Value], role: Role = Role.INPUT) -> Quantiles | Categories:
    """The sketch of one column: categories where a text or a truth value is in it, numbers otherwise.

    Raises:
        InputError: it has no row.
    """
    if not len(values):
        raise InputError(f"column {name} has no row to be a reference of")
    if any(isinstance(value, str | bool) for value in values):
        return _categories(values, role)
    numbers = np.sort(_numbers(values))
    missing = 1 - numbers.size / len(values)
    if not numbers.size:
        return Quantiles(len(values), missing, (), (), role)
    marks = np.quantile(numbers, np.linspace(0, 1, _QUANTILES + 1), method="inverted_cdf")
    edges = np.unique(np.append(marks, np.nextafter(numbers[0], -np.inf)))
    below = np.searchsorted(numbers, edges, side="right") / numbers.size
    return Quantiles(len(values), missing, tuple(edges.tolist()), tuple(below.tolist()), role)


def _categories(values: Sequence[Value], role: Role) -> Categories:
    found = Counter(_category(value) for value in values)
    missing = found.pop(None, 0) / len(values)
    shares = {name: count / len(values) for name, count in found.most_common(_CATEGORIES) if name is not None}
    return Categories(len(values), missing, shares, role)


def _numbers(values: Sequence[Value]) -> NDArray[np.float64]:
    """The finite numbers among the values; anything else counts as missing."""
    cells = np.array([_number(value) for value in values], np.float64)
    finite: NDArray[np.float64] = cells[np.isfinite(cells)]
    return finite


def _number(value: Value) -> float:
    return math.nan if value is None or isinstance(value, str) else float(value)


def _category(value: Value) -> str | None:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    return str(value)
