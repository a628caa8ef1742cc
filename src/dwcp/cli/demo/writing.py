"""How figures are written for people."""

from dwcp.evaluation import Interval

__all__ = ["interval_text", "link_text", "percent_text", "range_text", "seconds_text"]


def seconds_text(seconds: float) -> str:
    """Three digits in the unit that fits: ``4.06 s``, ``47.2 ms``, ``208 µs``."""
    for size, unit in ((1.0, "s"), (1e-3, "ms")):
        if seconds >= size:
            return f"{_three_digits(seconds / size)} {unit}"
    return f"{_three_digits(seconds * 1e6)} µs"


def percent_text(share: float, *, signed: bool = False) -> str:
    """A share as percent: ``2.0 %``, with its sign where that says something: ``+2.0 %``."""
    return f"{100 * share:{'+' if signed else ''}z.{_decimals(share)}f} %"


def interval_text(interval: Interval) -> str:
    """The bounds in percent, ``[0.9, 4.1]``; empty when there are none."""
    if not -1e6 < interval.low <= interval.high < 1e6:
        return ""
    decimals = max(_decimals(interval.low), _decimals(interval.high))
    return f"[{100 * interval.low:z.{decimals}f}, {100 * interval.high:z.{decimals}f}]"


def range_text(shares: list[float]) -> str:
    """The least and the largest of some shares: ``0.6 to 2.0 %``."""
    low, high = percent_text(min(shares)), percent_text(max(shares))
    return low if low == high else f"{low.removesuffix(' %')} to {high}"


def link_text(mbps: float) -> str:
    """``100 Mbit/s``, ``10 Gbit/s``."""
    return f"{mbps / 1000:g} Gbit/s" if mbps >= 1000 else f"{mbps:g} Mbit/s"


def _three_digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _decimals(share: float) -> int:
    size = abs(share)
    if size >= 0.995 or size < 0.00005:
        return 0
    return 1 if size >= 0.00095 else 2
