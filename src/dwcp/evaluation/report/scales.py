"""Scales: from values to lengths, with ticks at round values."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

__all__ = ["Scale", "number_text", "scale_for"]

_TINY = 1e-30


@dataclass(frozen=True, slots=True)
class Scale:
    """Places values of ``low..high`` between ``start`` and ``end`` (user units; end may be below start).

    Attributes:
        low: value at ``start``.
        high: value at ``end``; above ``low``.
        ticks: values to mark, inside the range.
        logarithmic: whether equal lengths are equal factors.
        start: where ``low`` is placed.
        end: where ``high`` is placed.
    """

    low: float
    high: float
    ticks: tuple[float, ...]
    logarithmic: bool
    start: float
    end: float

    def place(self, value: float) -> float:
        """Where a value is; outside the range it stays at the nearer end."""
        if self.logarithmic:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + (self.end - self.start) * min(max(share, 0.0), 1.0)

    def cut_at(self, high: float) -> "Scale":
        """The same scale ending at a value rather than at the round one above it; zero changes nothing."""
        if high <= self.low:
            return self
        return replace(self, high=high, ticks=tuple(tick for tick in self.ticks if tick <= high))


def scale_for(
    values: Sequence[float],
    kind: Literal["linear", "log"],
    start: float,
    end: float,
    most_ticks: int = 6,
    *,
    from_zero: bool = False,
) -> Scale:
    """A scale whose ends are round and hold every value.

    Args:
        values: what must fit; positive for ``log``.
        kind: linear or logarithmic.
        start: where the lowest value goes.
        end: where the highest value goes.
        most_ticks: about how many ticks there is room for, two or more.
        from_zero: let a linear scale begin at zero.
    """
    low, high = min(values), max(values)
    if kind == "log":
        return _log_scale(low, high, start, end, most_ticks)
    return _linear_scale(min(low, 0.0) if from_zero else low, high, start, end, most_ticks)


def number_text(value: float) -> str:
    """A number as short text: ``0.25``, ``4,000``, ``2.5 M``, powers of ten at the extremes."""
    size = abs(value)
    if size != 0 and not 1e-4 <= size < 1e12:
        mantissa, _, exponent = f"{value:.3g}".partition("e")
        return f"{mantissa}e{int(exponent)}" if exponent else mantissa
    if size < 1e6:
        return f"{value:,.0f}" if size >= 1000 else f"{value:.4g}"
    limit, sign = (1e9, "G") if size >= 1e9 else (1e6, "M")
    return f"{value / limit:.4g} {sign}"


def _linear_scale(low: float, high: float, start: float, end: float, most_ticks: int) -> Scale:
    if high - low <= max(1e-9 * max(abs(low), abs(high)), _TINY):
        pad = abs(high) / 2 if abs(high) > _TINY else 1.0
        low, high = (low, high + pad) if low >= 0 and low < pad else (low - pad, high + pad)
    step = _round_step((high - low) / most_ticks)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(step * i for i in range(first, last + 1))
    return Scale(ticks[0], ticks[-1], ticks, False, start, end)


def _round_step(step: float) -> float:
    """The next of 1, 2, 2.5, 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(
        power * factor for factor in (1.0, 2.0, 2.5, 5.0, 10.0) if power * factor >= step * (1 - 1e-9)
    )


def _log_scale(low: float, high: float, start: float, end: float, most_ticks: int) -> Scale:
    """Ticks at powers of ten, or at 1, 2 and 5 of each where the range is below two decades."""
    first, last = math.log10(low), math.log10(high)
    pad = max(0.04 * (last - first), (0.8 - (last - first)) / 2)
    first, last = first - pad, last + pad
    factors = (1,) if last - first >= 2 else (1, 2, 5)
    powers = range(math.floor(first), math.ceil(last) + 1)
    marks = [float(f"{factor}e{power}") for power in powers for factor in factors]
    inside = [mark for mark in marks if first <= math.log10(mark) <= last]
    every = math.ceil(len(inside) / most_ticks) if len(factors) == 1 else 1
    return Scale(10.0**first, 10.0**last, tuple(inside[::every]), True, start, end)
