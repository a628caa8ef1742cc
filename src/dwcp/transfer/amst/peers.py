"""Asking which peer to ask first, and doing without."""

from statistics import median

from dwcp.serving import Advisor
from dwcp.tasks.peers.contract import Action, Context

__all__ = ["choose_peer"]


def choose_peer(advisor: Advisor | None, context: Context) -> tuple[str, ...]:
    """The candidates' names in the order in which to ask them.

    The advisor's answer is taken if it names each candidate once. Else they come in the order of their mean
    latency, in which a failure counts as the timeout; one that was never asked counts as their
    median.

    Args:
        advisor: whom to ask; None for nobody.
        context: the candidates, and what is known of them.
    """
    action = None if advisor is None else advisor.ask("peers", context).action
    if isinstance(action, Action) and _is_names(action.order) and context.admissible(action):
        return action.order
    known = [peer.latency_ms for peer in context.candidates if peer.latency_ms is not None]
    usual_ms = median(known) if known else 0.0

    def cost_ms(number: int) -> float:
        peer = context.candidates[number]
        latency_ms = usual_ms if peer.latency_ms is None else peer.latency_ms
        return latency_ms + peer.failure_share * (context.timeout_ms - latency_ms)

    order = sorted(range(len(context.candidates)), key=cost_ms)
    return tuple(context.candidates[number].name for number in order)


def _is_names(order: object) -> bool:
    return isinstance(order, tuple) and all(isinstance(name, str) for name in order)
