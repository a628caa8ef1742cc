"""Every figure against a plain, slow computation of the same definition."""

import math
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

import dwcp.evaluation.detection as detection
from dwcp.errors import InputError
from dwcp.evaluation import Bootstrap, average_precision, balanced_accuracy
from dwcp.evaluation.detection import (
    Debounce,
    Span,
    buffered_labels,
    by_event,
    covered,
    debounced,
    episodes,
    event_recall,
    false_episodes_per_hour,
    pointwise,
    range_pr_auc,
    rate_inside,
    recall_at_fpr,
    resampled_interval,
    runs,
    threshold_at_fpr,
    vus_pr,
)

Floats = NDArray[np.float64]
Labels = NDArray[np.bool_]


def series(seed: int, rows: int = 120, levels: int = 12) -> tuple[Labels, Floats]:
    """A few events, and scores with ties that know something of them."""
    rng = np.random.default_rng(seed)
    labels = np.zeros(rows, dtype=np.bool_)
    for begin in rng.integers(1, rows - 12, size=3):
        labels[begin : begin + rng.integers(1, 10)] = True
    return labels, np.round((rng.random(rows) + 0.4 * labels) * levels) / levels


def naive_range_pr_auc(labels: Labels, scores: Floats, buffer: int) -> float:
    """Threshold by threshold and row by row."""
    n = len(labels)
    weight = [float(label) for label in labels]
    for begin, end in runs(labels):
        for row in range(n):
            if end <= row < end + buffer // 2:
                weight[row] += math.sqrt(1 - (row - end + 1) / buffer)
            if begin - buffer // 2 <= row < begin:
                weight[row] += math.sqrt(1 - (begin - row) / buffer)
    weight = [min(one, 1.0) for one in weight]
    segments = runs([one > 0 for one in weight])
    mass = (sum(labels) + sum(weight)) / 2
    area, before = 0.0, 0.0
    for threshold in sorted(set(scores.tolist()), reverse=True):
        hits = sum(weight[row] for row in range(n) if scores[row] >= threshold)
        flagged = sum(scores[row] >= threshold for row in range(n))
        touched = sum(any(scores[row] >= threshold for row in range(*segment)) for segment in segments)
        recall = min(hits / mass, 1.0) * touched / len(segments)
        area += (recall - before) * hits / flagged
        before = recall
    return area


def test_every_name_is_exported_in_order() -> None:
    assert list(detection.__all__) == sorted(detection.__all__)
    assert all(hasattr(detection, name) for name in detection.__all__)


@pytest.mark.parametrize("seed", range(6))
def test_the_volume_is_that_of_the_plain_computation(seed: int) -> None:
    labels, scores = series(seed)
    for buffer in (0, 1, 2, 5, 16, 40):
        assert range_pr_auc(labels, scores, buffer) == pytest.approx(
            naive_range_pr_auc(labels, scores, buffer), abs=1e-12
        )
    slow = [naive_range_pr_auc(labels, scores, buffer) for buffer in range(9)]
    assert vus_pr(labels, scores, 8) == pytest.approx(sum(slow) / 9, abs=1e-12)


def test_a_volume_without_a_buffer_rewards_finding_every_event() -> None:
    one_event = np.arange(40) // 10 == 2
    scores = np.random.default_rng(1).random(40)
    first = np.argsort(-scores)[0]
    scores[20], scores[first] = scores[first], scores[20]
    assert range_pr_auc(one_event, scores, 0) == pytest.approx(average_precision(one_event, scores))
    perfect = one_event.astype(float)
    assert vus_pr(one_event, perfect, 0) == 1.0
    near = np.roll(perfect, 3)
    assert vus_pr(one_event, near, 20) > range_pr_auc(one_event, near, 0)


def test_a_buffer_falls_off_and_stays_inside_the_series() -> None:
    labels = np.array([1, 0, 0, 0, 0, 0, 1], dtype=np.bool_)
    found = buffered_labels(labels, 4)
    near, far = math.sqrt(3 / 4), math.sqrt(2 / 4)
    assert found == pytest.approx([1, near, far, 0, far, near, 1])
    assert buffered_labels(labels, 8)[3] == pytest.approx(1.0)


