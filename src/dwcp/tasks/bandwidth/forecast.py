"""A forecast as it is told: what it is of, and why it may be trusted less than usual."""

from dataclasses import dataclass
from typing import Literal, get_args

from dwcp.tasks.bandwidth.contract import Action, Context, Regime
from dwcp.tasks.bandwidth.series import series_of

__all__ = ["MODES", "Forecast", "Mode", "Note", "notes_on", "remarks_on"]

Mode = Literal["auto", "datacenter", "internet", "hybrid"]
"""``auto`` detects it for each path."""

MODES: tuple[Mode, ...] = get_args(Mode)

Note = Literal["no_data", "stale", "stalled", "jumped", "limited", "bad_sample", "clock_went_back", "drift"]
"""Why a forecast is to be trusted less, and is wider: nothing was measured, or not lately; the link stopped,
or carries a hundred times what it did, or a hundredth; there was too little to send; the latest measurement
could not be true; time went back; the path does not behave as it did."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a path will carry.

    Attributes:
        action: quantiles of throughput, confidence, round trip, jitter and loss.
        mode: the conditions it was made for.
        path: the path.
        at_s: when it was made, in seconds since 1970 UTC.
        steps: how many steps of history it was made from.
        notes: why it is wider than usual; empty where all is well.
    """

    action: Action
    mode: Regime
    path: str
    at_s: float
    steps: int
    notes: tuple[Note, ...] = ()


def notes_on(context: Context, *, drifted: bool) -> tuple[Note, ...]:
    """What is to be said of a history."""
    series = series_of(context)
    measured = bool(len(series.values))
    found: dict[Note, bool] = {
        "no_data": not measured,
        "stale": measured and series.missing > 0,
        "stalled": series.stalled,
        "jumped": series.jumped,
        "limited": series.limited,
        "drift": drifted,
    }
    return tuple(note for note, holds in found.items() if holds)


def remarks_on(*, is_whole: bool, went_back: bool, jumped: bool) -> tuple[Note, ...]:
    """What is to be said of a measurement."""
    found: dict[Note, bool] = {"bad_sample": not is_whole, "clock_went_back": went_back, "jumped": jumped}
    return tuple(note for note, holds in found.items() if holds)
