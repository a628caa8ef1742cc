"""Detectors, parts and rules over recorded clusters: replays, figures with intervals, latency."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import cast

import numpy as np
from numpy.typing import NDArray

from anomaly_consensus_data import Recorded, act_of, events_of, kinds_of, quiet_with_shift, times_of
from dwcp.evaluation import Bootstrap, Interval, average_precision, ratio_interval
from dwcp.evaluation.detection import (
    by_event,
    covered,
    debounced,
    recall_at_fpr,
    resampled_interval,
    vus_pr,
)
from dwcp.evaluation.policy import Policy
from dwcp.task import Arrays, Graph, TrainingOptions
from dwcp.tasks.consensus.contract import Action, Context, Outcome
from dwcp.tasks.consensus.figures import RANKED_FPR, events_told, score_of, spans_of
from dwcp.tasks.consensus.inputs import PARTS, arrays
from dwcp.tasks.consensus.model.operating import MOST_FPR
from dwcp.tasks.consensus.policy import DetectorPolicy
from dwcp.tasks.consensus.quiet import TARGET_FPR, conformal_threshold
from dwcp.tasks.consensus.rules import DEBOUNCE, flagged, hard_ratio
from dwcp.tasks.consensus.series import ConsensusCase
from dwcp.tasks.consensus.task import TASK
from dwcp.training.graph import ExportedGraph
from dwcp.training.parity import check_parity

SEED = 42
BOOTSTRAP = Bootstrap(SEED, resamples=200)
CALIBRATION_S = 90
DETECTOR = "detector"
_BUFFER_S = 10
_TIMED, _ROUNDS = 1000, 5
_CURVE_POINTS = 60
_NEVER = 1e9
_JUDGED = ("quiet", "benign", "fault")

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Said:
    """What somebody said of the rows of one recording.

    Attributes:
        cases: the rows, in order of time.
        score: what they are ranked by.
        flag: which are flagged.
    """

    cases: Sequence[ConsensusCase]
    score: Floats
    flag: Flags

    def only(self, keep: Flags) -> "Said":
        """These rows."""
        rows = np.flatnonzero(keep).tolist()
        return Said([self.cases[row] for row in rows], self.score[keep], self.flag[keep])


class Listening:
    """A graph that notes what each part scored."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self.parts: list[Floats] = []

    def run(self, given: Arrays) -> Arrays:
        """Ask the graph."""
        answer = self._graph.run(given)
        self.parts.append(np.asarray(answer["parts"][0], dtype=np.float64))
        return answer


@dataclass(frozen=True, eq=False)
class Trained:
    """A detector, and the threshold of each of its parts by itself."""

    content: bytes
    graph: ExportedGraph
    thresholds: Floats
    parity: float
    summary: Mapping[str, object]
    fit_s: float


def fit(
    train: Sequence[ConsensusCase], validation: Sequence[ConsensusCase], epochs: int, seeds: int = 1
) -> Trained:
    """Train, weigh and calibrate; hold the export against the trained model."""
    started = time.perf_counter()
    options = TrainingOptions(seed=SEED, epochs=epochs, extra={"seeds": seeds})
    fitted = TASK.learner().fit(train, validation, options, _silent)
    content = fitted.to_onnx()
    rows = arrays([case.context for case in validation])
    graph = ExportedGraph(content)
    quiet = np.isin(kinds_of(validation), ("quiet", "benign"))
    parts = np.asarray(graph.run(rows)["parts"], dtype=np.float64)[quiet]
    thresholds = np.array([conformal_threshold(parts[:, place], TARGET_FPR) for place in range(len(PARTS))])
    summary = fitted.summary()
    thresholds[PARTS.index("trees")] = cast("float", summary["trees_threshold"])
    parity = check_parity(fitted, content, rows)
    return Trained(content, graph, thresholds, parity, summary, time.perf_counter() - started)


def everyone(trained: Trained, cases: Sequence[ConsensusCase], skip_s: int = 0) -> dict[str, Said]:
    """The detector, each of its parts alone, and every rule, over one recording.

    The detector starts with nothing remembered; rules are given levels by the labels, which favours them.

    Args:
        trained: the detector.
        cases: in order of time.
        skip_s: how many of the first seconds are for calibration alone.
    """
    listening = Listening(trained.graph)
    bare = (
        [replace(case, context=replace(case.context, usual=())) for case in cases] if skip_s else list(cases)
    )
    said = {DETECTOR: replayed(DetectorPolicy(listening), bare)}
    parts = np.array(listening.parts)
    for place, part in enumerate(PARTS):
        said[f"{part} alone"] = Said(cases, parts[:, place], parts[:, place] > trained.thresholds[place])
    for rule in (TASK.fallback(), *TASK.baselines()):
        said[rule.name] = replayed(rule, cases)
    keep = np.arange(len(cases)) >= skip_s
    return {name: one.only(keep) for name, one in said.items()}


