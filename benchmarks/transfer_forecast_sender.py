"""The sender of the replayed links: the transfer itself, with whatever forecasts for it.

Run: ``python -m benchmarks.transfer_forecast_sender VARIANT PATH HOST:PORT FIGURES BEGUN``
"""

import json
import math
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dwcp.cli.late_advisor import LateAdvisor, late_forecasts
from dwcp.errors import DwcpError
from dwcp.serving import Advisor, FallbackAdvisor, Hint, Reason
from dwcp.tasks.bandwidth.contract import Action, Quantiles
from dwcp.transfer import Environment, SecurityOptions, SendOptions, send
from dwcp.transfer.amst.forecast import own_forecast

FORECAST, LOW, LAST = "forecast", "forecast, all by its low end", "last value"
OWN, PRESENT, FIXED = "own mean", "no forecast", "fixed"
_DEADLINE_MS = 5.0
_FIXED_STREAMS, _FIXED_CODEC = 4, "zstd-3"


@dataclass(frozen=True)
class Variant:
    """A way to send.

    Attributes:
        about: in a few words.
        advisor: makes whom to ask; None for nobody.
        streams: a fixed number; None for as many as help.
        codec: a fixed one; None to choose.
    """

    about: str
    advisor: Callable[[], Advisor] | None = None
    streams: int | None = None
    codec: str | None = None


class Retold:
    """An advisor whose forecasts are changed on the way.

    Args:
        advisor: the real one.
        change: of the quantiles.
    """

    def __init__(self, advisor: Advisor, change: Callable[[Quantiles], Quantiles]) -> None:
        self._advisor, self._change = advisor, change

    def ask(self, task_name: str, context: Any) -> Hint[Any]:
        """The hint, its horizon changed."""
        hint = self._advisor.ask(task_name, context)
        if not isinstance(hint.action, Action):
            return hint
        action = replace(hint.action, horizon=self._change(hint.action.horizon))
        return Hint(action, hint.reason, hint.confidence, hint.model)

    def observe(self, task_name: str, context: Any, action: Any, outcome: Any) -> None:
        """Handed on."""
        self._advisor.observe(task_name, context, action, outcome)

    def close(self) -> None:
        """Nothing is open."""


class OwnMean:
    """Forecasts what the transfer makes of its own measurements where it has no advisor."""

    def ask(self, task_name: str, context: Any) -> Hint[Any]:
        """The weighted mean, between the least and the greatest of late; nothing without measurements."""
        told = own_forecast(context.steps) if task_name == "bandwidth" else None
        action = None if told is None else Action(told, told, 1.0, 0.0, 0.0, 0.0)
        return Hint(action, Reason.MODEL, 1.0, None)

    def observe(self, task_name: str, context: Any, action: Any, outcome: Any) -> None:
        """It learns nothing."""


def _retold(change: Callable[[Quantiles], Quantiles]) -> LateAdvisor:
    return LateAdvisor(
        "bandwidth",
        lambda: Retold(late_forecasts(_DEADLINE_MS), change),
        lambda context: bool(context.steps),
    )


def _last_value() -> LateAdvisor:
    def load() -> Retold:
        from dwcp.tasks.bandwidth.rules import fallback_policy

        return Retold(FallbackAdvisor({"bandwidth": fallback_policy()}), lambda told: told)

    return LateAdvisor("bandwidth", load, lambda context: len(context.steps) >= 3)


VARIANTS: Mapping[str, Variant] = {
    FORECAST: Variant("the bandwidth task's blend", lambda: late_forecasts(_DEADLINE_MS)),
    LOW: Variant(
        "the same, its lower quantile in the median's place",
        lambda: _retold(lambda told: Quantiles(told.low, told.low, told.high)),
    ),
    LAST: Variant("last value, as wide as it was wrong of late", _last_value),
    OWN: Variant("the transfer's own weighted mean", OwnMean),
    PRESENT: Variant("no advisor: the estimate of the last half second"),
    FIXED: Variant(f"{_FIXED_STREAMS} streams, {_FIXED_CODEC}", streams=_FIXED_STREAMS, codec=_FIXED_CODEC),
}


class Tally:
    """Counts records instead of keeping them."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def record(self, kind: str, epoch_time: int, fields: Mapping[str, Any]) -> bool:
        """Count one."""
        del epoch_time, fields
        self.counts[kind] += 1
        return True


def main(arguments: Sequence[str]) -> int:
    """Send, and write what it took."""
    name, path, address, figures, begun = arguments
    Path(begun).touch()
    variant, tally = VARIANTS[name], Tally()
    # Nobody is asked for codecs: looking at the data for it would set those with an advisor apart.
    options = SendOptions(
        streams=variant.streams,
        codec=variant.codec,
        security=SecurityOptions(plain=True),
        hints_after_s=math.inf,
    )
    advisor = None if variant.advisor is None else variant.advisor()
    environment = Environment(advisor=advisor, recorder=tally, node_id="sender")
    try:
        result = send(Path(path), address, options, environment=environment)
    except DwcpError as error:
        print(error, file=sys.stderr)
        return 2
    told = {
        "seconds": result.seconds,
        "wire_bytes": result.wire_bytes,
        "stream_changes": tally.counts["stream_change"],
        "codecs": result.codecs,
    }
    Path(figures).write_text(json.dumps(told), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
