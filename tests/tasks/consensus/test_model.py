"""The features in the graph, and the learner on simulated groups."""

from dataclasses import replace

import numpy as np
import pytest

from dwcp.errors import TrainingError
from dwcp.task import TrainingOptions
from dwcp.tasks.consensus.contract import MEASURES
from dwcp.tasks.consensus.inputs import arrays
from dwcp.tasks.consensus.names import CHANNELS, FEATURES, VIEWS
from dwcp.tasks.consensus.task import TASK

pytestmark = pytest.mark.train


@pytest.fixture
def seen():
    from dwcp.tasks.consensus.model.rows import seen_of

    return lambda *contexts: seen_of(arrays(contexts))


def test_features_are_off_what_is_usual_and_nan_where_missing(seen, context_of, calm):
    levels = tuple((4.0, 2.0) if name == "latency_p50_ms" else (-1.0, -1.0) for name in MEASURES)
    context = context_of(replace(calm, latency_p50_ms=10.4), usual=levels)
    row = dict(zip(FEATURES, seen(context).table[0].tolist(), strict=True))
    assert len(row) == len(VIEWS) * len(CHANNELS)
    assert row["now:latency_p50_ms"] == pytest.approx(10.4)
    assert row["off:latency_p50_ms"] == pytest.approx((10.4 - 4.0) / (2.0 + 0.2 + 1.0))
    assert row["off_mean_3:latency_p50_ms"] == pytest.approx(row["off:latency_p50_ms"] / 3)
    assert row["off:queue_depth"] == 0.0
    assert np.isnan(row["off:fsync_ms_max"])


def test_broken_rules_are_counted_in_the_graph(seen, context_of, calm):
    broken = replace(calm, members_up=2.0, active_nodes=2.0, oldest_ms=1500.0)
    table = seen(context_of(), context_of(broken)).table[:, FEATURES.index("now:rules_broken")]
    assert table.tolist() == [0.0, 3.0]


@pytest.fixture
def rows_like():
    """Rows of one group with made-up labels, a table of chance and no windows."""
    import torch

    from dwcp.tasks.consensus.model.features import Seen
    from dwcp.tasks.consensus.model.rows import Rows

    def make(kinds, broken=None, seed=1):
        count, nothing = len(kinds), torch.zeros(0)
        table = np.random.default_rng(seed).normal(size=(count, len(FEATURES))).astype(np.float32)
        starts = np.cumsum([True, *(one != other for one, other in zip(kinds[1:], kinds[:-1], strict=True))])
        return Rows(
            nothing,
            Seen(torch.from_numpy(table), nothing, nothing, nothing),
            np.array(kinds),
            np.array(
                [f"kill {at}" if kind == "fault" else "" for kind, at in zip(kinds, starts, strict=True)]
            ),
            np.array(["group"] * count),
            np.arange(count, dtype=float),
            np.zeros(count, dtype=bool) if broken is None else broken,
            np.zeros(count, dtype=np.int64),
        )

    return make


def test_trees_are_taught_hidden_faults_and_no_quiet_second_with_a_broken_rule(rows_like):
    kinds = ["quiet", "quiet", "benign", "hidden", "fault", "recovery", "unknown"]
    rows = rows_like(kinds, np.array([False, True, False, False, True, True, False]))
    assert rows.taught.tolist() == [True, False, True, True, True, False, False]
    assert rows.injected.tolist() == [False, False, False, True, True, False, False]
    assert rows.judged.tolist() == [True, True, True, False, True, False, False]
    assert rows.weight[2] > rows.weight[0]


def test_rows_are_scored_by_trees_that_never_saw_them(rows_like):
    from dwcp.evaluation import average_precision
    from dwcp.tasks.consensus.model.boosting import boost, margins
    from dwcp.tasks.consensus.model.operating import out_of_fold

    labels = np.random.default_rng(2).random(400) < 0.3
    rows = rows_like(np.where(labels, "fault", "quiet").tolist())
    options, table = TrainingOptions(seed=1, epochs=10), rows.seen.table.numpy()
    known = margins(boost(table, labels, options), table).mean(axis=1)
    assert average_precision(labels, known) > 0.95
    assert average_precision(labels, out_of_fold(rows, options)) < 0.45


def test_the_operating_point_finds_most_faults_at_few_false_alarms(rows_like):
    from dwcp.tasks.consensus.model.operating import operating_point

    part = ["quiet"] * 300 + ["fault"] * 5
    rows = rows_like([*part * 6, *["quiet"] * 200])
    margin = np.random.default_rng(3).normal(-6.0, 0.5, len(rows.kinds))
    margin[rows.faults] = np.repeat([3.0, 3.0, 2.0, 1.0, 1.0, -3.0], 5)
    for begin, height in ((50, 0.0), (400, -2.0), (900, -2.5), (1300, -2.5)):
        margin[begin : begin + 4] = height
    threshold, curve = operating_point(margin, rows)
    assert -2.0 <= threshold < 1.0
    recalls, rates = ([point[name] for point in curve] for name in ("event_recall", "false_per_hour"))
    assert recalls == sorted(recalls)
    assert recalls[-1] == 1.0
    assert rates == sorted(rates)


def test_an_alarm_that_never_ends_is_no_operating_point(rows_like):
    from dwcp.tasks.consensus.model.operating import MOST_FPR, operating_point

    rows = rows_like([*["quiet"] * 40, *(["fault"] * 4 + ["quiet"] * 60) * 3])
    margin = np.where(rows.faults, 0.5, -0.2)
    margin[:40] = -3.0
    threshold, curve = operating_point(margin, rows)
    assert all(point["fpr"] <= MOST_FPR for point in curve)
    assert threshold >= 0.5


def test_rows_of_one_class_and_no_seeds_are_refused():
    learner, cases = TASK.learner(), TASK.examples(60, 1)
    quiet = [case for case in cases if next(iter(case.outcomes.values())).kind == "quiet"]
    with pytest.raises(TrainingError, match="need labelled faults"):
        learner.fit(quiet, cases, TrainingOptions(epochs=1), lambda *_: None)
    with pytest.raises(TrainingError, match="seeds says how many"):
        learner.fit(cases, cases, TrainingOptions(epochs=1, extra={"seeds": 0}), lambda *_: None)