def replayed(policy: Policy[Context, Action, Outcome], cases: Sequence[ConsensusCase]) -> Said:
    """Decide and observe second by second."""
    rng = Random(SEED)
    score, flag = np.zeros(len(cases)), np.zeros(len(cases), dtype=np.bool_)
    for place, case in enumerate(cases):
        action = policy.decide(case.context, case.time_s, rng).action
        policy.observe(case.context, action, case.outcomes[action], case.time_s)
        score[place], flag[place] = score_of(action), action.anomalous
    return Said(cases, score, flag)


def figures(said: Sequence[Said], *, intervals: bool = True) -> dict[str, object]:
    """Figures over several recordings, each a series of its own."""
    rows = [_rows(one, f"{place}") for place, one in enumerate(said)]
    fault, score, flag, benign = (np.concatenate([row[place] for row in rows]) for place in range(4))
    groups = [group for row in rows for group in row[4]]
    found: dict[str, object] = {
        "pr_auc": average_precision(fault, score),
        "vus_pr": float(np.mean([vus_pr(row[0], row[1], _BUFFER_S) for row in rows if row[0].any()])),
        "recall_at_5pct_fpr": recall_at_fpr(fault, score, RANKED_FPR),
        "recall_past_first_s": _past_first(fault, score, groups),
        "accuracy": float((fault == flag).mean()),
        "balanced_accuracy": float((flag[fault].mean() + 1 - flag[~fault].mean()) / 2),
        "recall": float(flag[fault].mean()),
        "fpr": float(flag[~fault].mean()),
        "f1": float(2 * (fault & flag).sum() / max((fault.sum() + flag.sum()), 1)),
        "benign_fpr": float(flag[benign].mean()) if benign.any() else None,
        **_events(said),
    }
    if intervals:
        found["intervals"] = {
            "pr_auc": _bounds(
                resampled_interval(
                    lambda drawn: average_precision(fault[drawn], score[drawn]), groups, BOOTSTRAP
                )
            ),
            "accuracy": _bounds(ratio_interval(fault == flag, np.ones(len(fault)), groups, BOOTSTRAP)),
            "recall": _bounds(ratio_interval(fault & flag, fault, groups, BOOTSTRAP)),
            "balanced_accuracy": _bounds(
                resampled_interval(lambda drawn: _balanced(fault[drawn], flag[drawn]), groups, BOOTSTRAP)
            ),
        }
    return found


def by_type(said: Sequence[Said]) -> dict[str, dict[str, float]]:
    """Events found, of how many, and seconds flagged, by what was done."""
    found: dict[str, dict[str, float]] = {}
    for one in said:
        alarm = debounced(one.flag, DEBOUNCE)
        kinds, events = kinds_of(one.cases), events_of(one.cases)
        for span in spans_of(times_of(one.cases), kinds, events, ("fault",)):
            rows = (kinds == "fault") & (events == span.kind)
            entry = found.setdefault(act_of(span.kind), {"events": 0, "found": 0, "seconds": 0, "flagged": 0})
            entry["events"] += 1
            entry["found"] += int(alarm[rows].any())
            entry["seconds"] += int(rows.sum())
            entry["flagged"] += int(one.flag[rows].sum())
    return dict(sorted(found.items()))


