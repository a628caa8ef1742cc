"""Drift of a path's error: noticed when it rises, and what follows from it."""

import json

import numpy as np
import pytest

from dwcp.tasks.bandwidth.contract import Quantiles
from dwcp.tasks.bandwidth.drift import Drift, DriftWatch, widened

FORECAST = Quantiles(80.0, 100.0, 125.0)


def rates(seed: int, mid: float, count: int, spread: float = 0.08) -> list[float]:
    return (mid * np.exp(spread * np.random.default_rng(seed).standard_normal(count))).tolist()


def fed(watch: DriftWatch, actual: list[float], began_s: float = 0.0, path: str = "p") -> list[Drift]:
    found = [watch.observe(path, FORECAST, mbps, began_s + second) for second, mbps in enumerate(actual)]
    return [drift for drift in found if drift is not None]


def test_a_path_that_stays_as_it_was_does_not_drift() -> None:
    for seed in range(5):
        assert fed(DriftWatch(), rates(seed, 100.0, 2000)) == []


@pytest.mark.parametrize("mid", [40.0, 300.0, 0.0])
def test_a_rise_of_the_error_is_noticed_within_a_minute(mid: float) -> None:
    for seed in range(5):
        drifts = fed(DriftWatch(), rates(seed, 100.0, 300) + rates(seed + 9, mid, 60))
        assert drifts
        assert 300 <= drifts[0].at_s < 330
        assert drifts[0].after > drifts[0].before


def test_more_misses_are_noticed_too() -> None:
    """Just outside of a narrow interval: the error hardly rises."""
    watch = DriftWatch()
    narrow = Quantiles(99.0, 100.0, 101.0)
    found = [watch.observe("p", narrow, 100.5 if second < 200 else 102.0, second) for second in range(260)]
    assert [drift.sign for drift in found if drift][:1] == ["misses"]


def test_an_error_that_falls_is_no_drift() -> None:
    watch = DriftWatch()
    assert fed(watch, rates(1, 300.0, 300)) == []
    assert fed(watch, rates(2, 100.0, 300), began_s=300.0) == []


def test_after_a_drift_forecasts_are_wider_for_a_while() -> None:
    watch = DriftWatch()
    assert watch.widening("p") == 1.0
    drifts = fed(watch, rates(1, 100.0, 100))
    assert (drifts, watch.widening("p")) == ([], 1.0)
    actual = iter(rates(2, 30.0, 100))
    while not fed(watch, [next(actual)]):
        pass
    assert watch.widening("p") == 2.0
    assert watch.widening("other") == 1.0
    fed(watch, [30.0] * 10)
    assert 1.0 < watch.widening("p") <= 2.0


def test_retraining_is_queued_once_a_path_until_somebody_takes_it() -> None:
    watch = DriftWatch()
    for path in ("p", "q"):
        fed(watch, rates(1, 100.0, 200) + rates(2, 30.0, 40), path=path)
    assert [drift.path for drift in watch.queue] == ["p", "q"]
    assert [drift.path for drift in watch.take_queue()] == ["p", "q"]
    assert watch.queue == ()


def test_it_is_bounded() -> None:
    watch = DriftWatch()
    for number in range(300):
        watch.observe(f"p{number}", FORECAST, 100.0, 0.0)
    assert len(watch.snapshot()["paths"]) == 256  # type: ignore[arg-type]


def test_it_goes_on_from_a_snapshot() -> None:
    actual = rates(1, 100.0, 200) + rates(2, 30.0, 60)
    whole, first, second = DriftWatch(), DriftWatch(), DriftWatch()
    wanted = fed(whole, actual)
    assert wanted
    earlier = fed(first, actual[:205])
    second.restore(json.loads(json.dumps(first.snapshot())))
    assert earlier + fed(second, actual[205:], began_s=205.0) == wanted
    assert second.queue == whole.queue
    assert second.widening("p") == whole.widening("p")


def test_wider_is_so_on_a_logarithmic_scale() -> None:
    assert widened(FORECAST, 1.0) == FORECAST
    twice = widened(FORECAST, 2.0)
    assert (twice.low, twice.mid, twice.high) == pytest.approx((64.0, 100.0, 156.25))
    assert widened(Quantiles(0.0, 10.0, 1e7), 3.0) == Quantiles(0.0, 10.0, 1e7)
    assert widened(Quantiles(0.0, 0.0, 5.0), 2.0) == Quantiles(0.0, 0.0, 5.0)
