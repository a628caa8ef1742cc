"""Why a detector raised an alarm, in words: which features, with their values."""

from collections.abc import Iterator
from dataclasses import astuple
from typing import TYPE_CHECKING, Any

from dwcp.cli.detect_events import Reason, Verdict

if TYPE_CHECKING:
    from dwcp.serving import Hint
    from dwcp.tasks.consensus.contract import Action as ClusterAction
    from dwcp.tasks.consensus.contract import Context as ClusterContext
    from dwcp.tasks.reliability.contract import Action as NodeAction
    from dwcp.tasks.reliability.contract import Context as NodeContext

__all__ = ["cluster_verdict", "node_verdict"]


def node_verdict(context: "NodeContext", hint: "Hint[NodeAction]", at_s: float, unseen: str = "") -> Verdict:
    """What was said of a node, in words.

    A node that is not seen is flagged, and an alarm from the second step on, whatever was said of it.

    Args:
        context: what was judged.
        hint: what was said of it.
        at_s: when.
        unseen: why nothing is measured of it; empty where something is.
    """
    action = hint.action
    if unseen:
        lasts = len(context.steps) > 1 and all(value is None for value in astuple(context.steps[-2]))
        why = (Reason("state", None, unseen),)
        return Verdict(context.node, at_s, True, action.alarm or lasts, 1.0, why, _by(hint))
    reasons: tuple[Reason, ...] = ()
    if action.anomalous or action.alarm:
        reasons = tuple(_contributions(context, action) if action.contributions else _limits(context))
    return Verdict(context.node, at_s, action.anomalous, action.alarm, action.score, reasons, _by(hint))


def cluster_verdict(context: "ClusterContext", hint: "Hint[ClusterAction]", at_s: float) -> Verdict:
    """What was said of a cluster, in words."""
    action = hint.action
    reasons: tuple[Reason, ...] = ()
    if action.anomalous or action.alarm:
        broken = [Reason("rule", None, words) for words in action.rules]
        told = [
            Reason(one.feature, one.value, f"{_valued(one.feature, one.value)}, {_off(one.deviation)}")
            for one in action.evidence
        ]
        reasons = (*broken, *told)
    return Verdict(
        context.group, at_s, action.anomalous, action.alarm, action.probability, reasons, _by(hint)
    )


def _contributions(context: "NodeContext", action: "NodeAction") -> Iterator[Reason]:
    """The strongest of each metric."""
    seen = set()
    for one in action.contributions:
        metric = _metric_of(one.feature)
        if (metric or one.feature) in seen:
            continue
        seen.add(metric or one.feature)
        if metric is None:
            yield Reason(one.feature, None, f"{one.feature} {_off(one.deviation)}")
        else:
            value = getattr(context.steps[-1], metric) if context.steps else None
            yield Reason(metric, value, f"{_beside(context, metric)}, {one.feature} {_off(one.deviation)}")


def _limits(context: "NodeContext") -> Iterator[Reason]:
    """The metrics that reach a limit of the rules."""
    from dwcp.tasks.reliability.rules import broken_limits

    now = context.steps[-1] if context.steps else None
    for metric, ratio in broken_limits(context):
        yield Reason(metric, getattr(now, metric), f"{_beside(context, metric)}, {ratio:.3g} times the limit")
    if now is None or all(value is None for value in astuple(now)):
        yield Reason("state", None, "nothing is measured of it")


def _metric_of(feature: str) -> str | None:
    from dwcp.tasks.reliability.contract import METRICS

    own = feature.removeprefix("peer_")
    return max((name for name in METRICS if own.startswith(name)), key=len, default=None)


def _beside(context: "NodeContext", metric: str) -> str:
    own = getattr(context.steps[-1], metric) if context.steps else None
    peers = getattr(context.peers[-1], metric) if context.peers else None
    beside = "" if peers is None else f" (peers {peers:.4g})"
    return f"{_valued(metric, own)}{beside}"


def _valued(feature: str, value: float | None) -> str:
    return f"{feature} {'not measured' if value is None else format(value, '.4g')}"


def _off(deviation: float) -> str:
    return f"{abs(deviation):.1f} deviations {'above' if deviation > 0 else 'below'} what is usual"


def _by(hint: "Hint[Any]") -> str:
    return (
        f"{hint.model.task} {hint.model.version}"
        if hint.reason == "MODEL" and hint.model
        else str(hint.reason)
    )
