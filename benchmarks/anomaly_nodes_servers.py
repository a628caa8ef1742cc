"""Scorers that need no labels, on servers with anonymous metrics: fitted on the quiet part, judged after it.

The detector takes ten named metrics, which these servers don't have. So what is judged here is what does not
depend on names: isolation forest, components, deviations, distance to quiet rows, and the threshold that is
fitted again while it serves.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest

from anomaly_nodes_sets import Server
from dwcp.evaluation import average_precision
from dwcp.evaluation.detection import (
    Debounce,
    Span,
    debounced,
    episodes,
    event_recall,
    false_episodes_per_hour,
    runs,
    vus_pr,
)
from dwcp.tasks.reliability.calibration import TARGET_FPR, QuietScores, conformal_threshold

Floats = NDArray[np.float64]
Scorer = Callable[[Floats, Floats], Floats]

BEST = "distance"
PCA = ("pca", "pca-smoothed")
SEED = 7
DEBOUNCE = Debounce(2, 3)

_LEAST_DEVIATION, _MOST_OFF = 0.01, 20.0
_KEPT_VARIANCE = 0.9
_NEIGHBOURS, _REFERENCES, _CHUNK = 5, 1500, 2000
_LATEST = 5
_BUFFER = 20
_CALIBRATION_SHARE = 0.25


def judge_server(server: Server) -> dict[str, object]:
    """Every scorer's figures on one server."""
    cut = int(len(server.train) * (1 - _CALIBRATION_SHARE))
    rows = np.concatenate([server.train[cut:], server.test])
    found = {}
    for name, scorer in SCORERS.items():
        scores = scorer(server.train[:cut], rows)
        quiet, scores = scores[: len(server.train) - cut], scores[len(server.train) - cut :]
        found[name] = _figures(server, quiet, scores)
    return {"name": server.name, "rows": len(server.labels), "scorers": found}


def _figures(server: Server, quiet: Floats, scores: Floats) -> Mapping[str, float]:
    times = np.arange(len(scores)) * server.step_s
    events = [Span(*(server.step_s * edge for edge in run)) for run in runs(server.labels).tolist()]
    fixed = scores > conformal_threshold(quiet, TARGET_FPR)
    followed = follow(quiet, scores)
    alarms = debounced(followed, DEBOUNCE)
    recall = event_recall(events, alarms, times)
    return {
        "pr_auc": average_precision(server.labels, scores),
        "vus_pr": vus_pr(server.labels, scores, _BUFFER),
        "fpr_fixed": float(fixed[~server.labels].mean()),
        "fpr_followed": float(followed[~server.labels].mean()),
        "recall_followed": float(followed[server.labels].mean()),
        "event_recall": recall.recall,
        "median_delay_s": recall.median_delay_s,
        "false_episodes_per_hour": false_episodes_per_hour(
            episodes(alarms, times), events, times, step_s=server.step_s
        ),
    }


def follow(quiet: Floats, scores: Floats) -> NDArray[np.bool_]:
    """Flags by the threshold that is fitted again on quiet rows while it serves, as the policy does it."""
    logs = np.log(np.maximum(scores, 1e-9))
    before = np.log(np.maximum(quiet, 1e-9))
    trained = conformal_threshold(before, TARGET_FPR)
    known = QuietScores()
    for score in before:
        known.add(float(score), alarm=False)
    flags = np.zeros(len(logs), dtype=np.bool_)
    threshold = trained
    for row, score in enumerate(logs):
        if row % _LATEST == 0:
            threshold = known.threshold(trained, TARGET_FPR)
        flags[row] = score > threshold
        known.add(float(score), alarm=DEBOUNCE.holds(flags[max(0, row - 2) : row + 1].tolist()))
    return flags


def _scaled(train: Floats, rows: Floats) -> tuple[Floats, Floats]:
    centre, deviation = train.mean(axis=0), np.maximum(train.std(axis=0), _LEAST_DEVIATION)
    made = [np.clip((part - centre) / deviation, -_MOST_OFF, _MOST_OFF) for part in (train, rows)]
    return made[0], made[1]


def robust_z(train: Floats, rows: Floats) -> Floats:
    """Mean deviation from the median, metric by metric."""
    centre = np.median(train, axis=0)
    spread = np.maximum(1.4826 * np.median(np.abs(train - centre), axis=0), _LEAST_DEVIATION)
    return np.asarray(np.minimum(np.abs(rows - centre) / spread, _MOST_OFF).mean(axis=1))


def pca(train: Floats, rows: Floats) -> Floats:
    """Mean square that is left by the components that hold nine tenths of the variance."""
    known, seen = _scaled(train, rows)
    _, singular, components = np.linalg.svd(known - known.mean(axis=0), full_matrices=False)
    share = np.cumsum(singular**2) / np.sum(singular**2)
    kept = components[: int(np.searchsorted(share, _KEPT_VARIANCE)) + 1]
    return np.asarray(np.square(seen - seen @ kept.T @ kept).mean(axis=1))


def forest(train: Floats, rows: Floats) -> Floats:
    """The published isolation forest."""
    fitted = IsolationForest(n_estimators=100, max_samples=256, max_features=0.75, random_state=SEED)
    return np.asarray(-fitted.fit(train).score_samples(rows))


def distance(train: Floats, rows: Floats) -> Floats:
    """Mean distance to the five nearest of some quiet rows."""
    known, seen = _scaled(train, rows)
    chosen = np.random.default_rng(SEED).choice(len(known), min(_REFERENCES, len(known)), replace=False)
    references = known[chosen]
    lengths = np.square(references).sum(axis=1)
    found = []
    for begin in range(0, len(seen), _CHUNK):
        part = seen[begin : begin + _CHUNK]
        squares = np.square(part).sum(axis=1)[:, None] + lengths - 2 * part @ references.T
        nearest = np.partition(squares, _NEIGHBOURS, axis=1)[:, :_NEIGHBOURS]
        found.append(np.sqrt(np.maximum(nearest, 0)).mean(axis=1))
    return np.concatenate(found)


def chance(train: Floats, rows: Floats) -> Floats:  # noqa: ARG001
    """Scores of pure chance."""
    return np.random.default_rng(SEED).random(len(rows))


def smoothed(scorer: Scorer) -> Scorer:
    """The mean over the latest five rows."""

    def score(train: Floats, rows: Floats) -> Floats:
        sums = np.concatenate([[0.0], np.cumsum(scorer(train, rows))])
        ends = np.arange(1, len(sums))
        begins = np.maximum(ends - _LATEST, 0)
        return np.asarray((sums[ends] - sums[begins]) / (ends - begins))

    return score


SCORERS: Mapping[str, Scorer] = {
    "random": chance,
    "robust-z": robust_z,
    "pca": pca,
    "pca-smoothed": smoothed(pca),
    "isolation-forest": forest,
    "isolation-forest-smoothed": smoothed(forest),
    BEST: smoothed(distance),
}
