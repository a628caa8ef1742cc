"""The detector and the rules beside it on recorded and on simulated nodes."""

import time
from collections.abc import Mapping, Sequence
from itertools import pairwise
from random import Random

import numpy as np
from numpy.typing import NDArray

from dwcp.evaluation import Bootstrap, Interval, average_precision, replay, split_by_group
from dwcp.evaluation.detection import recall_at_fpr, resampled_interval, vus_pr
from dwcp.task import Fitted, TrainingOptions
from dwcp.tasks.reliability.contract import FINE, METRICS, Action
from dwcp.tasks.reliability.examples import simulated_fleet
from dwcp.tasks.reliability.figures import figures
from dwcp.tasks.reliability.inputs import arrays
from dwcp.tasks.reliability.oracle import cost_rows
from dwcp.tasks.reliability.policy import DetectorPolicy
from dwcp.tasks.reliability.series import Fleet, ReliabilityCase, cases_of
from dwcp.tasks.reliability.task import TASK
from dwcp.training.fit import SHARES
from dwcp.training.graph import ExportedGraph

SEED = 42
BOOTSTRAP = Bootstrap(SEED, resamples=300)
TRAIN_SHARE, VALIDATION_SHARE = 0.45, 0.15
_BUFFER = 10
_TIMED, _ROUNDS = 500, 5
_DRIFT_STEPS, _DRIFTED = (
    1500,
    {"p50_latency_ms": 2.0, "p99_latency_ms": 2.0, "cpu_usage": 1.4, "disk_io": 1.4},
)

Parts = tuple[list[ReliabilityCase], list[ReliabilityCase], list[ReliabilityCase]]


def silent(share: float, words: str) -> None:
    """Tell nobody."""


def split_in_quiet(fleet: Fleet) -> Parts:
    """Earlier, middle and later part, cut where all nodes are quiet."""
    quiet = np.flatnonzero((fleet.kinds == "quiet").all(axis=1))
    ends = [
        int(quiet[np.searchsorted(quiet, share * len(fleet.times_s))])
        for share in (TRAIN_SHARE, TRAIN_SHARE + VALIDATION_SHARE)
    ]
    edges = [0, *ends, len(fleet.times_s)]
    first, second, third = (list(cases_of(fleet, range(begin, end))) for begin, end in pairwise(edges))
    return first, second, third


def simulated_parts(count: int) -> Parts:
    """Whole simulated fleets in each part."""
    split = split_by_group(TASK.examples(count, SEED), SHARES, SEED)
    return list(split.train), list(split.validation), list(split.test)


def fit(parts: Parts, epochs: int) -> Fitted:
    """Train on the first part, weigh and calibrate on the second."""
    return TASK.learner().fit(parts[0], parts[1], TrainingOptions(seed=SEED, epochs=epochs), silent)


def noticed(cases: Sequence[ReliabilityCase], unnoticed: frozenset[str]) -> NDArray[np.bool_]:
    """All rows but those of faults that no client noticed, and the first second of any fault at a node.

    A row tells of a whole second; a fault is done somewhere within the first of them.

    Args:
        cases: in order of time.
        unnoticed: fleets' names and those of events, with a stroke between.
    """
    begun: set[tuple[str, str]] = set()
    keep = np.ones(len(cases), dtype=np.bool_)
    for row, case in enumerate(cases):
        outcome = case.outcomes[FINE]
        if outcome.kind == "fault":
            keep[row] = (case.context.node, outcome.event) in begun
            keep[row] &= f"{case.group}/{outcome.event}" not in unnoticed
            begun.add((case.context.node, outcome.event))
    return keep


def judge(
    cases: Sequence[ReliabilityCase], models: Mapping[str, bytes], keep: NDArray[np.bool_] | None = None
) -> tuple[dict[str, object], dict[str, object]]:
    """Figures of every policy and of the novelty on the same rows, intervals by event: of all, and of some.

    Args:
        cases: what is judged.
        models: graphs by name.
        keep: which rows the second figures are of; those are left out when None.
    """
    policies = [TASK.fallback(), *TASK.baselines()]
    policies += [DetectorPolicy(ExportedGraph(content), name) for name, content in models.items()]
    groups = event_groups(cases)
    found: dict[str, object] = {}
    partly: dict[str, object] = {}
    some: list[int] = [] if keep is None else np.flatnonzero(keep).tolist()
    for policy in policies:
        chosen = replay(cases, policy, cost_rows, SEED).chosen
        found[policy.name] = judged(cases, chosen, groups)
        if some:
            partly[policy.name] = judged(
                [cases[row] for row in some], [chosen[row] for row in some], [groups[row] for row in some]
            )
        if policy.name in models:
            novelty = [Action(action.anomalous, action.novelty) for action in chosen]
            found[f"{policy.name}: isolation forest alone"] = judged(cases, novelty, groups, ranks_only=True)
    return found, partly


