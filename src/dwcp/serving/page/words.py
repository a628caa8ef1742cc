"""Figures in words: each with its unit, and a dash for what is not known."""

import math
from datetime import UTC, datetime

__all__ = ["UNKNOWN", "age", "count", "figure", "mbps", "milliseconds", "percent", "signed_percent", "utc"]

UNKNOWN = "–"
"""Stands for what is not known."""
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86_400


def count(number: int) -> str:
    """A count, e.g. ``12,345``."""
    return f"{number:,}"


def percent(share: float | None) -> str:
    """A share, e.g. ``97.3 %``."""
    return UNKNOWN if share is None else f"{100 * share:.1f}\u00a0%"


def signed_percent(percents: float | None) -> str:
    """A change in percent, e.g. ``+17.2 %``."""
    return UNKNOWN if percents is None else f"{percents:+.1f}\u00a0%".replace("-", "\u2212")


def milliseconds(ms: float | None) -> str:
    """A time, e.g. ``0.212 ms``; of what lies above the last bucket that it does."""
    if ms is None:
        return UNKNOWN
    return ">\u00a0100\u00a0ms" if math.isinf(ms) else f"{ms:.3g}\u00a0ms"


def mbps(rate: float | None) -> str:
    """A rate, e.g. ``480 Mbit/s``."""
    return UNKNOWN if rate is None else f"{rate:,.0f}\u00a0Mbit/s"


def figure(number: float | None, unit: str = "") -> str:
    """A figure in a unit of its own, e.g. ``0.083 s``; the unit 1 is none."""
    if number is None:
        return UNKNOWN
    return f"{number:.3g}" if unit in ("", "1") else f"{number:.3g}\u00a0{unit}"


def age(seconds: float | None) -> str:
    """How long, e.g. ``2 d 3 h``."""
    if seconds is None:
        return UNKNOWN
    whole = int(seconds)
    if whole >= _DAY_S:
        return f"{whole // _DAY_S}\u00a0d {whole % _DAY_S // _HOUR_S}\u00a0h"
    if whole >= _HOUR_S:
        return f"{whole // _HOUR_S}\u00a0h {whole % _HOUR_S // _MINUTE_S}\u00a0min"
    return f"{whole // _MINUTE_S}\u00a0min" if whole >= _MINUTE_S else f"{whole}\u00a0s"


def utc(epoch_s: float) -> str:
    """A time of day, e.g. ``08:00:00 UTC``."""
    return f"{datetime.fromtimestamp(epoch_s, UTC):%H:%M:%S} UTC"
