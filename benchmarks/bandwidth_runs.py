"""Every policy and every model on the unseen traces of one set: the same rows, in order of time."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray

from bandwidth_models import Foretold, Trained
from bandwidth_sets import BandwidthCase, SetCases, ThroughputSet, load
from dwcp.evaluation import Bootstrap, Interval, Policy, mean_interval, roc_auc, saving_interval
from dwcp.tasks.bandwidth.contract import HORIZON_STEPS, Action, Context, Outcome
from dwcp.tasks.bandwidth.figures import hold, within_20
from dwcp.tasks.bandwidth.policy import BlendPolicy
from dwcp.tasks.bandwidth.rules import RulePolicy, other_figures
from dwcp.tasks.bandwidth.walks import WALKS

BandwidthPolicy = Policy[Context, Action, Outcome]
Floats = NDArray[np.float64]

BLEND, FROM_SIMULATION, LAST = "blend", "blend-simulated", "last-value"
BOOTSTRAP = Bootstrap(seed=11, resamples=500)
COVERAGES = (0.1, 0.25, 0.5, 0.75, 1.0)
FLOOR_SHARE = 0.05
ROWS_OF_A_TRACE = 30
COVERED, DRAWS = 0.9, 2000
MS_WITHIN = 0.2


@dataclass(frozen=True)
class Figures:
    """One policy and one target on one set; intervals by trace.

    Attributes:
        policy: whose.
        target: ``next`` or ``horizon``.
        within_20: share within 20%, with its interval.
        mape: mean absolute percentage error, its floor 5% of the trace's mean.
        mae_saved: share of last value's mean absolute error saved, with its interval.
        correlation: median over traces; None where no trace is long enough.
        skill: share of last value's error saved, median over traces.
        coverage: of 90% intervals; None for a rule without.
        worst_decile: coverage of the worst tenth of traces with enough rows.
        exact_worst_decile: the same, by chance alone, of intervals that cover exactly 90%.
        width: median width over the median.
        surer: share within 20% of the surest tenth, quarter, half, three quarters and all.
    """

    policy: str
    target: str
    within_20: tuple[float, float, float]
    mape: float
    mae_saved: tuple[float, float, float]
    correlation: float | None
    skill: float | None
    coverage: float
    worst_decile: float | None
    exact_worst_decile: float | None
    width: float
    surer: tuple[float, ...]


@dataclass(frozen=True)
class Result:
    """All of one set."""

    which: str
    regime: str
    rows: int
    traces: tuple[int, int, int]
    figures: tuple[Figures, ...]
    others: dict[str, float]

    def of(self, policy: str, target: str) -> Figures:
        """One policy's."""
        return next(f for f in self.figures if (f.policy, f.target) == (policy, target))

    def policies(self) -> list[str]:
        """All, in order."""
        return list(dict.fromkeys(f.policy for f in self.figures))

    def as_json(self) -> dict[str, object]:
        """For the file of results."""
        return asdict(self)


def run_set(
    folder: Path, most: tuple[int, int, int], trained: Sequence[Trained], which: ThroughputSet
) -> Result:
    """Judge everything on a set's unseen traces; a blend has seen the validation traces before."""
    cases = load(which, folder, most)
    answers: dict[str, list[Action]] = {
        name: go(RulePolicy(name, walk), cases.test) for name, walk in WALKS.items()
    }
    answers["blend-of-rules"] = _after_validation(BlendPolicy(), cases)
    for model in trained:
        told = Foretold(model.graph(), [*cases.validation, *cases.test])
        answers[model.name] = _alone(told, cases.test, answers[LAST])
        if model.name in _BLENDED:
            name = _BLENDED[model.name]
            answers[name] = _after_validation(BlendPolicy(told, name), cases)
    last = answers[LAST]
    figures = tuple(
        _figures(name, target, cases.test, actions, last)
        for name, actions in answers.items()
        for target in range(2)
    )
    others = _others(cases.test, answers[BLEND]) if BLEND in answers else {}
    return Result(which.name, which.regime, len(cases.test), cases.traces, figures, others)


_BLENDED = {"tcn": BLEND, "tcn-simulated": FROM_SIMULATION}


def go(policy: BandwidthPolicy, cases: Sequence[BandwidthCase]) -> list[Action]:
    """What a policy forecasts, learning as it goes."""
    told = []
    for case in cases:
        action = policy.decide(case.context, case.time_s, Random(0)).action
        policy.observe(case.context, action, case.outcomes[action], case.time_s)
        told.append(action)
    return told


def _after_validation(policy: BandwidthPolicy, cases: SetCases) -> list[Action]:
    go(policy, cases.validation)
    return go(policy, cases.test)


def _alone(told: Foretold, cases: Sequence[BandwidthCase], last: Sequence[Action]) -> list[Action]:
    """The model without a policy around it: its own quantiles, surer the narrower they are."""
    from dwcp.tasks.bandwidth.contract import Quantiles

    quantiles = told.throughputs([case.context for case in cases]).astype(np.float64)
    found = []
    for (first, then), usual in zip(quantiles.tolist(), last, strict=True):
        sure = (first[1] + 1e-6) / (first[1] + first[2] - first[0] + 1e-6)
        found.append(
            Action(
                Quantiles(*first), Quantiles(*then), sure, usual.rtt_ms, usual.jitter_ms, usual.packet_loss
            )
        )
    return found


