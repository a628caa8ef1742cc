import math

import msgspec
import numpy as np
import pytest

from dwcp.safety.rollout.measuring import Latencies, Measurement, Moments, Sums


def test_moments_are_those_of_numpy_even_far_from_zero_and_merged():
    values = 1e9 + np.random.default_rng(1).normal(size=1000)
    one, other = Moments(), Moments()
    for part in (values[:1], values[1:300], values[:0]):
        one.add(part)
    other.add(values[300:])
    one.merge(other)
    one.merge(Moments())
    assert one.count == 1000
    assert one.mean == pytest.approx(values.mean(), abs=1e-6)
    assert one.variance == pytest.approx(values.var(ddof=1), rel=1e-6)


def test_a_histogram_overstates_a_quantile_by_at_most_a_twentieth():
    values = np.random.default_rng(2).lognormal(1.0, 1.0, 5000)
    one, other = Latencies(), Latencies()
    one.add(values[:1234])
    other.add(values[1234:])
    one.merge(other)
    for share in (0.5, 0.9, 0.99):
        true = np.sort(values)[math.ceil(share * 5000) - 1]
        low_ms, high_ms = one.at_rank(math.ceil(share * 5000))
        assert low_ms < true <= high_ms * (1 + 1e-12)
        assert high_ms <= true * 1.0444


def test_an_edge_is_not_above_itself():
    one = Latencies()
    one.add(np.array([16.0]))
    assert one.at_rank(1)[1] == 16.0


def test_figures_that_are_none_are_passed_over():
    sums = Sums()
    for bad in (math.nan, math.inf, -math.inf):
        sums.add([Measurement(regret=bad, throughput_mbps=bad, latency_ms=bad)])
    sums.add([Measurement(latency_ms=-1.0)])
    sums.add([])
    assert sums == Sums()


def test_answer_and_outcome_may_be_recorded_apart():
    sums = Sums()
    answer = Measurement(answered=True, latency_ms=2.0)
    sums.add([answer, Measurement(correct=False, regret=0.5), Measurement(answered=False)])
    assert (sums.decisions, sums.failed, sums.judged, sums.right) == (2, 1, 1, 0)


def test_sums_survive_json():
    sums = Sums()
    for latency_ms in (0.0, 1e-9, 0.3, 7.0, 1e9):
        sums.add([Measurement(answered=True, latency_ms=latency_ms, regret=latency_ms)])
    assert msgspec.json.decode(msgspec.json.encode(sums), type=Sums) == sums
    assert len(sums.latency_ms.buckets) == 4
