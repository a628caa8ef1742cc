"""How much is seen of a group: a gap, a restart or silence is said, never passed over."""

from operator import attrgetter

from dwcp.tasks.consensus.contract import MEASURES, Context, State, Step

__all__ = ["BLIND_S", "blind_s", "state_of"]

BLIND_S = 3
"""Seconds without any figure after which silence itself is an anomaly."""

_LATELY_S, _LEAST_S = 10, 10
_values = attrgetter(*MEASURES)


def state_of(context: Context) -> State:
    """The gravest state of the newest seconds."""
    latest = context.steps[-_LATELY_S:]
    if not latest or _tells_nothing(latest[-1]):
        return "blind"
    if any((step.restarts or 0.0) > 0 for step in latest[-BLIND_S:]):
        return "restarted"
    if any(_tells_nothing(step) for step in latest):
        return "gap"
    return "starting" if len(context.steps) < _LEAST_S else "steady"


def blind_s(context: Context) -> int:
    """How many of the newest seconds tell nothing."""
    count = 0
    for step in reversed(context.steps):
        if not _tells_nothing(step):
            break
        count += 1
    return count


def _tells_nothing(step: Step) -> bool:
    return all(value is None or value != value for value in _values(step))
