"""Forecasts of simulated links beside the best there can be: the generator's own, which knows its state."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from bandwidth_models import Foretold, Trained
from bandwidth_runs import FROM_SIMULATION, LAST, BandwidthPolicy, go
from bandwidth_sets import BandwidthCase
from dwcp.simulate.links import LINK_KINDS, LinkKind, LinkSimulator, Optimum, simulate_with_optimum
from dwcp.tasks.bandwidth.contract import Action
from dwcp.tasks.bandwidth.examples import cases_of, steps_of
from dwcp.tasks.bandwidth.figures import hold, within_20
from dwcp.tasks.bandwidth.oracle import truths
from dwcp.tasks.bandwidth.policy import BlendPolicy
from dwcp.tasks.bandwidth.rules import RulePolicy
from dwcp.tasks.bandwidth.walks import WALKS

Floats = NDArray[np.float64]

LINKS, MOMENTS, EVERY, WARM_STEPS = 3, 40, 10, 60
STEP_S, SEED = 1.0, 23
"""A seed of its own: no network was trained on these links."""


@dataclass(frozen=True)
class Distance:
    """One policy on one kind of link.

    Attributes:
        kind: of link.
        policy: whose; ``optimum`` is the generator's.
        within_20: share of next steps within 20%, and of the means of the next five.
        mae_mbps: mean absolute error, likewise.
    """

    kind: str
    policy: str
    within_20: tuple[float, float]
    mae_mbps: tuple[float, float]

    def as_json(self) -> dict[str, object]:
        """For the file of results."""
        return asdict(self)


def distances(trained: Sequence[Trained]) -> list[Distance]:
    """Every kind of link, with the network that was trained on simulated links and without."""
    graphs = {model.name: model for model in trained}
    return [found for kind in LINK_KINDS for found in _of_kind(kind, graphs.get("tcn-simulated"))]


def _of_kind(kind: LinkKind, model: Trained | None) -> list[Distance]:
    told: dict[str, list[Floats]] = {}
    for number in range(LINKS):
        simulator = LinkSimulator(kind, STEP_S, np.random.default_rng([SEED, number]))
        futures = np.random.default_rng([SEED, number, 1])
        trace, optimum = simulate_with_optimum(simulator, MOMENTS, EVERY, futures)
        regime = "datacenter" if trace.link_type in ("dc", "metro") else "internet"
        cases = list(
            cases_of(
                steps_of(trace),
                f"{kind}-{number}",
                step_s=STEP_S,
                start_epoch_s=0.0,
                regime=regime,  # type: ignore[arg-type]
                link_type=trace.link_type,
            )
        )
        rows = _rows(cases, optimum)
        for name, policy in _policies(cases, model).items():
            actions = go(policy, cases)
            told.setdefault(name, []).append(_errors([cases[r] for r in rows], [actions[r] for r in rows]))
        told.setdefault("optimum", []).append(_best([cases[r] for r in rows], optimum, rows))
    return [_distance(kind, name, np.concatenate(found, axis=1)) for name, found in told.items()]


def _rows(cases: Sequence[BandwidthCase], optimum: Optimum) -> dict[int, int]:
    """Rows whose forecast the optimum made too and whose truth is known, and which of its forecasts it is."""
    by_step = {
        round(case.time_s / STEP_S): row
        for row, case in enumerate(cases)
        if None not in truths(next(iter(case.outcomes.values())).steps)
    }
    return {
        by_step[at + 1]: moment
        for moment, at in enumerate(optimum.at.tolist())
        if at >= WARM_STEPS and at + 1 in by_step
    }


def _policies(cases: Sequence[BandwidthCase], model: Trained | None) -> Mapping[str, BandwidthPolicy]:
    policies: dict[str, BandwidthPolicy] = {
        LAST: RulePolicy(LAST, WALKS[LAST]),
        "blend-of-rules": BlendPolicy(),
    }
    if model is not None:
        policies[FROM_SIMULATION] = BlendPolicy(Foretold(model.graph(), cases), FROM_SIMULATION)
    return policies


def _errors(cases: Sequence[BandwidthCase], actions: Sequence[Action]) -> Floats:
    """Near or not, and absolute error, of next step and horizon: ``(4, rows)``."""
    found = []
    for target in range(2):
        held = hold(cases, actions, target)
        found += [within_20(held.truth, held.mid).astype(np.float64), np.abs(held.truth - held.mid)]
    return np.stack(found)


def _best(cases: Sequence[BandwidthCase], optimum: Optimum, rows: Mapping[int, int]) -> Floats:
    found = []
    for target, quantiles in enumerate((optimum.next_step, optimum.horizon)):
        truth = hold(cases, [next(iter(case.outcomes)) for case in cases], target).truth
        mid = quantiles[list(rows.values()), 1]
        found += [within_20(truth, mid).astype(np.float64), np.abs(truth - mid)]
    return np.stack(found)


def _distance(kind: str, name: str, found: Floats) -> Distance:
    near_next, error_next, near_then, error_then = found.mean(axis=1).tolist()
    return Distance(kind, name, (near_next, near_then), (error_next, error_then))
