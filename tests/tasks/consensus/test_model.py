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


def test_rows_of_one_class_and_no_seeds_are_refused():
    learner, cases = TASK.learner(), TASK.examples(60, 1)
    quiet = [case for case in cases if next(iter(case.outcomes.values())).kind == "quiet"]
    with pytest.raises(TrainingError, match="need labelled faults"):
        learner.fit(quiet, cases, TrainingOptions(epochs=1), lambda *_: None)
    with pytest.raises(TrainingError, match="seeds says how many"):
        learner.fit(cases, cases, TrainingOptions(epochs=1, extra={"seeds": 0}), lambda *_: None)
