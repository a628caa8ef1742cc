from dataclasses import replace

from dwcp.tasks.reliability.contract import Context, Sample
from dwcp.tasks.reliability.rules import broken_limits, limits_ratio

WELL = Sample(error_rate=0.001, cpu_usage=0.2, memory_usage=0.3, p99_latency_ms=10.0)


def of(now: Sample) -> Context:
    return Context("n", (WELL, now), (WELL, WELL))


def test_the_limits_that_are_reached_are_told_the_furthest_first() -> None:
    now = replace(WELL, error_rate=0.1, cpu_usage=0.95, p99_latency_ms=200.0)
    assert broken_limits(of(now)) == (("p99_latency_ms", 5.0), ("error_rate", 2.0), ("cpu_usage", 1.0))
    assert limits_ratio(of(now)) == 5.0


def test_a_node_that_is_well_or_tells_nothing_breaks_none() -> None:
    assert broken_limits(of(WELL)) == ()
    assert broken_limits(of(Sample())) == ()
    assert limits_ratio(of(Sample())) == 2.0
    assert broken_limits(Context("n", ())) == ()
