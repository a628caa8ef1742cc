"""Whether the forecasts of a path have become worse than they were, and what follows from it.

Two streams of each path go through `Adwin`: how far off the median was, as a logarithm, and whether the
measured value lay outside the interval. When the mean of one of them rises, the conditions have drifted: what
was adapted to the path is no longer true, its intervals are too narrow, and a model may want retraining.
"""

import math
from collections import OrderedDict
from dataclasses import asdict, dataclass
from typing import Any, Literal, cast

from dwcp.evaluation.policy import State
from dwcp.tasks.bandwidth.adwin import Adwin
from dwcp.tasks.bandwidth.contract import Quantiles
from dwcp.tasks.bandwidth.series import MOST_MBPS

__all__ = ["Drift", "DriftWatch", "widened"]

Sign = Literal["log_error", "misses"]
"""What rose."""

_MOST_PATHS = 256
_MOST_QUEUED = 64
_FLOOR_MBPS = 0.01
"""Below it nothing is told apart, so that an outage is a large error and no infinite one."""
_LARGEST_LOG = 3.0
_EXTRA = 1.0
"""Added to the width, as a share of it, right after a drift."""
_HALF_LIFE_STEPS = 10.0


@dataclass(frozen=True, slots=True)
class Drift:
    """A rise of a path's error.

    Attributes:
        path: the path.
        sign: what rose: the error of the median, or the share of misses.
        at_s: when it was noticed, in the caller's time.
        before: mean before it, and
        after: since; both inside [0, 1], where 1 is an error of twentyfold or a miss each time.
    """

    path: str
    sign: Sign
    at_s: float
    before: float
    after: float


class _Watched:
    """One path."""

    def __init__(self) -> None:
        self.signs: dict[Sign, Adwin] = {"log_error": Adwin(), "misses": Adwin()}
        self.steps_since: int | None = None

    def rise(self, sign: Sign, value: float) -> tuple[float, float] | None:
        """Means before and after, where the mean of a sign has just risen."""
        adwin = self.signs[sign]
        before = adwin.mean
        cut = adwin.update(value)
        return (before, adwin.mean) if cut and adwin.mean > before else None


class DriftWatch:
    """Watches the errors of some hundred paths; of more, those not heard of for longest are forgotten."""

    def __init__(self) -> None:
        self._paths: OrderedDict[str, _Watched] = OrderedDict()
        self._queue: OrderedDict[str, Drift] = OrderedDict()

    @property
    def queue(self) -> tuple[Drift, ...]:
        """The last drift of each path, oldest first, that nobody has taken yet: retraining is wanted."""
        return tuple(self._queue.values())

    def observe(self, path: str, forecast: Quantiles, actual_mbps: float, now: float) -> Drift | None:
        """Hold a forecast against what came.

        Args:
            path: the path.
            forecast: of the step.
            actual_mbps: what the step carried, finite and not negative.
            now: when, in seconds.

        Returns:
            The drift, where it has just been noticed.
        """
        watched = self._paths.setdefault(path, _Watched())
        self._paths.move_to_end(path)
        if len(self._paths) > _MOST_PATHS:
            self._paths.popitem(last=False)
        if watched.steps_since is not None:
            watched.steps_since += 1
        values: dict[Sign, float] = {
            "log_error": _log_error(forecast.mid, actual_mbps),
            "misses": float(not forecast.low <= actual_mbps <= forecast.high),
        }
        drift = None
        for sign, value in values.items():
            rise = watched.rise(sign, value)
            if rise is not None and drift is None:
                drift = Drift(path, sign, now, *rise)
        if drift is not None:
            watched.steps_since = 0
            self._queue.pop(path, None)
            self._queue[path] = drift
            if len(self._queue) > _MOST_QUEUED:
                self._queue.popitem(last=False)
        return drift

    def widening(self, path: str) -> float:
        """By how much the interval of a path is to be wider: 2 after a drift, then ever closer to 1."""
        watched = self._paths.get(path)
        if watched is None or watched.steps_since is None:
            return 1.0
        return 1.0 + _EXTRA * math.pow(0.5, watched.steps_since / _HALF_LIFE_STEPS)

    def queued(self, path: str) -> Drift | None:
        """The drift of a path that is in the queue."""
        return self._queue.get(path)

    def take_queue(self) -> tuple[Drift, ...]:
        """The queue, which is empty then: whoever retrains calls it."""
        taken = self.queue
        self._queue.clear()
        return taken

    def snapshot(self) -> State:
        """What it remembers."""
        return {
            "paths": {
                path: {
                    "steps_since": watched.steps_since,
                    **{sign: adwin.snapshot() for sign, adwin in watched.signs.items()},
                }
                for path, watched in self._paths.items()
            },
            "queue": [asdict(drift) for drift in self._queue.values()],
        }

    def restore(self, state: State) -> None:
        """Continue from a snapshot."""
        known = cast("dict[str, Any]", state)
        self._paths.clear()
        for path, remembered in known["paths"].items():
            watched = self._paths[path] = _Watched()
            watched.steps_since = remembered["steps_since"]
            for sign, adwin in watched.signs.items():
                adwin.restore(remembered[sign])
        self._queue = OrderedDict((fields["path"], Drift(**fields)) for fields in known["queue"])


def widened(forecast: Quantiles, times: float) -> Quantiles:
    """A forecast with its interval that many times as wide on a logarithmic scale, around the same median."""
    if times == 1.0 or forecast.mid <= 0:
        return forecast
    low = forecast.mid * (forecast.low / forecast.mid) ** times
    most, mid = math.log(MOST_MBPS), math.log(forecast.mid)
    high = math.exp(min(mid + times * (math.log(forecast.high) - mid), most))
    return Quantiles(low, forecast.mid, min(MOST_MBPS, max(forecast.mid, high)))


def _log_error(forecast_mbps: float, actual_mbps: float) -> float:
    ratio = max(actual_mbps, _FLOOR_MBPS) / max(forecast_mbps, _FLOOR_MBPS)
    return min(abs(math.log(ratio)), _LARGEST_LOG) / _LARGEST_LOG