def point_adjusted(labels: Labels, flags: Labels) -> Labels:
    adjusted = flags.copy()
    for begin, end in runs(labels):
        adjusted[begin:end] |= flags[begin:end].any()
    return adjusted


def test_point_adjustment_would_reward_random_scores() -> None:
    """Why nothing here adjusts points: long events, scores of pure chance, and an excellent F1."""
    rng = np.random.default_rng(3)
    labels = np.zeros(4000, dtype=np.bool_)
    for begin in range(500, 4000, 1000):
        labels[begin : begin + 150] = True
    scores = rng.random(4000)
    best = max(
        pointwise(labels, point_adjusted(labels, scores > threshold)).f1
        for threshold in np.linspace(0.9, 0.999, 100)
    )
    assert best > 0.85
    share = labels.mean()
    assert average_precision(labels, scores) < 1.2 * share
    assert max(pointwise(labels, scores > threshold).f1 for threshold in np.linspace(0, 1, 50)) < 2.1 * share


@pytest.mark.parametrize("seed", range(4))
def test_rows_are_judged_as_counted_by_hand(seed: int) -> None:
    labels, scores = series(seed)
    flags = scores > 0.7
    pairs = list(zip(labels.tolist(), flags.tolist(), strict=True))
    tp, fp, fn, tn = (pairs.count(kind) for kind in ((1, 1), (0, 1), (1, 0), (0, 0)))
    found = pointwise(labels, flags)
    assert found.accuracy == pytest.approx((tp + tn) / len(pairs))
    assert found.recall == pytest.approx(tp / (tp + fn))
    assert found.precision == pytest.approx(tp / (tp + fp))
    assert found.false_positive_rate == pytest.approx(fp / (fp + tn))
    assert found.f1 == pytest.approx(2 * tp / (2 * tp + fp + fn))
    assert found.balanced_accuracy == pytest.approx(balanced_accuracy(labels.tolist(), flags.tolist()))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("rate", [0.0, 0.01, 0.05, 0.3, 1.0])
def test_recall_at_a_rate_is_the_best_of_all_thresholds_that_keep_it(seed: int, rate: float) -> None:
    labels, scores = series(seed)
    kept = [
        np.mean(scores[labels] > threshold)
        for threshold in scores[~labels]
        if np.mean(scores[~labels] > threshold) <= rate
    ]
    assert recall_at_fpr(labels, scores, rate) == pytest.approx(max(kept))
    assert np.mean(scores[~labels] > threshold_at_fpr(scores[~labels], rate)) <= rate


def test_a_debounce_knows_only_the_past() -> None:
    flags = [False, True, False, True, True, True, False, False, False]
    rule = Debounce(2, 3)
    naive = [rule.holds(flags[: row + 1]) for row in range(len(flags))]
    assert debounced(flags, rule).tolist() == naive
    assert naive == [False, False, False, True, True, True, True, False, False]
    assert debounced(flags, Debounce(1, 1)).tolist() == flags
    with pytest.raises(InputError, match="0 of 3"):
        Debounce(0, 3)


def test_episodes_are_runs_and_join_over_short_gaps() -> None:
    flags = np.array([0, 1, 1, 0, 1, 0, 0, 0, 1], dtype=np.bool_)
    times = np.arange(9) * 2.0 + 100
    assert episodes(flags, times) == (Span(102, 106), Span(108, 110), Span(116, 116))
    assert episodes(flags, times, join_s=2.5) == (Span(102, 110), Span(116, 116))


def test_events_are_found_at_their_first_alarm() -> None:
    times = np.arange(40.0)
    events = [Span(5, 10, "disk"), Span(15, 20, "loss"), Span(30, 32, "kill"), Span(50, 60, "unseen")]
    alarms = np.zeros(40, dtype=np.bool_)
    alarms[[7, 8, 21, 30, 35]] = True
    found = event_recall(events, alarms, times)
    assert found.delays_s == (2.0, None, 0.0)
    assert found.recall == pytest.approx(2 / 3)
    assert (found.median_delay_s, found.worst_delay_s) == (1.0, 2.0)
    assert event_recall(events, alarms, times, grace_s=3).delays_s == (2.0, 6.0, 0.0)
    assert math.isnan(event_recall([], alarms, times).recall)