def _figures(
    name: str, target: int, cases: Sequence[BandwidthCase], actions: Sequence[Action], last: Sequence[Action]
) -> Figures:
    held, usual = hold(cases, actions, target), hold(cases, last, target)
    groups = [case.group for case in cases]
    places = np.unique(groups, return_inverse=True)[1]
    near = within_20(held.truth, held.mid).astype(np.float64)
    error, other = np.abs(held.truth - held.mid), np.abs(usual.truth - usual.mid)
    means = _by_trace(held.truth, places)[places]
    inside = ((held.low <= held.truth) & (held.truth <= held.high)).astype(np.float64)
    long = np.bincount(places) >= ROWS_OF_A_TRACE
    skills = 1 - _by_trace(error, places) / np.maximum(_by_trace(other, places), 1e-12)
    order = np.argsort(-held.confidence, kind="stable")
    return Figures(
        policy=name,
        target=("next", "horizon")[target],
        within_20=_bounds(mean_interval(near, groups, BOOTSTRAP)),
        mape=float((error / np.maximum(held.truth, FLOOR_SHARE * means + 1e-9)).mean()),
        mae_saved=_bounds(saving_interval(error, other, groups, BOOTSTRAP)),
        correlation=_median(_correlations(held.truth, held.mid, places)),
        skill=_median(skills[long].tolist()),
        coverage=float(inside.mean()),
        worst_decile=float(np.quantile(_by_trace(inside, places)[long], 0.1)) if long.any() else None,
        exact_worst_decile=_exact(np.bincount(places)[long], target) if long.any() else None,
        width=float(np.median((held.high - held.low) / np.maximum(held.mid, 1e-9))),
        surer=tuple(float(near[order[: max(1, round(share * len(near)))]].mean()) for share in COVERAGES),
    )


def _others(cases: Sequence[BandwidthCase], actions: Sequence[Action]) -> dict[str, float]:
    """RTT within 20%, jitter's skill in logarithms, and AUC of loss, each beside its simple rule."""
    rows = [(next(iter(case.outcomes.values())).steps[0], other_figures(case.context)) for case in cases]
    found: dict[str, float] = {}
    rtt = [(s.rtt_ms, a.rtt_ms, r[0]) for (s, r), a in zip(rows, actions, strict=True) if s.rtt_ms and r[0]]
    if rtt:
        truth, told, simple = np.array(rtt).T
        found["rtt_within_20"] = float((np.abs(told - truth) <= MS_WITHIN * truth).mean())
        found["rtt_within_20_last_value"] = float((np.abs(simple - truth) <= MS_WITHIN * truth).mean())
    jitter = [
        (s.jitter_ms, a.jitter_ms, r[1])
        for (s, r), a in zip(rows, actions, strict=True)
        if s.jitter_ms and r[1]
    ]
    if jitter:
        truth, told, simple = np.log(np.array(jitter) + 0.01).T
        found["jitter_log_skill"] = 1 - float(np.abs(told - truth).sum() / np.abs(simple - truth).sum())
    loss = [
        (s.packet_loss > 0, a.packet_loss, r[2])
        for (s, r), a in zip(rows, actions, strict=True)
        if s.packet_loss is not None
    ]
    if loss and 0 < sum(lost for lost, *_ in loss) < len(loss):
        lost = [bool(one[0]) for one in loss]
        found["loss_auc"] = roc_auc(lost, [one[1] for one in loss])
        found["loss_auc_mean_of_5"] = roc_auc(lost, [one[2] for one in loss])
    return found


def _exact(rows: NDArray[np.intp], target: int) -> float:
    """Mean worst decile where each row is covered with 90% chance; of horizons, five rows share one fate."""
    rng = np.random.default_rng(BOOTSTRAP.seed)
    fates = np.maximum(1, rows // (HORIZON_STEPS if target else 1))
    covered = rng.binomial(fates, COVERED, (DRAWS, len(rows))) / fates
    return float(np.quantile(covered, 0.1, axis=1).mean())


def _by_trace(values: Floats, places: NDArray[np.intp]) -> Floats:
    return np.asarray(np.bincount(places, values) / np.bincount(places))


def _correlations(truth: Floats, told: Floats, places: NDArray[np.intp]) -> list[float]:
    found = []
    for place in range(int(places.max()) + 1):
        mine = places == place
        if mine.sum() >= ROWS_OF_A_TRACE and truth[mine].std() > 0 and told[mine].std() > 0:
            found.append(float(np.corrcoef(truth[mine], told[mine])[0, 1]))
    return found


def _median(values: Sequence[float]) -> float | None:
    return float(np.median(values)) if len(values) else None


def _bounds(interval: Interval) -> tuple[float, float, float]:
    low, high = (
        bound if np.isfinite(bound) else interval.estimate for bound in (interval.low, interval.high)
    )
    return interval.estimate, float(low), float(high)
