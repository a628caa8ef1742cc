"""A forecast as it is told: what it is of, and why it may be trusted less than usual."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from dwcp.tasks.bandwidth.contract import HORIZON_STEPS, Action, Context, Quantiles, Regime
from dwcp.tasks.bandwidth.drift import Drift, widened
from dwcp.tasks.bandwidth.rules import UNKNOWN
from dwcp.tasks.bandwidth.series import Series, series_of

__all__ = ["MODES", "Forecast", "Mode", "Note", "blended", "doubted", "notes_on", "prudent", "remarks_on"]

Mode = Literal["auto", "datacenter", "internet", "hybrid"]
"""``auto`` detects it for each path."""

MODES: tuple[Mode, ...] = get_args(Mode)

Note = Literal["no_data", "stale", "stalled", "jumped", "limited", "bad_sample", "clock_went_back", "drift"]
"""Why a forecast is to be trusted less, and is wider: nothing was measured, or not lately; the link stopped,
or has not delivered yet; it carries many times what it did, or a small part of it; there was too little to
send; the latest measurement could not be true; time went back; the path does not behave as it did."""

_TAIL = 0.05
_MOST_RISE = 100.0
"""Nothing is told to carry so many times more than it was seen to carry of late."""
_NOTHING_MBPS = 1e-6


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
        retraining: the last drift of the path, for as long as nobody has trained anew since.
    """

    action: Action
    mode: Regime
    path: str
    at_s: float
    steps: int
    notes: tuple[Note, ...] = ()
    retraining: Drift | None = None


def notes_on(context: Context, *, drifted: bool) -> tuple[Note, ...]:
    """What is to be said of a history."""
    series = series_of(context)
    measured = bool(len(series.values))
    found: dict[Note, bool] = {
        "no_data": not measured,
        "stale": measured and series.missing > 0,
        "stalled": series.silent > 0,
        "jumped": series.jumped,
        "limited": series.limited,
        "drift": drifted,
    }
    return tuple(note for note, holds in found.items() if holds)


def remarks_on(*, is_whole: bool, went_back: bool, jumped: bool) -> tuple[Note, ...]:
    """What is to be said of a measurement."""
    found: dict[Note, bool] = {"bad_sample": not is_whole, "clock_went_back": went_back, "jumped": jumped}
    return tuple(note for note, holds in found.items() if holds)


def blended(actions: Sequence[Action]) -> Action:
    """Several forecasts of the same as one: each quantile is the mean of theirs, the surer counting more.

    Source: Vincent, "The functions of the vibrissae in the behavior of the white rat" (1912), for averaging
    quantiles, which keeps the shape that mixing distributions loses.
    """
    total = sum(action.confidence for action in actions)
    shares = [action.confidence / total if total > 0 else 1 / len(actions) for action in actions]

    def mean(values: Sequence[float]) -> float:
        whole = sum(share * value for share, value in zip(shares, values, strict=True))
        return min(max(whole, min(values)), max(values))

    def quantiles(told: Sequence[Quantiles]) -> Quantiles:
        return Quantiles(
            mean([one.low for one in told]), mean([one.mid for one in told]), mean([one.high for one in told])
        )

    return Action(
        quantiles([action.next_step for action in actions]),
        quantiles([action.horizon for action in actions]),
        mean([action.confidence for action in actions]),
        mean([action.rtt_ms for action in actions]),
        mean([action.jitter_ms for action in actions]),
        mean([action.packet_loss for action in actions]),
    )


def doubted(action: Action, times: float) -> Action:
    """A forecast that many times as wide, on a logarithmic scale, and that much less sure."""
    return replace(
        action,
        next_step=widened(action.next_step, times),
        horizon=widened(action.horizon, times),
        confidence=action.confidence / times,
    )


def prudent(action: Action, series: Series) -> Action:
    """A forecast as what was seen allows: of a link that is silent it says that it may come back.

    After ``n`` silent steps, a link comes back within the next ``k`` with a probability of ``k / (n + k)``
    (Laplace's rule of succession). Where that is more than the tail of the interval, the interval reaches up
    to what the link carried before.
    """
    if not len(series.values):
        return action
    silent = series.silent
    level = series.last_mbps or (UNKNOWN.high if _comes_back(silent, 1) > _TAIL else 0.0)
    delivering = max(
        (steps for steps in range(1, HORIZON_STEPS + 1) if _returns(silent, HORIZON_STEPS + 1 - steps)),
        default=0,
    )
    most = _MOST_RISE * series.most_mbps or UNKNOWN.high
    return replace(
        action,
        next_step=_bounded(action.next_step, level * _returns(silent, 1), most),
        horizon=_bounded(action.horizon, level * delivering / HORIZON_STEPS, most),
        confidence=min(action.confidence, 1.0 - _comes_back(silent, 1)),
        packet_loss=min(action.packet_loss, 1.0),
    )


def _comes_back(silent: int, within: int) -> float:
    """Probability that a link comes back within so many steps; 0 where it is not silent."""
    return within / (silent + within) if silent else 0.0


def _returns(silent: int, within: int) -> bool:
    """Whether that has to be reckoned with."""
    return _comes_back(silent, within) > _TAIL


def _bounded(told: Quantiles, least_high: float, most: float) -> Quantiles:
    """With an upper end between these, but not below the median; next to nothing is nothing."""
    low, mid, high = (0.0 if mbps < _NOTHING_MBPS else mbps for mbps in (told.low, told.mid, told.high))
    return Quantiles(low, mid, max(mid, min(max(high, least_high), most)))