def test_false_episodes_count_by_the_hour_of_time_that_is_not_excused() -> None:
    times = np.arange(0, 7200.0)
    excused = [Span(0, 1800), Span(3600, 5400)]
    raised = [Span(100, 200), Span(2000, 2010), Span(3500, 4000), Span(5399, 5500), Span(6000, 6001)]
    assert false_episodes_per_hour(raised, excused, times, step_s=1.0) == pytest.approx(3.0)
    with pytest.raises(InputError, match="outside the excused"):
        false_episodes_per_hour(raised, [Span(0, 1e9)], times, step_s=1.0)


def test_a_rate_inside_benign_events_counts_their_rows_alone() -> None:
    times = np.arange(10.0)
    flags = times >= 6
    assert rate_inside([Span(5, 7), Span(6, 9)], flags, times) == pytest.approx(3 / 4)
    assert covered([Span(5, 7)], times).tolist() == [t in (5, 6) for t in range(10)]
    assert math.isnan(rate_inside([], flags, times))


def test_rows_go_to_the_nearest_event() -> None:
    events = [Span(40, 50), Span(10, 20)]
    groups = by_event(events, np.arange(60.0), "node")
    assert groups == ["node#0"] * 31 + ["node#1"] * 29
    assert set(by_event([], np.arange(5.0))) == {"#0"}


def test_an_interval_by_event_is_wider_than_one_by_row() -> None:
    """Ten events, each found whole or not at all: by row it looks as if 200 things had been tried."""
    hits = np.repeat(np.array([1, 1, 0, 1, 1, 1, 0, 1, 1, 1.0]), 20)
    groups = [f"#{row // 20}" for row in range(200)]
    bootstrap = Bootstrap(seed=1, resamples=400)

    def share(rows: NDArray[np.int64]) -> float:
        return float(hits[rows].mean())

    by_events = resampled_interval(share, groups, bootstrap)
    by_rows = resampled_interval(share, [str(row) for row in range(200)], bootstrap)
    assert by_events.estimate == by_rows.estimate == pytest.approx(0.8)
    assert by_events.high - by_events.low > 3 * (by_rows.high - by_rows.low)
    assert by_events == resampled_interval(share, groups, bootstrap)


def test_draws_without_a_figure_are_dropped() -> None:
    labels = np.array([True, False, False, False])
    groups = ["a", "b", "c", "d"]

    def area(rows: NDArray[np.int64]) -> float:
        return average_precision(labels[rows], np.array([0.9, 0.1, 0.2, 0.3])[rows])

    found = resampled_interval(area, groups, Bootstrap(seed=2, resamples=50))
    assert (found.low, found.high) == (1.0, 1.0)
    assert math.isinf(resampled_interval(area, ["a"] * 4, Bootstrap(seed=2)).high)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: range_pr_auc([True, False], [1.0], 0),
        lambda: range_pr_auc([True, True], [1.0, 2.0], 0),
        lambda: range_pr_auc([True, False], [1.0, math.nan], 0),
        lambda: vus_pr([True, False], [1.0, 2.0], -1),
        lambda: pointwise([True], [True, False]),
        lambda: threshold_at_fpr([], 0.1),
        lambda: recall_at_fpr([False], [1.0], 0.1),
        lambda: episodes([True], [1.0, 2.0]),
        lambda: event_recall([], [True], [1.0, 2.0]),
        lambda: covered([], [2.0, 1.0]),
        lambda: resampled_interval(lambda rows: float(rows.size), [], Bootstrap(1)),
    ],
)
def test_what_cannot_be_judged_is_refused(wrong: object) -> None:
    with pytest.raises(InputError):
        wrong()  # type: ignore[operator]


def test_moments_of_runs() -> None:
    assert list(map(tuple, runs([True, True, False, True]))) == [(0, 2), (3, 4)]
    assert all(end <= begin for (_, end), (begin, _) in pairwise(runs([1, 0, 1, 1, 0, 1])))
