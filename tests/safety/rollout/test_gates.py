import numpy as np
import pytest

from dwcp.errors import InputError
from dwcp.safety.rollout.gates import LIMITS, Metric, RolloutGate, Verdict, figure_of, judge
from dwcp.safety.rollout.measuring import Measurement, Sums

PASS, FAIL, INCONCLUSIVE = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE


def sums(*, failed=0, answered=0, right=0, wrong=0) -> Sums:
    return Sums(decisions=failed + answered, failed=failed, judged=right + wrong, right=right)


def of(field: str, values) -> Sums:
    made = Sums()
    made.add([Measurement(**{field: float(value)}) for value in values])
    return made


def verdict(metric: Metric, candidate: Sums, control: Sums | None = None, **gate) -> Verdict:
    made = RolloutGate(metric, gate.pop("limit", LIMITS.get(metric, 0.0)), **gate)
    return judge(made, figure_of(metric, candidate, control or Sums(), 0.99)).verdict


@pytest.mark.parametrize("metric", Metric)
def test_nothing_measured_is_inconclusive(metric):
    assert verdict(metric, Sums(), Sums()) is INCONCLUSIVE


def test_too_little_is_neither_pass_nor_fail():
    assert verdict(Metric.ACCURACY, sums(right=199)) is INCONCLUSIVE
    assert verdict(Metric.ACCURACY, sums(right=200)) is PASS
    assert verdict(Metric.ACCURACY, sums(wrong=49)) is INCONCLUSIVE
    assert verdict(Metric.ACCURACY, sums(wrong=50)) is FAIL
    assert verdict(Metric.ERROR_RATE, sums(failed=49)) is INCONCLUSIVE
    assert verdict(Metric.ERROR_RATE, sums(failed=50)) is FAIL


def test_beyond_the_limit_but_not_for_certain_is_inconclusive():
    close = sums(right=186, wrong=14)
    assert verdict(Metric.ACCURACY, close) is INCONCLUSIVE
    assert verdict(Metric.ACCURACY, close, margin=0.01) is FAIL
    assert verdict(Metric.ACCURACY, close, margin=0.03) is INCONCLUSIVE
    assert verdict(Metric.ACCURACY, sums(right=18_600, wrong=1_400)) is FAIL


def test_on_the_right_side_is_a_pass_though_the_interval_reaches_over():
    assert verdict(Metric.ACCURACY, sums(right=191, wrong=9)) is PASS
    assert verdict(Metric.ERROR_RATE, sums(failed=9, answered=191)) is PASS


def test_wilsons_interval_as_published():
    """E. B. Wilson's interval for 81 of 263 at 95% is 0.2553 to 0.3662 (Newcombe 1998, table I)."""
    figure = figure_of(Metric.ACCURACY, sums(right=81, wrong=182), Sums(), 0.95)
    assert (round(figure.low, 4), round(figure.high, 4)) == (0.2553, 0.3662)


def test_p99_fails_by_its_tail_and_not_by_one_slow_call():
    quick = [1.0] * 297
    assert verdict(Metric.LATENCY_P99_MS, of("latency_ms", [*quick, 1.0, 1.0, 90.0])) is PASS
    assert verdict(Metric.LATENCY_P99_MS, of("latency_ms", [*quick[:295], *[90.0] * 5])) is INCONCLUSIVE
    assert verdict(Metric.LATENCY_P99_MS, of("latency_ms", [*quick[:270], *[90.0] * 30])) is FAIL


def test_regret_is_held_against_its_limit_or_the_control():
    rng = np.random.default_rng(3)
    low, high = of("regret", rng.exponential(0.1, 400)), of("regret", rng.exponential(0.3, 400))
    assert verdict(Metric.REGRET, low, limit=0.2) is PASS
    assert verdict(Metric.REGRET, high, limit=0.2) is FAIL
    assert verdict(Metric.REGRET_OVER_CONTROL, low, high) is PASS
    assert verdict(Metric.REGRET_OVER_CONTROL, high, low) is FAIL
    assert verdict(Metric.REGRET_OVER_CONTROL, low, of("regret", [0.1] * 10)) is INCONCLUSIVE


def test_rounding_is_no_difference():
    assert verdict(Metric.REGRET_OVER_CONTROL, of("regret", [0.1] * 300), of("regret", [0.1] * 7777)) is PASS
    assert verdict(Metric.REGRET, of("regret", [0.1] * 300), limit=0.1) is PASS


def test_throughput_is_held_against_the_control():
    rng = np.random.default_rng(4)
    slow = of("throughput_mbps", rng.normal(80, 20, 400))
    quick = of("throughput_mbps", rng.normal(100, 20, 400))
    assert verdict(Metric.THROUGHPUT_RATIO, quick, slow) is PASS
    assert verdict(Metric.THROUGHPUT_RATIO, slow, quick) is FAIL
    stalled = of("throughput_mbps", [0.0] * 400)
    assert verdict(Metric.THROUGHPUT_RATIO, stalled, quick) is FAIL
    assert verdict(Metric.THROUGHPUT_RATIO, quick, stalled) is INCONCLUSIVE


def test_a_good_candidate_is_hardly_ever_failed_however_often_it_is_looked_at():
    """An error rate of 3% under a limit of 5%, looked at after every decision; 100 candidates."""
    rng = np.random.default_rng(5)
    gate = RolloutGate(Metric.ERROR_RATE, 0.05)
    failed = 0
    for errors in rng.random((100, 1000)) < 0.03:
        totals = np.cumsum(errors)
        failed += any(
            judge(
                gate,
                figure_of(
                    Metric.ERROR_RATE,
                    sums(failed=int(totals[n]), answered=int(n + 1 - totals[n])),
                    Sums(),
                    0.99,
                ),
            ).verdict
            is FAIL
            for n in range(0, 1000, 5)
        )
    assert failed <= 3


@pytest.mark.parametrize(
    ("gate", "words"),
    [
        (RolloutGate(Metric.ACCURACY, 95.0), "is a share"),
        (RolloutGate(Metric.REGRET, float("nan")), "finite limit"),
        (RolloutGate(Metric.REGRET, 1.0, margin=0.0), "margin above 0"),
        (RolloutGate(Metric.REGRET, 1.0, samples=10, breach_samples=20), "no fewer to pass"),
        (RolloutGate(Metric.LATENCY_P99_MS, 15.0, samples=60), "99th percentile"),
    ],
)
def test_a_gate_that_makes_no_sense_is_refused(gate, words):
    with pytest.raises(InputError, match=words) as refused:
        gate.check()
    assert gate.metric in str(refused.value)