def judged(
    cases: Sequence[ReliabilityCase],
    chosen: Sequence[Action],
    groups: Sequence[str],
    *,
    ranks_only: bool = False,
) -> dict[str, object]:
    """Figures of what was said, with intervals by event for those that are gated."""
    kinds = np.array([case.outcomes[FINE].kind for case in cases])
    known = np.isin(kinds, ("quiet", "benign", "fault"))
    truth, score = kinds[known] == "fault", np.array([action.score for action in chosen])[known]
    names = [group for group, keep in zip(groups, known, strict=True) if keep]

    def area(rows: NDArray[np.int64]) -> float:
        return average_precision(truth[rows], score[rows])

    def recall(rows: NDArray[np.int64]) -> float:
        return recall_at_fpr(truth[rows], score[rows], 0.05)

    found: dict[str, object] = dict(figures(cases, chosen))
    if ranks_only:
        found = {name: found[name] for name in ("pr_auc", "recall_at_5pct_fpr")}
    order = np.argsort(np.array([case.context.node for case in cases])[known], kind="stable")
    return found | {
        "vus_pr": vus_pr(truth[order], score[order], _BUFFER),
        "pr_auc_interval": bounds(resampled_interval(area, names, BOOTSTRAP)),
        "recall_at_5pct_fpr_interval": bounds(resampled_interval(recall, names, BOOTSTRAP)),
    }


def event_groups(cases: Sequence[ReliabilityCase]) -> list[str]:
    """Each row's event: that of its fleet which was last when it was recorded, at whichever node."""
    latest: dict[str, str] = {}
    found = []
    for case in cases:
        outcome = case.outcomes[FINE]
        if outcome.kind == "fault":
            latest[case.group] = outcome.event
        found.append(f"{case.group}/{latest.get(case.group, '')}")
    return found


def by_kind(cases: Sequence[ReliabilityCase], content: bytes) -> dict[str, dict[str, float]]:
    """Recall at 5 % false positives of each type of fault."""
    chosen = replay(cases, DetectorPolicy(ExportedGraph(content)), cost_rows, SEED).chosen
    kinds = np.array([case.outcomes[FINE].kind for case in cases])
    types = np.array([case.outcomes[FINE].event.rpartition("-")[0] for case in cases])
    score = np.array([action.score for action in chosen])
    others = np.isin(kinds, ("quiet", "benign"))
    found = {}
    for name in np.unique(types[kinds == "fault"]).tolist():
        rows = others | ((kinds == "fault") & (types == name))
        reached = recall_at_fpr((kinds == "fault")[rows], score[rows], 0.05)
        found[name] = {"rows": int((rows & ~others).sum()), "recall_at_5pct_fpr": reached}
    return found


def drift_fpr(content: bytes) -> dict[str, float]:
    """Share of quiet rows flagged while latencies double and loads rise slowly, on fleets never seen."""
    rates: dict[str, float] = {}
    for number in range(4):
        rng = np.random.default_rng([SEED, 1000 + number])
        fleet = simulated_fleet(f"drift-{number}", 4, _DRIFT_STEPS, rng)
        ramp = np.linspace(0.0, 1.0, len(fleet.times_s))[:, None]
        metrics = fleet.metrics.copy()
        for name, factor in _DRIFTED.items():
            metrics[:, :, METRICS.index(name)] *= 1 + (factor - 1) * ramp
        metrics[:, :, METRICS.index("cpu_usage") :] = np.minimum(
            metrics[:, :, METRICS.index("cpu_usage") :], 1
        )
        drifted = Fleet(fleet.name, fleet.nodes, fleet.times_s, metrics, fleet.kinds, fleet.events)
        cases = list(cases_of(drifted, range(30, len(fleet.times_s))))
        chosen = replay(cases, DetectorPolicy(ExportedGraph(content)), cost_rows, SEED).chosen
        rates[fleet.name] = figures(cases, chosen)["quiet_fpr"]
    return rates


def latency_ms(cases: Sequence[ReliabilityCase], content: bytes) -> dict[str, float]:
    """Of one decision, arrays and all; of several rounds the one least disturbed."""
    policy, rounds = DetectorPolicy(ExportedGraph(content)), []
    for _ in range(_ROUNDS):
        taken = []
        for case in cases[:_TIMED]:
            started = time.perf_counter()
            policy.decide(case.context, case.time_s, Random(SEED))
            taken.append((time.perf_counter() - started) * 1e3)
        rounds.append(np.quantile(taken, [0.5, 0.99]))
    p50, p99 = min(rounds, key=lambda one: float(one[1]))
    return {"p50_ms": float(p50), "p99_ms": float(p99)}


def check(fitted: Fitted, content: bytes, cases: Sequence[ReliabilityCase]) -> float:
    """Largest difference between model and export over some rows."""
    from dwcp.training import check_parity

    return check_parity(fitted, content, arrays([case.context for case in cases[:2000]]))


def bounds(interval: Interval) -> list[float | None]:
    """Both ends; None where there is none."""
    return [end if np.isfinite(end) else None for end in (interval.low, interval.high)]