def drift(trained: Trained, recorded: Recorded, factor: float) -> dict[str, float]:
    """Quiet seconds at another level: how much of the time after the shift an alarm stands, and at first."""
    cases = quiet_with_shift(recorded, len(recorded.cases) // 3, factor)
    said = replayed(DetectorPolicy(trained.graph), cases)
    alarm = debounced(said.flag, DEBOUNCE)[len(recorded.cases) // 3 :]
    return {
        "factor": factor,
        "seconds": len(alarm),
        "alarm_share": float(alarm.mean()) if len(alarm) else 0.0,
    }


def latency_ms(trained: Trained, cases: Sequence[ConsensusCase]) -> dict[str, float]:
    """Of single decisions, with the policy around the graph; of several rounds the one least disturbed."""
    rounds = []
    for _ in range(_ROUNDS):
        policy, rng, taken = DetectorPolicy(trained.graph), Random(SEED), []
        for case in list(cases)[:_TIMED]:
            started = time.perf_counter()
            action = policy.decide(case.context, case.time_s, rng).action
            taken.append((time.perf_counter() - started) * 1e3)
            policy.observe(case.context, action, case.outcomes[action], case.time_s)
        rounds.append(np.percentile(taken, [50, 99]))
    p50, p99 = min(rounds, key=lambda one: float(one[1]))
    return {"p50": float(p50), "p99": float(p99), "decisions": float(_ROUNDS * len(taken))}


def _rows(one: Said, series: str) -> tuple[Flags, Floats, Flags, Flags, list[str]]:
    """Judged rows: labels, scores, flags, which are benign, and the event each belongs to."""
    kinds, times = kinds_of(one.cases), times_of(one.cases)
    spans = spans_of(times, kinds, events_of(one.cases), ("fault", "benign"))
    keep = np.isin(kinds, _JUDGED)
    groups = np.array(by_event(spans, times, series), dtype=np.str_)[keep].tolist()
    return kinds[keep] == "fault", one.score[keep], one.flag[keep], kinds[keep] == "benign", groups


def _past_first(fault: Flags, score: Floats, groups: Sequence[str]) -> float:
    """Recall at 5% FPR of faults from their second second on: the first may hold a moment of the fault."""
    rows = np.flatnonzero(fault)
    _, firsts = np.unique(np.array(groups, dtype=np.str_)[rows], return_index=True)
    keep = np.ones(len(fault), dtype=np.bool_)
    keep[rows[firsts]] = False
    return recall_at_fpr(fault[keep], score[keep], RANKED_FPR)


def trade_off(said: Sequence[Said]) -> list[dict[str, float]]:
    """Event recall against false episodes an hour as the threshold moves, hard rules included.

    From the fewest false alarms on, each point that finds more than all before it and flags few other
    seconds. The threshold that ships is not taken from here.
    """
    scores = np.concatenate([one.score[~np.isin(kinds_of(one.cases), ("fault", "hidden"))] for one in said])
    broken = [_broken(one.cases) for one in said]
    points = []
    for threshold in (*np.unique(np.quantile(scores, 1 - np.geomspace(0.1, 0.0003, _CURVE_POINTS))), np.inf):
        moved = [
            Said(one.cases, one.score, flagged(one.score, rules, float(threshold)))
            for one, rules in zip(said, broken, strict=True)
        ]
        other = np.concatenate([one.flag[np.isin(kinds_of(one.cases), ("quiet", "benign"))] for one in moved])
        if other.mean() > MOST_FPR:
            continue
        told = _events(moved)
        names = ("event_recall", "false_episodes_per_hour")
        points.append(
            {"threshold": float(min(threshold, _NEVER))} | {name: cast("float", told[name]) for name in names}
        )
    kept: list[dict[str, float]] = []
    for point in sorted(points, key=lambda one: (one["false_episodes_per_hour"], -one["event_recall"])):
        if not kept or point["event_recall"] > kept[-1]["event_recall"]:
            kept.append(point)
    return kept


def _events(said: Sequence[Said]) -> dict[str, object]:
    delays: list[float | None] = []
    false, excusable, watched_s = 0, 0, 0
    for one in said:
        times = times_of(one.cases)
        told = events_told(times, kinds_of(one.cases), events_of(one.cases), one.flag)
        broken = _broken(one.cases)
        delays += told.delays_s
        false += len(told.false)
        excusable += sum(bool(broken[covered([span], times)].any()) for span in told.false)
        watched_s += told.watched_s
    known = [delay for delay in delays if delay is not None]
    return {
        "events": len(delays),
        "event_recall": len(known) / len(delays) if delays else None,
        "median_delay_s": float(np.median(known)) if known else None,
        "false_episodes": false,
        "false_episodes_with_a_broken_rule": excusable,
        "false_episodes_per_hour": 3600.0 * false / watched_s if watched_s else None,
    }


def _broken(cases: Sequence[ConsensusCase]) -> Flags:
    return np.array([hard_ratio(case.context) >= 1 for case in cases], dtype=np.bool_)


def _balanced(fault: Flags, flag: Flags) -> float:
    if fault.all() or not fault.any():
        return float("nan")
    return float((flag[fault].mean() + 1 - flag[~fault].mean()) / 2)


def _bounds(interval: Interval) -> list[float]:
    return [interval.low, interval.high]


def _silent(share: float, words: str) -> None:
    """Tell nobody."""
