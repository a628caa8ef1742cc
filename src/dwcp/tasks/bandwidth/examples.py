"""Simulated forecasts to make: links of every kind, and what they carried after each moment."""

from collections.abc import Iterator

import numpy as np

from dwcp.evaluation.policy import Case
from dwcp.simulate.links import LINK_KINDS, LinkKind, LinkTrace, simulate_link
from dwcp.tasks.bandwidth.contract import HORIZON_STEPS, Action, Context, Outcome, Regime, Step
from dwcp.tasks.bandwidth.inputs import WINDOW
from dwcp.tasks.bandwidth.oracle import Outcomes

__all__ = ["cases_of", "simulated_cases", "steps_of"]

BandwidthCase = Case[Context, Action, Outcome]

_LINK_STEPS = 240
_LEAST_HISTORY = 2
_STEPS_S = (1.0, 1.0, 5.0, 10.0)
_LEAST_LINKS = 10
_EPOCH_S = 1.7e9 // 86_400 * 86_400


def simulated_cases(count: int, seed: int) -> list[BandwidthCase]:
    """So many forecasts, on links of every kind in turn; each link is a group, its moments in order."""
    links = max(_LEAST_LINKS, -(-count // _LINK_STEPS))
    cases: list[BandwidthCase] = []
    for number in range(links):
        left = -(-(count - len(cases)) // (links - number))
        cases += _link_cases(number, left, np.random.default_rng([seed, number]))
    return cases


def cases_of(
    steps: tuple[Step, ...],
    group: str,
    *,
    step_s: float,
    start_epoch_s: float,
    regime: Regime = "unknown",
    link_type: str = "",
) -> Iterator[BandwidthCase]:
    """A forecast at every moment with a little history and a whole horizon, in order of time."""
    for at in range(_LEAST_HISTORY, len(steps) - HORIZON_STEPS + 1):
        context = Context(
            steps=steps[max(0, at - WINDOW) : at],
            step_s=step_s,
            epoch_s=start_epoch_s + at * step_s,
            path=group,
            regime=regime,
            link_type=link_type,
        )
        yield Case(context, Outcomes(context, steps[at : at + HORIZON_STEPS]), group, at * step_s)


def steps_of(trace: LinkTrace) -> tuple[Step, ...]:
    """A simulated link as a telemetry source would tell of it."""
    columns = (
        trace.throughput_mbps,
        trace.rtt_ms,
        trace.jitter_ms,
        trace.packet_loss,
        trace.retransmits,
        trace.congestion_window,
        trace.app_limited,
    )
    return tuple(Step(*row) for row in zip(*(column.tolist() for column in columns), strict=True))


def _link_cases(number: int, count: int, rng: np.random.Generator) -> list[BandwidthCase]:
    kind: LinkKind = LINK_KINDS[number % len(LINK_KINDS)]
    step_s = float(rng.choice(_STEPS_S))
    trace = simulate_link(kind, (count + HORIZON_STEPS + _LEAST_HISTORY) * step_s, step_s, rng)
    regime: Regime = "datacenter" if trace.link_type in ("dc", "metro") else "internet"
    found = cases_of(
        steps_of(trace),
        f"{kind}-{number}",
        step_s=step_s,
        start_epoch_s=_EPOCH_S + float(trace.time_s[0]) - step_s,
        regime=regime,
        link_type=trace.link_type,
    )
    return list(found)[:count]
