"""Conformal thresholds, and levels of what is usual."""

import numpy as np
import pytest

from dwcp.tasks.consensus.contract import MEASURES, Step
from dwcp.tasks.consensus.quiet import QuietLevels, QuietScores, conformal_threshold


def test_a_conformal_threshold_is_passed_at_most_as_often_as_said():
    rng = np.random.default_rng(3)
    passed = [rng.normal() > conformal_threshold(rng.normal(size=199), 0.05) for _ in range(2000)]
    assert 0.03 < np.mean(passed) < 0.07


def test_too_few_scores_leave_the_trained_threshold_and_many_move_it_within_bounds():
    scores = QuietScores()
    for _ in range(80):
        scores.add(9.0, alarm=False)
    assert scores.threshold(1.0) == 1.0
    for _ in range(80):
        scores.add(9.0, alarm=False)
    assert scores.threshold(1.0) == 3.0
    assert scores.threshold(8.0) == 9.0
    assert scores.threshold(20.0) == 20.0


def test_seconds_before_during_and_after_an_alarm_are_not_taken_in():
    scores = QuietScores()
    for second in range(200):
        scores.add(float(second), alarm=100 <= second < 110)
    taken = set(scores.snapshot()["scores"])
    assert 90.0 in taken
    assert not taken & set(map(float, range(95, 115)))
    assert 120.0 in taken


def test_levels_are_median_and_deviation_and_minus_one_where_nothing_was_measured():
    levels = QuietLevels()
    for second in range(60):
        levels.add(Step(latency_p50_ms=4.0 + second % 3), alarm=False)
    centre, spread = levels.levels[MEASURES.index("latency_p50_ms")]
    assert centre == 5.0
    assert 1.0 < spread < 3.0
    assert levels.levels[MEASURES.index("fsync_ms_max")] == (-1.0, -1.0)


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), -3.0, None])
def test_odd_numbers_do_not_break_levels(odd):
    levels = QuietLevels()
    for second in range(60):
        levels.add(Step(latency_p50_ms=4.0, fsync_ms_max=odd if second % 2 else 2.0), alarm=False)
    assert np.isfinite(levels.levels[MEASURES.index("latency_p50_ms")]).all()
